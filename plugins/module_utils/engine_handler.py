# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules of every kind of resource share: one call to the engine of the host, its answer, its error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, env_fallback

from .api_client import ApiClient
from .engine_calls import EngineError
from .skerry_client import EngineClient

Fields = dict[str, Any]
# What of a resource nobody decides, or nobody knows before it is done: no part of a diff.
_UNDECIDED = {
    *("state", "version", "created", "expires", "fences", "image_digest"),
    *("state_detail", "health_state", "exit_status", "exit_reason", "ended_at", "restarts"),
}
API: Fields = {
    "api_url": {"type": "str", "fallback": (env_fallback, ["SKERRY_API_URL"])},
    "api_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["SKERRY_API_TOKEN"])},
    "api_ca": {"type": "path", "fallback": (env_fallback, ["SKERRY_API_CA"])},
}
"""The options of every module that asks the engine: where it is, if not on this host."""


def call(module: AnsibleModule, request: Fields) -> Fields:
    """One call to the engine: of this host, or by the API that the module's options name.

    Args:
        module: the module that asks.
        request: the verb and its fields.

    Raises:
        EngineError: it was refused, it failed, or there is no engine to talk to.
    """
    url, token, ca = (module.params.get(name) or "" for name in API)
    if url:
        return ApiClient(url, token, ca).call(**request)
    if token:
        raise EngineError("invalid", "api_url: is missing, and there is an api_token", "Give both or none")
    return EngineClient().call(**request)


def ask(module: AnsibleModule, request: Fields) -> Fields:
    """One call to the engine. Where that fails, the module ends with what was wrong and what would be right.

    Args:
        module: the module that asks.
        request: the verb and its fields.
    """
    try:
        return call(module, request)
    except EngineError as error:
        fail(module, error)


def fail(module: AnsibleModule, error: EngineError) -> NoReturn:
    """End the module with what was wrong and what would be right."""
    journal = {"journal": error.journal} if error.journal else {}
    module.fail_json(msg=str(error), code=error.code, **journal)
    raise AssertionError("fail_json ends the module")


def apply(module: AnsibleModule, request: Fields) -> Fields:
    """Have a request carried out; in check mode ask only what it would do. What a person should know is a warning."""
    answer = ask(module, _mode_of(module, request))
    for warning in answer["warnings"]:
        module.warn(warning)
    return answer


def delete(module: AnsibleModule, request: Fields, kind: str) -> Fields:
    """What a module returns once a resource is gone, in check mode would be; one that is not there is no error.

    Args:
        module: the module that asks.
        request: the verb that deletes, and its fields.
        kind: the name of the result's field that has the resource.
    """
    try:
        answer = call(module, _mode_of(module, request))
    except EngineError as error:
        if error.code == "not_found":
            msg = f"{error.message}: nothing to do. {error.hint}"
            return {"changed": False, kind: None, "steps": [], "stored": [], "msg": msg}
        fail(module, error)
    return result(answer) | {kind: answer["after"]}


def _mode_of(module: AnsibleModule, request: Fields) -> Fields:
    """The request; in check mode the one that asks what it would do."""
    return {"verb": "plan", "of": request} if module.check_mode else request


def given(params: Fields) -> Fields:
    """The options that the user gave, but for whom to ask; in lists of options too. One that is not given: as it is."""
    return {name: _given(value) for name, value in params.items() if value is not None and name not in API}


def _given(value: Any) -> Any:
    return (
        [given(one) if isinstance(one, dict) else one for one in value] if isinstance(value, list) else value
    )


def result(answer: Fields) -> Fields:
    """What a module of any kind returns of an answer to a change, besides the resource itself."""
    return {
        "changed": answer["changed"],
        "steps": [step for plan in answer["plans"] for step in plan["steps"]],
        "stored": [text for plan in answer["plans"] for text in plan["stored"]],
        "diff": diff(answer),
    }


def diff(answer: Fields) -> Fields:
    """The resource before and after, and below that the plan: what ``--diff`` shows."""
    decided = {when: _decided(answer[when]) for when in ("before", "after")}
    return decided | {"prepared": "".join(f"{line}\n" for line in _plan_lines(answer["plans"]))}


def _decided(resource: Fields | None) -> Fields | str:
    return {name: resource[name] for name in resource if name not in _UNDECIDED} if resource else ""


def _plan_lines(plans: list[Fields]) -> Iterator[str]:
    for plan in plans:
        yield f"plan: {plan['verb']}"
        yield from (f"  {number}. {step}" for number, step in enumerate(plan["steps"], start=1))
        yield from (f"  stored: {text}" for text in plan.get("stored", []))
        if waiting := plan["restart_required"]:
            yield f"  when it is next restarted: {', '.join(waiting)}"
