"""From a request and what is there to plans of snapshots: the checks that need the host or the store, then the planner."""

import datetime
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from skerry.model.errors import Code, SkerryError
from skerry.model.snapshot import Snapshot, SnapshotKey
from skerry.parts import root
from skerry.parts import snapshots as parts
from skerry.protocol import snapshots as requests
from skerry.resources import missing
from skerry.resources.kind import Context, Looking, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.resources.snapshots import plan
from skerry.store import snapshots as store
from skerry.store.snapshots import Source

Decide = DecideAny[Snapshot]
Planner = PlannerAny[Snapshot]
_MOST = 500  # snapshots of one source; each takes 16 KiB beyond its limit


def existing(context: Context, found: Snapshot | None, key: SnapshotKey) -> Snapshot:
    """``found``, which must be there.

    Raises:
        SkerryError: it is not.
    """
    if found is None:
        raise missing.no_snapshot(context.db, key)
    return found


def _size(context: Context, source: Source) -> int:
    """Bytes that the files take; of very many files, of those that were counted in a moment."""
    place = Path(context.host.pool, source.place)
    return root.counted(place / "upper" if source.digest else place).size


def left_out(context: Context, snapshot: Snapshot) -> Iterator[str]:
    """What a snapshot of a volume does not have: the subvolumes that a program has made in it."""
    source = store.source(context.db, snapshot.key)
    if found := parts.inside(context.host, source.place) if source else []:
        yield (
            f"snapshot {snapshot.key.name} has nothing of the {len(found)} subvolumes which a program has made in "
            f"volume {snapshot.key.owner}, such as {found[0]}"
        )


def _create(context: Context, key: SnapshotKey, expires: int | None, *, may_exist: bool = False) -> Decide:
    size = functools.cache(functools.partial(_size, context))

    def look(_found: Snapshot | None) -> None:
        if source := store.source(context.db, key):
            size(source)

    def decide(_found: Snapshot | None) -> Plan[Snapshot] | None:
        source = store.source(context.db, key)
        if source is None:
            raise missing.no_source(context.db, key)
        there = {one.key.name for one in store.of(context.db, source.id)}
        if key.name in there:
            if may_exist:
                return None
            raise SkerryError(
                Code.EXISTS,
                f"{key.kind} {key.owner} has a snapshot {key.name} already",
                "Choose another name, or delete it first",
            )
        if len(there) >= _MOST:
            raise SkerryError(
                Code.INVALID,
                f"{key.kind} {key.owner} has {len(there)} snapshots, and may have {_MOST}",
                "Delete some, or let them expire",
            )
        made = store.propose(context.db, context.secret, key, source, size(source), expires)
        return plan.create(made, source.place)

    return Looking(look, decide)


def _delete(context: Context, key: SnapshotKey, *, must_exist: bool) -> Decide:
    def decide(found: Snapshot | None) -> Plan[Snapshot] | None:
        if found is None and not must_exist:
            return None
        snapshot = existing(context, found, key)
        return plan.delete(snapshot, expired=snapshot.expired(datetime.datetime.now(datetime.UTC)))

    return decide


def _ensure(context: Context, request: requests.SnapshotEnsure, _found: Snapshot | None) -> Sequence[Decide]:
    key = request.snapshot
    if request.state == "absent":
        return [_delete(context, key, must_exist=False)]
    return [_create(context, key, request.expires, may_exist=True)]


PLANNERS: Mapping[str, Planner] = {
    "snapshot_create": lambda context, request, _found: [_create(context, request.snapshot, request.expires)],
    "snapshot_delete": lambda context, request, _found: [_delete(context, request.snapshot, must_exist=True)],
    "snapshot_ensure": _ensure,
}
"""What each verb decides."""
