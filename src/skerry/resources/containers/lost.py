"""Containers whose files are not on this host: what a backup of its state brought back, until archives bring the rest."""

import shlex
from collections.abc import Sequence
from typing import Any

from skerry.model.container import Container
from skerry.model.errors import Code, SkerryError
from skerry.parts import data, storage
from skerry.resources.kind import Context, Decide, Planner

_WITHOUT = {"create", "import", "rename", "stop", "delete"}  # verbs that need no files


def check(context: Context, container: Container) -> None:
    """Refuse to work with a container before all is there that it stands on.

    Raises:
        SkerryError: names what is not there, with what brings it.
    """
    host, key = context.host, container.key
    where = [
        word
        for option, given in (("--realm", key.realm), ("--project", key.project))
        if given != "default"
        for word in (option, given)
    ]
    if not storage.is_there(host, container.id):
        words = ["skerry", "import", key.name, "FILE", *where]
        raise _lost(f"the files of container {key}", shlex.join(words))
    if not all(storage.image_is_there(host, layer) for layer in container.image.lowers):
        raise _lost(f"the files of image {container.image.name} of container {key}", storage.bring_image(container.image))
    for name, subvolume in container.data.items():
        if not data.is_there(host, subvolume):
            words = ["skerry", "volume", "restore", name, "FILE", *where]
            raise _lost(f"the files of volume {name} of container {key}", shlex.join(words))


def _lost(what: str, bring: str) -> SkerryError:
    return SkerryError(Code.NOT_FOUND, f"{what} are not on this host", f"Bring them first: {bring}")


def with_files(verb: str, planner: Planner[Container]) -> Planner[Container]:
    """The planner of a verb; of one that needs files, only where they are there."""
    if verb in _WITHOUT:
        return planner

    def planned(context: Context, request: Any, found: Container | None) -> Sequence[Decide[Container]]:
        if found is not None and getattr(request, "state", "") not in {"absent", "stopped"}:
            check(context, found)
        return planner(context, request, found)

    return planned
