"""Containers whose files are not on this host: what a backup of its state brought back, until archives bring the rest."""

from collections.abc import Sequence
from typing import Any

from skerry.model.container import Container, ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.parts import data, storage
from skerry.resources import names
from skerry.resources.kind import Context, Decide, Planner

_WITHOUT = {"create", "import", "rename", "stop", "delete"}  # verbs that need no files


def _missing(context: Context, container: Container) -> tuple[str, str] | None:
    """The first thing that is not there, and what brings it."""
    host, key = context.host, container.key
    if not storage.is_there(host, container.id):
        return "its files", _command("import", key, key.name)
    if not all(storage.image_is_there(host, layer) for layer in container.image.lowers):
        return f"the files of image {container.image.name}", storage.bring_image(container.image)
    for name, subvolume in container.data.items():
        if not data.is_there(host, subvolume):
            return f"the files of volume {name}", _command("volume restore", key, name)
    return None


def _command(verb: str, key: ContainerKey, name: str) -> str:
    return f"skerry {verb} {name} FILE{names.place(key.realm, key.project)}"


def found(context: Context, container: Container) -> str:
    """What a container stands on and is not there, in words; empty where all is."""
    return next(iter(_missing(context, container) or ("",)))


def check(context: Context, container: Container) -> None:
    """Refuse to work with a container before all is there that it stands on.

    Raises:
        SkerryError: names what is not there, with what brings it.
    """
    if (missing := _missing(context, container)) is not None:
        what, bring = missing
        raise SkerryError(
            Code.NOT_FOUND,
            f"container {container.key}: {what} are not on this host",
            f"Bring them first: {bring}",
        )


def with_files(verb: str, planner: Planner[Container]) -> Planner[Container]:
    """The planner of a verb; of one that needs files, only where they are there."""
    if verb in _WITHOUT:
        return planner

    def planned(context: Context, request: Any, found: Container | None) -> Sequence[Decide[Container]]:
        if found is not None and getattr(request, "state", "") not in {"absent", "stopped"}:
            check(context, found)
        return planner(context, request, found)

    return planned
