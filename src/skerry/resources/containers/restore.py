"""Back to a snapshot of a container: what is checked before, and what is refused in which words."""

from collections.abc import Sequence

from skerry.model.container import Container
from skerry.model.errors import Code, SkerryError
from skerry.model.size import format_size
from skerry.protocol.snapshots import SnapshotRestore
from skerry.resources import missing as missing_snapshots
from skerry.resources.containers import anatomy, missing, plan, roots
from skerry.resources.containers.root_verbs import Findings
from skerry.resources.kind import Context, Looking, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.store import references, snapshots

Decide = DecideAny[Container]


def planner(context: Context, request: SnapshotRestore, had: Container | None) -> Sequence[Decide]:
    """The container on a new root with the files of a snapshot, and its image; then the root that it had goes."""
    findings = Findings(context)

    def look(found: Container | None) -> None:
        if found is not None:
            findings.size(found.id)
        if found is not None and request.keep:
            findings.written(found.id)
            findings.used(found.id)

    def decide(found: Container | None) -> Plan[Container]:
        if found is None:
            raise missing.not_found(context, request.container)
        snapshot = snapshots.find(context.db, request.snapshot)
        image = references.image(context.db, snapshot.digest) if snapshot else None
        if snapshot is None or image is None:  # a foreign key holds the image
            raise missing_snapshots.no_snapshot(context.db, request.snapshot)
        kept = None
        if request.keep:
            _check_room(found, findings.used(found.id))
            size = findings.written(found.id).size
            kept = snapshots.before(context.db, context.secret, request.snapshot, size)
        after = roots.restored(found, snapshot, image, findings.size(found.id), kept)
        other = (
            ""
            if image.digest == found.image.digest
            else f", image {found.spec.image} back to {snapshot.image}"
        )
        what = f"are snapshot {kept.key.name}" if kept else "are destroyed"
        why = f"the files of {snapshot.created[:19]}{other}; those of now {what}"
        grace = found.spec.grace if request.grace is None else request.grace
        wait = plan.Wait(request.wait == "ready", request.timeout)
        way = roots.Way(why, grace, wait, origin=snapshot.place)
        return roots.change(request.verb, context.host, found, after, way)

    return [
        Looking(look, decide),
        lambda found: roots.drop(request.verb, found, had.root) if found and had else None,
    ]


def _check_room(container: Container, used: int) -> None:
    """Refuse to keep the files of now where they leave those of the snapshot no room to change."""
    disk = container.spec.disk
    if disk - used < anatomy.LEAST_DISK:
        raise SkerryError(
            Code.INVALID,
            f"disk: {format_size(disk)} is too little for the files of now beside those of the snapshot: "
            f"all that container {container.key} has takes {used // 1024**2 + 1}M",
            f"Give it at least {(used + anatomy.LEAST_DISK) // 1024**2 + 1}M, delete snapshots of it, or give --no-keep to "
            "destroy the files of now",
        )
