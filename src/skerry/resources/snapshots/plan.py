"""What the verbs of snapshots decide: pure functions from what is there and what is desired to a plan."""

from skerry.model.snapshot import Snapshot
from skerry.parts.base import Step
from skerry.parts.snapshots import Taken
from skerry.resources.kind import Plan


def files(snapshot: Snapshot, source: str = "") -> Taken:
    """Its files; ``source`` is where those lie in the pool that it is taken of."""
    return Taken(snapshot.key.name, snapshot.place, source, snapshot.owner_id)


def create(snapshot: Snapshot, source: str) -> Plan[Snapshot]:
    """Take a snapshot of the files that lie at ``source`` in the pool."""
    step = Step("make", files(snapshot, source), f"the files of {snapshot.key.source} as they are now")
    return Plan("snapshot_create", None, snapshot, (step,), "undo")


def delete(snapshot: Snapshot, *, expired: bool = False) -> Plan[Snapshot]:
    """Delete a snapshot; the reason says where it has ``expired``."""
    why = f"it expired at {snapshot.expires[:19]}" if expired else "nobody goes back to it"
    step = Step("remove", files(snapshot), f"{why}; {snapshot.key.source} stays as it is")
    return Plan("snapshot_delete", snapshot, None, (step,), "finish")
