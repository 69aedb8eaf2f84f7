# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What every module of Skerry is: options in, one call to the engine of the host, its answer out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .skerry_client import EngineClient, EngineError

Fields = dict[str, Any]
KEY = ("realm", "project", "name")
# What of a container nobody decides, or nobody knows before it is done: no part of a diff.
_UNDECIDED = {"state", "version", "created", "fences", "image_digest"}


def ask(module: AnsibleModule, request: Fields, patience: float | None = None) -> Fields:
    """One call to the engine. Where that fails, the module ends with what was wrong and what would be right.

    Args:
        module: the module that asks.
        request: the verb and its fields.
        patience: seconds of silence to bear, where the client's own are too few.
    """
    client = EngineClient() if patience is None else EngineClient(timeout=patience)
    try:
        return client.call(**request)
    except EngineError as error:
        journal = {"journal": error.journal} if error.journal else {}
        module.fail_json(msg=str(error), code=error.code, **journal)
    raise AssertionError("fail_json ends the module")


def carry_out(module: AnsibleModule, request: Fields, patience: float | None = None) -> Fields:
    """Have a request carried out; in check mode ask only what it would do."""
    return ask(module, {"verb": "plan", "of": request} if module.check_mode else request, patience)


def given(params: Fields) -> Fields:
    """The options that the user gave. One that is not given means: as it is."""
    return {name: value for name, value in params.items() if value is not None}


def ensure_request(params: Fields) -> Fields:
    """The request that brings a container to the state which a module's options describe."""
    options = given(params)
    key = {name: options.pop(name) for name in KEY}
    own = {name: options.pop(name) for name in ("state", "wait", "timeout", "grace")}
    # YAML reads PORT: 8080 as a number. What else is no text is for the user to put in quotes.
    if "env" in options:
        options["env"] = {name: str(v) if type(v) is int else v for name, v in options["env"].items()}
    return {"verb": "ensure", "container": key, **own, "spec": options}


def container_result(answer: Fields) -> Fields:
    """What a module returns of an answer about one container."""
    after, plans = answer["after"], answer["plans"]
    return {
        "changed": answer["changed"],
        "container": after,
        "url": (after or answer["before"] or {}).get("url", ""),
        "steps": [step for plan in plans for step in plan["steps"]],
        "timings_ms": [milliseconds for timings in answer["timings_ms"] for milliseconds in timings],
        "restart_required": restart_required(plans),
        "diff": diff(answer),
    }


def restart_required(plans: list[Fields]) -> list[str]:
    """The changed options that wait for a restart, after all plans: a later start or restart takes them over."""
    waiting: list[str] = []
    for plan in plans:
        waiting = [*waiting, *plan["restart_required"]] if plan["verb"] == "update" else []
    return waiting


def diff(answer: Fields) -> Fields:
    """The container before and after, and below that the plan: what ``--diff`` shows."""
    decided = {when: _decided(answer[when]) for when in ("before", "after")}
    return decided | {"prepared": "".join(f"{line}\n" for line in _plan_lines(answer["plans"]))}


def _decided(container: Fields | None) -> Fields | str:
    return {name: container[name] for name in container if name not in _UNDECIDED} if container else ""


def _plan_lines(plans: list[Fields]) -> Iterator[str]:
    for plan in plans:
        yield f"plan: {plan['verb']}"
        yield from (f"  {number}. {step}" for number, step in enumerate(plan["steps"], start=1))
        if waiting := plan["restart_required"]:
            yield f"  when it is next restarted: {', '.join(waiting)}"
