"""Deletes snapshots that have expired."""

from skerry.model.snapshot import Snapshot
from skerry.protocol import snapshots as requests
from skerry.resources import periodic
from skerry.store import snapshots as store


class Expiry(periodic.Periodic):
    """The observer that deletes each snapshot when it expires, as if somebody had asked for that."""

    name = "expired snapshots"

    def _look(self) -> float:
        db, now = self._context.db, periodic.now()
        found = store.expired(db, now)
        self._tries.keep({one.id for one in found})
        for one in found:
            if self._ended.is_set():
                break
            if self._tries.is_time(one.id):
                self._delete(one)
        following = store.next_expiry(db, now)
        return (following - now).total_seconds() if following else float("inf")

    def _delete(self, snapshot: Snapshot) -> None:
        def still(found: Snapshot | None) -> bool:
            return found is not None and found.id == snapshot.id and found.expired(periodic.now())

        request = requests.SnapshotDelete(verb="snapshot_delete", snapshot=snapshot.key)
        self._try(snapshot.id, f"snapshot {snapshot.key} has expired, and stays for now", request, still)
