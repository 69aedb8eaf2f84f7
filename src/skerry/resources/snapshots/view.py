"""How snapshots are shown: in an answer, all about one, all of them, and the host's figures of them."""

from typing import Any

from skerry.model.snapshot import Snapshot
from skerry.parts import snapshots as parts
from skerry.protocol import snapshots as requests
from skerry.resources.kind import Context
from skerry.resources.snapshots import verbs
from skerry.store import snapshots as store


def view(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as an answer shows it."""
    return {
        "id": snapshot.id,
        **snapshot.key.model_dump(),
        "size": snapshot.size,
        "created": snapshot.created,
        "expires": snapshot.expires or None,
        "image": snapshot.image or None,
        "image_digest": snapshot.digest or None,
    }


def info(context: Context, request: requests.SnapshotInfo) -> requests.OneSnapshot:
    """All about one snapshot.

    Raises:
        SkerryError: there is none of that name.
    """
    found = verbs.existing(context, store.find(context.db, request.snapshot), request.snapshot)
    return {"snapshot": view(found) | {"frees": parts.frees(context.host, found.place)}}


def list_all(context: Context, request: requests.SnapshotList) -> requests.Snapshots:
    """Every snapshot, or those of one container, volume, realm or project."""
    return {
        "snapshots": [
            view(one)
            for one in store.every(context.db)
            if context.lists(request, one.key.realm, one.key.project)
            and request.source in {None, one.key.source}
        ]
    }
