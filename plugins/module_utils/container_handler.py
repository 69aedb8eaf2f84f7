# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the modules about containers share: the request that options describe, and the result of an answer."""

from __future__ import annotations

from .engine_handler import Fields, given, result

KEY = ("realm", "project", "name")


def ensure_request(params: Fields) -> Fields:
    """The request that brings a container to the state which a module's options describe."""
    options = given(params)
    key = {name: options.pop(name) for name in KEY}
    own = {name: options.pop(name) for name in ("state", "create", "wait", "timeout", "discard_root")}
    own |= {name: options.pop(name) for name in ("copy_of", "renamed_from", "grace_now") if name in options}
    if "health" in options:  # Ansible fills in what was not given
        options["health"] = given(options["health"])
    for name in ("env", "labels"):
        if name in options:
            options[name] = as_text(options[name])
    return {"verb": "ensure", "container": key, **own, "spec": options}


def as_text(values: Fields) -> Fields:
    """Variables and labels as the engine takes them: YAML reads ``PORT: 8080`` as a number.

    What else is no text is for the user to put in quotes.
    """
    return {name: str(value) if type(value) is int else value for name, value in values.items()}


def container_result(answer: Fields) -> Fields:
    """What a module returns of an answer about one container."""
    after = answer["after"]
    return result(answer) | {
        "container": after,
        "url": (after or answer["before"] or {}).get("url", ""),
        "timings_ms": [milliseconds for timings in answer["timings_ms"] for milliseconds in timings],
        "restart_required": restart_required(answer["plans"]),
        "missing": answer["missing"],
    }


def restart_required(plans: list[Fields]) -> list[str]:
    """The changed options that wait for a restart, after all plans: a later start or restart takes them over."""
    waiting: list[str] = []
    for plan in plans:
        waiting = [*waiting, *plan["restart_required"]] if plan["verb"] in ("update", "rename") else []
    return waiting
