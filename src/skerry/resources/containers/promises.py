"""What is promised to all containers together, against what the host has to give: said, and far above it refused."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skerry.host import capacity
from skerry.model.container import Container
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.tenants import Use
from skerry.resources import owners
from skerry.resources.containers import store
from skerry.resources.containers.store import Promise
from skerry.resources.kind import Context, Decide, Plan, Planner, followed
from skerry.store.db import Database


def of(container: Container | None) -> Promise:
    """The memory that one container is promised while it is to run, and the disk as long as it exists."""
    if container is None:
        return Promise(0, 0)
    memory = container.spec.memory if container.desired != "stopped" else 0
    return Promise(memory, container.spec.disk)


def counted(container: Container | None) -> Use:
    """What one container counts for the quotas of its project and realm, whether it runs or not."""
    if container is None:
        return {}
    spec = container.spec
    return owners.of_container(spec.memory, spec.cpu, spec.pids, spec.disk)


def warnings(
    host: HostConfig, db: Database, before: Container | None, after: Container | None
) -> Iterator[str]:
    """A line for each promise that turning ``before`` into ``after`` raises, where the sum is more than the host has."""
    own, new = of(before), of(after)
    if after is None or not (new.memory > own.memory or new.disk > own.disk):
        return
    others = store.promised(db, besides=after.id)
    memory, disk = others.memory + new.memory, others.disk + new.disk
    if new.memory > own.memory and memory > (room := capacity.memory(host)):
        yield (
            f"memory: promised {_gibibytes(memory)} of {_gibibytes(room)} GiB. When containers use all of theirs, "
            "the kernel ends programs in them. Lower 'memory' of some, or stop some"
        )
    if new.disk > own.disk and disk > (pool := capacity.disk(host)):
        yield (
            f"disk: promised {_gibibytes(disk)} of {_gibibytes(pool)} GiB. When containers fill all of theirs, "
            "no container can write any more. Lower 'disk' of some, or delete some"
        )


def check(host: HostConfig, db: Database, before: Container | None, after: Container | None) -> None:
    """Refuse a plan that raises the memory promised to all above ``overcommit_memory`` times what the host has.

    Raises:
        SkerryError: it does.
    """
    own, new = of(before), of(after)
    if after is None or new.memory <= own.memory:
        return
    memory, room = store.promised(db, besides=after.id).memory + new.memory, capacity.memory(host)
    if memory > host.overcommit_memory * room:
        raise SkerryError(
            Code.HOST,
            f"memory: this would make it promised {_gibibytes(memory)} of {_gibibytes(room)} GiB, more than "
            f"{host.overcommit_memory:g} times what there is",
            "Lower 'memory' of some, stop some, or raise lxc_host_overcommit_memory of the role lxc_host",
        )


def kept(planners: Mapping[str, Planner[Container]]) -> Mapping[str, Planner[Container]]:
    """The planners, whose plans are refused where they promise too much."""

    def checked(planner: Planner[Container]) -> Planner[Container]:
        def plan(context: Context, request: Any, found: Container | None) -> Sequence[Decide[Container]]:
            return [_checked(context, decide) for decide in planner(context, request, found)]

        return plan

    return {verb: checked(planner) for verb, planner in planners.items()}


def _checked(context: Context, decide: Decide[Container]) -> Decide[Container]:
    def checked(plan: Plan[Container] | None) -> Plan[Container] | None:
        if plan is not None:
            check(context.host, context.db, plan.before, plan.after)
        return plan

    return followed(decide, checked)


def _gibibytes(size: int) -> str:
    return f"{size / 1024**3:.1f}"
