"""What a host remembers, how it is shown, and which files of it are not there, with what brings them."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from skerry.model.backup import HostState
from skerry.parts import data, storage
from skerry.protocol import state as requests
from skerry.resources.kind import Context
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
    """What the host remembers, and what of it has no files."""
    return {"state": view(now(context)) | {"missing": list(missing(context))}}


def missing(context: Context) -> Iterator[dict[str, str]]:
    """Each image, volume and container without files: its kind and name, and what brings them. In the order to bring them."""
    host, db = context.host, context.db
    for image in references.all_images(db):
        if not all(storage.image_is_there(host, layer) for layer in image.lowers):
            yield {"kind": "image", "name": image.name, "bring": storage.bring_image(image)}
    for name, subvolume in references.volume_data(db):
        if not data.is_there(host, subvolume):
            yield {"kind": "volume", "name": name, "bring": _command("volume restore", name)}
    for name, container_id in references.container_ids(db):
        if not storage.is_there(host, container_id):
            yield {"kind": "container", "name": name, "bring": _command("import", name)}


def _command(verb: str, name: str) -> str:
    realm, project, own = name.split("/")
    where = "".join(
        f" --{option} {given}" for option, given in (("realm", realm), ("project", project)) if given != "default"
    )
    return f"skerry {verb} {own} FILE{where}"
