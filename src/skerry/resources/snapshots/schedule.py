"""Takes the snapshots that containers and volumes are to have taken by themselves."""

import datetime
import logging
import sqlite3

from skerry.model.errors import Code, SkerryError
from skerry.model.snapshot import NewSnapshotKey, Snapshot, stamped
from skerry.parts import snapshots as parts
from skerry.protocol import snapshots as requests
from skerry.resources import periodic
from skerry.resources.kind import Apply, Context
from skerry.store import operations, schedules
from skerry.store import snapshots as store
from skerry.store.schedules import Scheduled

_LATE = 300.0  # seconds after which one that was due has been missed; the host's clock is not trusted for two minutes
_log = logging.getLogger(__name__)


class Schedule(periodic.Periodic):
    """The observer that takes a snapshot of each container and volume as often as its options say.

    The next one is due that long after the newest automatic one: what a host or an engine missed comes once.
    """

    name = "automatic snapshots"

    def __init__(self, context: Context, apply: Apply) -> None:
        super().__init__(context, apply)
        self._told: dict[str, str] = {}  # by id of a container or volume: why none can be taken

    def _look(self) -> float:
        now = periodic.now()
        found = schedules.scheduled(self._context.db, now)
        self._forget_all_but({one.id for one in found})
        waits = [float("inf")]
        for one in found:
            if self._ended.is_set():
                break
            if (wait := (one.due(now) - now).total_seconds()) > 0:
                waits.append(wait)
            elif self._tries.is_time(one.id):
                self._take(one, now)
        return min(waits)

    def _forget_all_but(self, known: set[str]) -> None:
        self._tries.keep(known)
        schedules.keep(self._context.db, known)
        self._told = {one: found for one, found in self._told.items() if one in known}

    def _take(self, one: Scheduled, now: datetime.datetime) -> None:
        if one.newest and not parts.changed_since(self._context.host, one.place, one.newest_place):
            schedules.note(self._context.db, one.id, "", (one.newest, now))
            return

        def still(found: Snapshot | None) -> bool:
            return found is None and one in schedules.scheduled(self._context.db, periodic.now())

        taken = {snapshot.key.name for snapshot in store.of(self._context.db, one.id)}
        key = NewSnapshotKey(**one.key.model_dump(), name=stamped(schedules.AUTO, taken))
        request = requests.SnapshotCreate.model_validate(
            {"verb": "snapshot_create", "snapshot": key, "expires": one.keep}
        )
        error = self._try(one.id, f"no automatic snapshot of {one.key} was taken", request, still)
        self._note(one, now, error)
        if error is None:
            self._told.pop(one.id, None)
        elif isinstance(error, SkerryError) and error.code == Code.INVALID:
            self._tell(one, str(error))

    def _note(self, one: Scheduled, now: datetime.datetime, error: Exception | None) -> None:
        """Write whether it came in time, for who looks at the container or volume. What is busy is taken soon."""
        due = one.due(now)
        late = (now - due).total_seconds()
        since = f"due at {due.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S}"
        if error is not None:
            busy = isinstance(error, SkerryError) and error.code == Code.BUSY
            missed = one.missed if busy else f"{since}, and not taken yet: {error}"
        elif late < _LATE:
            missed = ""
        else:
            off = (
                "the host was off" if periodic.uptime() < late else "no engine ran, or its clock was in doubt"
            )
            why = one.missed.partition("not taken yet: ")[2] or off
            missed = f"{since}, and taken at {now.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S}: {why}"
        try:
            schedules.note(self._context.db, one.id, missed)
        except sqlite3.Error as failed:
            _log.warning("what became of the automatic snapshot of %s is not noted: %s", one.key, failed)

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
