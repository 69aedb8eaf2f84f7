"""What a host remembers, how it is shown, and which files of it are not there, with what brings them."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from skerry.model.backup import HostState
from skerry.parts import data, storage
from skerry.protocol import state as requests
from skerry.resources import names
from skerry.resources.kind import Context
from skerry.resources.state import specs
from skerry.store import references


def now(context: Context) -> HostState:
    """What the host remembers now."""
    db = context.db
    return HostState(
        domain=context.host.domain,
        epoch=int(db.get_meta("epoch", "1")),
        containers=references.all_names(db, "container"),
        volumes=references.all_names(db, "volume"),
        secrets=references.all_names(db, "secret"),
        aliases=references.all_aliases(db),
        images=tuple(references.image_names(db)),
    )


def view(state: HostState) -> dict[str, Any]:
    """The state as an answer shows it; its epoch is null where only the doing will tell."""
    shown = dataclasses.asdict(state)
    return {"name": shown.pop("domain")} | shown | {"epoch": state.epoch or None}


def info(context: Context, _request: requests.StateInfo) -> requests.OneState:
    """What the host remembers, what of it has no files, and of what the pool has files that it does not remember."""
    found = {"missing": list(missing(context)), "recoverable": list(specs.shown(context))}
    return {"state": view(now(context)) | found}


def missing(context: Context) -> Iterator[dict[str, Any]]:
    """Each image, volume and container without files, in the order to bring them.

    Of each its kind and name, the files that a backup with data has of it, and the command that brings it otherwise.
    """
    host, db = context.host, context.db
    for image in references.all_images(db):
        gone = [layer for layer in image.lowers if not storage.image_is_there(host, layer)]
        if gone:
            files = [f"image.{layer}.erofs" for layer in gone]
            yield {"kind": "image", "name": image.name, "files": files, "bring": storage.bring_image(image)}
    for name, subvolume in references.volume_data(db):
        if not data.is_there(host, subvolume):
            yield _one("volume", name, "volume restore")
    for name, container_id in references.container_ids(db):
        if not storage.is_there(host, container_id):
            yield _one("container", name, "import")


def _one(kind: str, name: str, verb: str) -> dict[str, Any]:
    realm, project, own = name.split("/")
    files = [f"{kind}.{realm}.{project}.{own}.tar"]
    return {
        "kind": kind,
        "name": name,
        "files": files,
        "bring": f"skerry {verb} {own} FILE{names.place(realm, project)}",
    }
