"""What the verbs of a project decide: pure functions from what is there and what is desired to a plan."""

from collections.abc import Sequence

from skerry.model.errors import Code, SkerryError
from skerry.model.tenants import Project
from skerry.parts.base import Step
from skerry.parts.slices import Slice
from skerry.resources import names
from skerry.resources.kind import Plan


def create(project: Project, limits: Slice, stored: Sequence[str]) -> Plan[Project]:
    """Make a project that does not exist."""
    steps = (Step("make", limits, "its quotas, which the kernel holds"),) if limits.limited else ()
    return Plan("project_create", None, project, steps, "undo", stored=tuple(stored))


def update(
    before: Project, after: Project, limits: tuple[Slice, Slice], stored: Sequence[str]
) -> Plan[Project]:
    """Give a project other options; ``limits`` are those of before and after."""
    old, new = limits
    steps = (Step("change", new, "its quotas, which the kernel holds", old),) if old != new else ()
    return Plan("project_update", before, after, steps, "undo", stored=tuple(stored))


def delete(project: Project, limits: Slice, has: Sequence[str]) -> Plan[Project]:
    """Delete a project.

    Raises:
        SkerryError: it is not empty; ``has`` says in words what it has.
    """
    if has:
        raise SkerryError(
            Code.BUSY,
            f"project {project.key} is not empty: it has {names.listed(has)}",
            "Delete these first",
        )
    steps = (Step("remove", limits, "nothing of it runs"),)
    return Plan("project_delete", project, None, steps, "finish")
