"""What the verbs of tokens decide: pure functions from what is there and what is desired to a plan. None has a step."""

import dataclasses
from collections.abc import Sequence

from skerry.model import token as model
from skerry.model.token import KeptToken
from skerry.resources.kind import Plan


def described(token: KeptToken) -> list[str]:
    """What a token may do, for a person."""
    return [
        f"it is about {token.place}",
        f"verbs {token.template or ', '.join(token.verbs)}",
        f"from {', '.join(token.cidrs) or 'everywhere'}",
        f"until {token.expires or 'it is revoked'}",
    ]


def create(token: KeptToken) -> Plan[KeptToken]:
    """Make a token that does not exist. Its text is in the answer only: neither journal nor store have it."""
    text = model.new()
    after = dataclasses.replace(token, digest=model.digest(text))
    return Plan("token_create", None, after, (), "undo", stored=tuple(described(after)), once={"token": text})


def change(before: KeptToken, after: KeptToken) -> Plan[KeptToken]:
    """Let a token do something else. Its text stays."""
    changed = [new for old, new in zip(described(before), described(after), strict=True) if old != new]
    if before.verbs != after.verbs and before.template == after.template:
        changed.append(f"the verbs that {after.template or 'it names'} has now")
    return Plan("token_ensure", before, after, (), "undo", stored=tuple(changed))


def rotate(before: KeptToken, expires: str, when: str) -> Plan[KeptToken]:
    """Give a token another text."""
    text = model.new()
    after = dataclasses.replace(before, digest=model.digest(text), expires=expires, rotated=when)
    stored = ["another value; the old one is revoked"]
    stored += [f"until {expires or 'it is revoked'}"] if expires != before.expires else []
    return Plan("token_rotate", before, after, (), "undo", stored=tuple(stored), once={"token": text})


def revoke(token: KeptToken, made: Sequence[str]) -> Plan[KeptToken]:
    """Revoke a token. Those that it has made stay, and are named."""
    warnings = (f"it has made tokens that stay: {', '.join(made)}",) if made else ()
    return Plan(
        "token_revoke", token, None, (), "finish", stored=("it is revoked",), warnings=tuple(warnings)
    )
