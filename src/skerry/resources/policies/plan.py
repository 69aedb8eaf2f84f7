"""What the verbs of policies decide: pure functions from what is there and what is desired to a plan."""

from collections.abc import Iterator, Mapping
from typing import Any

from skerry.model.policy import KeptPolicy
from skerry.parts.base import Step
from skerry.parts.lock import Lock
from skerry.resources.kind import Plan

_OPEN = "its URLs are open to all"


def create(policy: KeptPolicy, tokens: Mapping[str, str]) -> Plan[KeptPolicy]:
    """Lock what is open."""
    step = Step("make", Lock(policy.owner, policy.version), "who gets through is decided for each request")
    stored = tuple(_told(None, policy))
    return Plan("policy_set", None, policy, (step,), "undo", stored=stored, once=dict(tokens))


def change(before: KeptPolicy, after: KeptPolicy, tokens: Mapping[str, str]) -> Plan[KeptPolicy]:
    """Let others through: from the next request on, without a reload."""
    old = Lock(before.owner, before.version)
    step = Step("change", Lock(after.owner, after.version), "it holds from the next request on", old)
    stored = tuple(_told(before, after))
    return Plan("policy_set", before, after, (step,), "undo", stored=stored, once=dict(tokens))


def delete(policy: KeptPolicy, falls_to: str) -> Plan[KeptPolicy]:
    """Take a policy away; ``falls_to`` says what holds then."""
    step = Step("remove", Lock(policy.owner, policy.version), falls_to)
    warnings = (f"{policy.key}: {_OPEN} now",) if falls_to == _OPEN else ()
    return Plan("policy_delete", policy, None, (step,), "finish", warnings=warnings)


def opens(*, of_project: bool) -> str:
    """What holds where a policy is taken away."""
    return "its project's policy holds" if of_project else _OPEN


def _told(before: KeptPolicy | None, after: KeptPolicy) -> Iterator[str]:
    """In words, what changes; of a secret no more than that."""
    if before is None or before.enabled != after.enabled:
        yield "it is on" if after.enabled else "it is off: nobody gets through"
    if before is None or before.default != after.default:
        yield f"whom no group is about: {after.default}"
    old = _groups(before) if before else {}
    new = _groups(after)
    yield from (f"group {name} is gone" for name in old if name not in new)
    told = False
    for name, group in new.items():
        if old.get(name) != group:
            told = True
            yield f"group {name}: {_words(group)}"
    same = (before.default, before.enabled, list(old)) if before else ()
    if not told and same == (after.default, after.enabled, list(new)):
        yield "another password, secret or key"


def _groups(policy: KeptPolicy) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in policy.shown}


def _words(group: Mapping[str, Any]) -> str:
    found = ["refuses" if group["deny"] else "lets through"]
    if group["ip"]:
        found.append(f"from {', '.join(group['ip'])}")
    if group.get("passwords"):
        found.append(f"with the password of {', '.join(group['passwords'])}")
    if group.get("tokens"):
        found.append(f"with token {', '.join(one['name'] for one in group['tokens'])}")
    if group.get("jwt"):
        found.append(f"with a JWT by {', '.join(group['jwt']['algorithms'])}")
    return " ".join(found)
