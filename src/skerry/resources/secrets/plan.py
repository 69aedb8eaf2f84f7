"""What the verbs of secrets decide: pure functions from what is there and what is desired to a plan."""

import dataclasses
from collections.abc import Sequence

from skerry.model.errors import Code, SkerryError
from skerry.model.secret import KeptSecret
from skerry.parts.base import Step
from skerry.parts.sealed import CurrentValue, Sealed
from skerry.resources import names
from skerry.resources.kind import Plan


def create(secret: KeptSecret, value: bytes) -> Plan[KeptSecret]:
    """Make a secret that does not exist."""
    steps = (
        Step("make", Sealed(secret.id, secret.version, value), "only this host can read it"),
        Step("make", CurrentValue(secret.id, secret.version), "containers get it when they start"),
    )
    return Plan("secret_set", None, secret, steps, "undo")


def change(secret: KeptSecret, value: bytes, when: str, users: Sequence[str]) -> Plan[KeptSecret]:
    """Give a secret another value. Containers that have it keep the old one until they are restarted."""
    after = dataclasses.replace(secret, size=len(value), version=secret.version + 1, changed=when)
    steps = (
        Step("make", Sealed(after.id, after.version, value), "only this host can read it"),
        Step(
            "change",
            CurrentValue(after.id, after.version),
            "containers get it when they are next started",
            CurrentValue(secret.id, secret.version),
        ),
    )
    stored = (f"a restart is due for {names.listed(users)}",) if users else ()
    return Plan("secret_set", secret, after, steps, "undo", stored=stored)


def forget_old(secret: KeptSecret, version: int) -> Plan[KeptSecret]:
    """Delete the value that a secret had before."""
    step = Step("remove", Sealed(secret.id, version), "another one has taken its place")
    return Plan("secret_set", secret, secret, (step,), "finish")


def delete(secret: KeptSecret, users: Sequence[str]) -> Plan[KeptSecret]:
    """Delete a secret.

    Raises:
        SkerryError: containers have it.
    """
    if users:
        raise SkerryError(
            Code.BUSY,
            f"secret {secret.key} is in use by {names.listed(users)}",
            "Take it out of their option 'secrets' and restart them, or delete these containers, first",
        )
    steps = (
        Step("remove", CurrentValue(secret.id, secret.version), "no container gets it any more"),
        Step("remove", Sealed(secret.id, secret.version), "nothing is left of it"),
    )
    return Plan("secret_delete", secret, None, steps, "finish")
