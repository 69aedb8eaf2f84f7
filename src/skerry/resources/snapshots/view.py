"""How snapshots are shown: in an answer, all about one, all of them, and the host's figures of them."""

from typing import Any

from skerry.model.snapshot import Snapshot, SourceKey
from skerry.parts import snapshots as parts
from skerry.protocol import snapshots as requests
from skerry.resources import periodic
from skerry.resources.kind import Context
from skerry.resources.snapshots import verbs
from skerry.store import schedules
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
    """Every snapshot, or those of one container, volume, realm or project; and when the next come by themselves."""
    now = periodic.now()

    def asked(key: SourceKey) -> bool:
        return context.lists(request, key.realm, key.project) and request.source in {None, key.source}

    return {
        "snapshots": [view(one) for one in store.every(context.db) if asked(one.key)],
        "schedules": [
            one.key.model_dump() | {"every": one.every, "keep": one.keep} | one.view(now)
            for one in schedules.scheduled(context.db, now)
            if asked(one.key)
        ],
    }
