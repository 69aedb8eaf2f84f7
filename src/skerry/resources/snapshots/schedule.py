"""Takes the snapshots that containers and volumes are to have taken by themselves."""

import dataclasses
import datetime
import logging
import sqlite3

from skerry.model.duration import parse_duration
from skerry.model.errors import Code, SkerryError
from skerry.model.snapshot import NewSnapshotKey, Snapshot, stamped
from skerry.parts import snapshots as parts
from skerry.protocol import snapshots as requests
from skerry.resources.kind import Apply, Context
from skerry.resources.snapshots import periodic
from skerry.store import operations, schedules
from skerry.store import snapshots as store
from skerry.store.schedules import Scheduled

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Unchanged:
    """No file had changed ``at`` a time since the snapshot ``newest``."""

    newest: str
    at: datetime.datetime


class Schedule(periodic.Periodic):
    """The observer that takes a snapshot of each container and volume as often as its options say.

    The next one is due that long after the newest automatic one: what a host or an engine missed comes once.
    """

    name = "automatic snapshots"

    def __init__(self, context: Context, apply: Apply) -> None:
        super().__init__(context, apply)
        self._unchanged: dict[str, _Unchanged] = {}  # by id of a container or volume
        self._told: dict[str, str] = {}  # the same: why none can be taken

    def _look(self) -> float:
        now = periodic.now()
        found = schedules.scheduled(self._context.db, now)
        self._forget_all_but({one.id for one in found})
        waits = [float("inf")]
        for one in found:
            if self._ended.is_set():
                break
            if (wait := (self._due(one, now) - now).total_seconds()) > 0:
                waits.append(wait)
            elif self._tries.is_time(one.id):
                self._take(one, now)
        return min(waits)

    def _forget_all_but(self, known: set[str]) -> None:
        self._tries.keep(known)
        self._unchanged = {one: found for one, found in self._unchanged.items() if one in known}
        self._told = {one: found for one, found in self._told.items() if one in known}

    def _due(self, one: Scheduled, now: datetime.datetime) -> datetime.datetime:
        since, looked = one.taken or one.created, self._unchanged.get(one.id)
        if looked and looked.newest == one.newest and since < looked.at <= now:
            since = looked.at
        if since > now + schedules.AHEAD:  # a wrong clock has dated it
            return now
        return since + datetime.timedelta(seconds=parse_duration(one.every))

    def _take(self, one: Scheduled, now: datetime.datetime) -> None:
        if one.newest and not parts.changed_since(self._context.host, one.place, one.newest_place):
            self._unchanged[one.id] = _Unchanged(one.newest, now)
            return

        def still(found: Snapshot | None) -> bool:
            return found is None and one in schedules.scheduled(self._context.db, periodic.now())

        taken = {snapshot.key.name for snapshot in store.of(self._context.db, one.id)}
        key = NewSnapshotKey(**one.key.model_dump(), name=stamped(schedules.AUTO, taken))
        request = requests.SnapshotCreate.model_validate(
            {"verb": "snapshot_create", "snapshot": key, "expires": one.keep}
        )
        error = self._try(one.id, f"no automatic snapshot of {one.key} was taken", request, still)
        if error is None:
            self._told.pop(one.id, None)
        elif isinstance(error, SkerryError) and error.code == Code.INVALID:
            self._tell(one, str(error))

    def _tell(self, one: Scheduled, why: str) -> None:
        """Tell the journal once why none can be taken. Of what failed on its way the journal has the operation."""
        if self._told.get(one.id) == why:
            return
        about = (one.id, str(one.key))
        try:
            with self._context.db.transaction(durable=False):
                operations.note(self._context.db, one.key.kind, about, "snapshot_missed", why, good=False)
        except sqlite3.Error as error:
            _log.warning("the journal cannot be told of %s: %s", one.key, error)
            return
        self._told[one.id] = why
