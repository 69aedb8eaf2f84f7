"""How volumes are shown: in an answer, all about one, all of them, and the host's figures of them."""

from typing import Any

from skerry.host import quotas
from skerry.model.size import format_size
from skerry.model.volume import Volume
from skerry.protocol import volumes as requests
from skerry.resources.kind import Context
from skerry.resources.volumes import store, verbs
from skerry.store import schedules


def view(volume: Volume) -> dict[str, Any]:
    """A volume as an answer shows it."""
    return {
        "id": volume.id,
        **volume.key.model_dump(),
        "size": format_size(volume.size),
        "created": volume.created,
        "snapshot_every": volume.snapshot_every,
        "snapshot_keep": volume.snapshot_keep,
    }


def info(context: Context, request: requests.VolumeInfo) -> requests.OneVolume:
    """All about one volume.

    Raises:
        SkerryError: there is none of that name.
    """
    volume = verbs.existing(context, store.find(context.db, request.volume), request.volume)
    found = {"used": verbs.used(context, volume), "containers": verbs.users(context, volume)}
    return {"volume": view(volume) | found | schedules.of(context.db, volume.id)}


def list_all(context: Context, request: requests.VolumeList) -> requests.Volumes:
    """Every volume, or those of one realm or project; one question to btrfs for all of them."""
    found = [
        volume
        for volume in store.all_volumes(context.db)
        if context.lists(request, volume.key.realm, volume.key.project)
    ]
    used = quotas.used_by_all(context.host.pool) if found else {}
    return {
        "volumes": [
            view(one)
            | {"used": used.get(quotas.group_of(one.id), 0), "containers": verbs.users(context, one)}
            for one in found
        ]
    }


def figures(context: Context) -> dict[str, Any]:
    """How many there are."""
    return {"volumes": len(store.all_volumes(context.db))}
