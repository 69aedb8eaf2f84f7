"""What the verbs of a realm decide: pure functions from what is there and what is desired to a plan."""

from collections.abc import Sequence

from skerry.model.errors import Code, SkerryError
from skerry.model.tenants import Realm
from skerry.parts.base import Step
from skerry.parts.slices import RealmJournal, Slice
from skerry.resources import names
from skerry.resources.kind import Plan


def create(realm: Realm, limits: Slice, stored: Sequence[str]) -> Plan[Realm]:
    """Make a realm that does not exist."""
    steps = (Step("make", limits, "its quotas, which the kernel holds"),) if limits.limited else ()
    return Plan("realm_create", None, realm, steps, "undo", stored=tuple(stored))


def update(
    before: Realm, after: Realm, limits: tuple[Slice, Slice], stored: Sequence[str], warnings: Sequence[str]
) -> Plan[Realm]:
    """Give a realm other options; ``limits`` are those of before and after."""
    old, new = limits
    steps = (Step("change", new, "its quotas, which the kernel holds", old),) if old != new else ()
    return Plan("realm_update", before, after, steps, "undo", stored=tuple(stored), warnings=tuple(warnings))


def delete(realm: Realm, limits: Slice, has: Sequence[str]) -> Plan[Realm]:
    """Delete a realm.

    Raises:
        SkerryError: it is not empty; ``has`` says in words what it has.
    """
    if has:
        raise SkerryError(
            Code.BUSY,
            f"realm {realm.key} is not empty: it has {names.listed(has)}",
            "Delete these first",
        )
    steps = (
        Step("remove", limits, "nothing of it runs"),
        Step("remove", RealmJournal(realm.id), "nothing is left of it"),
    )
    return Plan("realm_delete", realm, None, steps, "finish")
