"""What the verbs of a realm or a project decide: pure functions from what is there and what is desired to a plan."""

from collections.abc import Sequence
from typing import TypeVar

from skerry.model.errors import Code, SkerryError
from skerry.model.tenants import Project, Realm, titled
from skerry.parts.base import Step
from skerry.parts.slices import Slice
from skerry.resources import names
from skerry.resources.kind import Plan

O = TypeVar("O", Realm, Project)  # noqa: E741
_REASON = "its quotas, which the kernel holds"


def create(owner: O, limits: Slice, stored: Sequence[str]) -> Plan[O]:
    """Make one that does not exist."""
    steps = (Step("make", limits, _REASON),) if limits.limited else ()
    return Plan(f"{owner.word}_create", None, owner, steps, "undo", stored=tuple(stored))


def update(
    before: O, after: O, limits: tuple[Slice, Slice], stored: Sequence[str], warnings: Sequence[str] = ()
) -> Plan[O]:
    """Give one other options; ``limits`` are those of before and after."""
    old, new = limits
    steps = (Step("change", new, _REASON, old),) if old != new else ()
    verb = f"{before.word}_update"
    return Plan(verb, before, after, steps, "undo", stored=tuple(stored), warnings=tuple(warnings))


def delete(owner: O, limits: Slice, has: Sequence[str], besides: Sequence[Step] = ()) -> Plan[O]:
    """Delete one, and what ``besides`` takes away.

    Raises:
        SkerryError: it is not empty; ``has`` says in words what it has.
    """
    if has:
        raise SkerryError(
            Code.BUSY, f"{titled(owner)} is not empty: it has {names.listed(has)}", "Delete these first"
        )
    steps = (Step("remove", limits, "nothing of it runs"), *besides)
    return Plan(f"{owner.word}_delete", owner, None, steps, "finish")
