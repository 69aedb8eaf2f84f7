"""Snapshots, as the engine knows them: what decides, what is stored when, how one is shown."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from skerry.host import btrfs
from skerry.model.errors import SkerryError
from skerry.model.snapshot import Snapshot
from skerry.parts import snapshots as parts
from skerry.protocol import snapshots as requests
from skerry.resources import missing
from skerry.resources.kind import Alone, Answer, Apply, Context, Kind, Observer, Plan, Planner, Reader, lock
from skerry.resources.snapshots import verbs, view
from skerry.resources.snapshots.expiry import Expiry
from skerry.resources.snapshots.schedule import Schedule
from skerry.store import references
from skerry.store import snapshots as store

_log = logging.getLogger(__name__)


class Snapshots(Kind[Snapshot]):
    """The kind of snapshots."""

    name: ClassVar[str] = requests.RESOURCE.name
    resource: ClassVar[type] = Snapshot
    tables: ClassVar[tuple[str, ...]] = store.TABLES

    def planners(self) -> Mapping[str, Planner[Snapshot]]:
        """What decides, for each verb that changes something."""
        return verbs.PLANNERS

    def readers(self) -> Mapping[str, Reader]:
        """What answers, for each verb that only reads."""
        return {"snapshot_info": view.info, "snapshot_list": view.list_all}

    def find(self, context: Context, request: Any) -> Snapshot | None:
        """The snapshot that a request names."""
        return store.find(context.db, request.snapshot)

    def about(self, resource: Snapshot) -> tuple[str, str]:
        """Its id, and how a person names it."""
        return resource.id, str(resource.key)

    def asked(self, request: Any) -> str:
        """What it is of, and its name."""
        return str(request.snapshot)

    def locks(self, request: Any) -> tuple[str, ...]:
        """What it is of: nothing else changes that meanwhile, and no two take the same name."""
        return (lock(request.snapshot.kind, request.snapshot.owner),)

    def view(self, _context: Context, resource: Snapshot) -> Answer:
        """The snapshot as an answer shows it."""
        return view.view(resource)

    def begin(self, context: Context, plan: Plan[Snapshot]) -> None:
        """Write a new one."""
        if plan.before is None and plan.after is not None:
            store.insert(context.db, plan.after)

    def done(self, context: Context, plan: Plan[Snapshot]) -> None:
        """Forget one that was deleted."""
        if plan.after is None:
            store.delete(context.db, plan.resource.id)

    def undone(self, context: Context, plan: Plan[Snapshot]) -> None:
        """Forget one that was to be made."""
        if plan.before is None:
            store.delete(context.db, plan.resource.id)

    def warnings(self, context: Context, before: Snapshot | None, after: Snapshot | None) -> Iterable[str]:
        """That a volume has files which no snapshot of it can have."""
        if before is None and after is not None and after.key.kind == "volume":
            yield from verbs.left_out(context, after)

    def missing(self, context: Context, request: Any) -> str:
        """What the name may have been meant for."""
        return str(missing.no_snapshot(context.db, request.snapshot))

    def figures(self, context: Context) -> Answer:
        """How many there are."""
        return {"snapshots": len(store.every(context.db))}

    def observers(self, context: Context, _alone: Alone, apply: Apply) -> Sequence[Observer]:
        """What takes those that nobody asks for, and deletes those that expire."""
        return Schedule(context, apply), Expiry(context, apply)

    def reconcile(self, context: Context) -> None:
        """Delete what a restored store left of containers. Where a store was lost, it stays, as that of volumes does."""
        known, keeps = {one.place for one in store.every(context.db)}, references.keeps_orphans(context.db)
        for place in parts.strange(context.host, known):
            path = f"{context.host.pool}/{place}"
            if "/volume/" in path or (keeps and "/container/" in path):
                _log.warning("%s is a snapshot of nothing; delete it with 'btrfs subvolume delete'", path)
                continue
            try:
                btrfs.delete(path)
                _log.warning("%s is a snapshot of no container: removed", path)
            except SkerryError as error:
                _log.error("%s is a snapshot of no container, and stays: %s", path, error)
