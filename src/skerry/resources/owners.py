"""What is promised to a realm or a project, against its quotas."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from skerry.model.errors import Code, SkerryError
from skerry.model.size import parse_size
from skerry.model.tenants import Project, Quota, Realm, Use, shown, titled
from skerry.parts.slices import Slice
from skerry.protocol.errors import readable
from skerry.resources.kind import Context, Decide, Plan, Planner, followed
from skerry.store import projects
from skerry.store.db import Database

R = TypeVar("R")
Owner = Realm | Project
Promises = Callable[[R | None], Use]
_LESS = {  # what to do, in place of raising the quota
    "containers": "Delete some",
    "volumes": "Delete some",
    "disk": "Lower 'disk' of containers or 'size' of volumes, or delete some",
}


def of_container(memory: int, cpu: float, pids: int, disk: int) -> Use:
    """What one container is promised, running or not."""
    return {"containers": 1, "memory": memory, "cpu": cpu, "pids": pids, "disk": disk}


def of_volume(size: int) -> Use:
    """What one volume is promised."""
    return {"volumes": 1, "disk": size}


def used(db: Database, owner_id: str, besides: str = "") -> Use:
    """What all is promised that a realm or project has, without the one whose id is ``besides``."""
    found = dict.fromkeys(Quota.model_fields, 0.0)
    for table, text in projects.specs(db, owner_id, besides):
        for name, value in (of_volume(text) if table == "volume" else _of_spec(json.loads(text))).items():
            found[name] += value
    return found


def _of_spec(spec: dict[str, Any]) -> Use:
    return of_container(parse_size(spec["memory"]), spec["cpu"], spec["pids"], parse_size(spec["disk"]))


def told(use: Use) -> dict[str, Any]:
    """What is promised, as an answer shows it, next to :meth:`Quota.told`."""
    return {name: _shown(name, value) for name, value in use.items() if value}


def _shown(name: str, value: float) -> Any:
    return (
        shown(name, value) if name in {"memory", "disk"} else round(value, 3) if name == "cpu" else int(value)
    )


def kept(planners: Mapping[str, Planner[Any]], promises: Promises[Any]) -> Mapping[str, Planner[Any]]:
    """The planners, whose plans are refused where they promise more than a quota allows.

    Args:
        planners: of a kind whose resources have an id, a project and a realm.
        promises: what one of them is promised; nothing to none.
    """

    def checked(planner: Planner[Any]) -> Planner[Any]:
        def plan(context: Context, request: Any, found: Any) -> Sequence[Decide[Any]]:
            return [followed(decide, checking(context)) for decide in planner(context, request, found)]

        return plan

    def checking(context: Context) -> Callable[[Plan[Any] | None], Plan[Any] | None]:
        def check_one(plan: Plan[Any] | None) -> Plan[Any] | None:
            if plan is not None and plan.after is not None:
                check(context.db, plan.after, promises(plan.before), promises(plan.after))
            return plan

        return check_one

    return {verb: checked(planner) for verb, planner in planners.items()}


def check(db: Database, resource: Any, before: Use, after: Use) -> None:
    """Refuse what raises a promise above a quota of its project or realm. What is above it already may stay.

    Raises:
        SkerryError: naming what is asked, what is promised, the quota, and what to do.
    """
    raised = {name for name, value in after.items() if value > before.get(name, 0)}
    if not raised:
        return
    for owner in projects.owners(db, resource.realm_id, resource.project_id):
        limits = {name: value for name, value in owner.quota if value is not None and name in raised}
        others = used(db, owner.id, besides=resource.id) if limits else {}
        for name, limit in limits.items():
            if others[name] + after[name] > limit * (1 + 1e-9):
                raise _over(owner, name, after[name], others[name], limit)


def _over(owner: Owner, name: str, asked: float, others: float, limit: float) -> SkerryError:
    least = shown(name, others + asked)
    less = _LESS.get(name, f"Lower {name!r} of containers, or delete some")
    return SkerryError(
        Code.FORBIDDEN,
        f"{name}: {titled(owner)} has a quota of {shown(name, limit)}, of which {shown(name, others)} are promised "
        f"to others, and this asks for {shown(name, asked)}",
        f"{less}. Or raise the quota: skerry {owner.word} update {owner.key} --{name} {least}",
    )


def changed(owner: Owner, given: Mapping[str, Any]) -> Quota:
    """The quotas of a realm or project with those that a request gives.

    Raises:
        SkerryError: one of them is wrong.
    """
    try:
        return Quota.model_validate(owner.quota.model_dump() | dict(given))
    except ValidationError as error:
        raise readable(error, Quota) from error


def check_room(db: Database, owner: Owner, quota: Quota) -> None:
    """Refuse a quota below what is promised already.

    Raises:
        SkerryError: naming the least that would do.
    """
    now = used(db, owner.id)
    for name, limit in quota:
        if limit is not None and limit != getattr(owner.quota, name) and now[name] > limit * (1 + 1e-9):
            less = _LESS.get(name, f"Lower {name!r} of containers, or delete some")
            raise SkerryError(
                Code.INVALID,
                f"{name}: {shown(name, limit)} is less than what {titled(owner)} has already, {shown(name, now[name])}",
                f"Give at least {shown(name, now[name])}. Or first: {less[0].lower()}{less[1:]}",
            )


def described(before: Quota, after: Quota) -> Iterator[str]:
    """Each quota that changes, for a person."""
    for name, value in after:
        if value != (old := getattr(before, name)):
            yield f"quota {name} {shown(name, old)} to {shown(name, value)}"


def limits(owner: Owner) -> Slice:
    """The slice with the limits that its quotas are."""
    realm_id, project_id = (owner.id, "") if isinstance(owner, Realm) else (owner.realm_id, owner.id)
    quota = owner.quota
    return Slice(realm_id, project_id, quota.memory or 0, quota.cpu or 0.0, quota.pids or 0)


def planners(
    kind: str,
    create: Callable[[Context, Any], Decide[Any]],
    update: Callable[[Context, Any], Decide[Any]],
    delete: Callable[..., Decide[Any]],
) -> Mapping[str, Planner[Any]]:
    """What each verb of a kind decides, where ``ensure`` is one of the three others.

    Args:
        kind: its name, which is also the field of a request that has the key.
        create: decides on one that is new.
        update: on one that is there.
        delete: on one of a key, with ``must_exist``.
    """

    def ensure(context: Context, request: Any, found: Any) -> Sequence[Decide[Any]]:
        if request.state == "absent":
            return [delete(context, getattr(request, kind), must_exist=False)]
        return [create(context, request) if found is None else update(context, request)]

    return {
        f"{kind}_create": lambda context, request, _found: [create(context, request)],
        f"{kind}_update": lambda context, request, _found: [update(context, request)],
        f"{kind}_delete": lambda context, request, _found: [
            delete(context, getattr(request, kind), must_exist=True)
        ],
        f"{kind}_ensure": ensure,
    }
