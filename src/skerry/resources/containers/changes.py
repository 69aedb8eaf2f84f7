"""In words, what differs between the options that a container has and those that it shall have."""

import shlex
from typing import Any

from skerry.model import env
from skerry.model.container import Spec
from skerry.model.ends import Health


def changed_options(old: Spec, new: Spec) -> list[str]:
    """The options in which two specs differ, in the order of their declaration."""
    return [name for name in Spec.model_fields if getattr(old, name) != getattr(new, name)]


def described(old: Spec, new: Spec, options: set[str]) -> list[str]:
    """Each of ``options`` that differs: what it was and what it becomes; of the environment the names only."""
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    return [
        env.changes(old.env, new.env)
        if name == "env"
        else f"{name} {_short(name, before[name])} to {_short(name, after[name])}"
        for name in changed_options(old, new)
        if name in options
    ]


def _short(name: str, value: Any) -> str:
    match name:
        case "services":
            return " ".join(f"{one['name']}:{one['port']}" for one in value) or "none"
        case "volumes":
            used = (f"{one['volume']}:{one['path']}{':ro' * one['read_only']}" for one in value)
            return " ".join(used) or "none"
        case "secrets":
            return " ".join(one["file"] or one["secret"] for one in value) or "none"
        case "command":
            return "the image's own" if value is None else shlex.join(value)
        case "stop_signal":
            return "the image's own" if value is None else str(value)
        case "health":
            return "the image's own" if value is None else _health(value)
        case "after" | "reaches" | "reachable_from" | "publish":
            return " ".join(value) or "none"
        case "snapshot_every":
            return value or "none"
        case "labels":
            return " ".join(f"{key}={text}" for key, text in value.items()) or "none"
    return str(value)


def _health(value: dict[str, Any]) -> str:
    given = [
        f"{name}={shlex.join(value[name]) if name == 'command' else value[name]}"
        for name, field in Health.model_fields.items()
        if value[name] != field.default
    ]
    return " ".join(given) or "none"
