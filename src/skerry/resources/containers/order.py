"""In which order containers come when the host starts: those first that others come after. Pure but for the store."""

from collections.abc import Mapping, Sequence

from skerry.model.container import ContainerKey
from skerry.model.ends import circle
from skerry.model.errors import Code, SkerryError
from skerry.resources.containers import store
from skerry.store.db import Database


def check(db: Database, key: ContainerKey, after: Sequence[str]) -> None:
    """Refuse names of ``after`` that no container of the project has, and those that would have it come after itself.

    Raises:
        SkerryError: the first name that is wrong.
    """
    if not after:
        return
    project = {
        one.key.name: tuple(one.spec.after)
        for one in store.all_containers(db)
        if (one.key.realm, one.key.project) == (key.realm, key.project)
    }
    validate(project, key.name, tuple(after))


def validate(project: Mapping[str, tuple[str, ...]], name: str, after: tuple[str, ...]) -> None:
    """As :func:`check`, of the containers of a project: each name with those that it comes after.

    Raises:
        SkerryError: the first name that is wrong.
    """
    for other in after:
        if other not in project and other != name:
            known = ", ".join(sorted(project.keys() - {name})) or "none"
            raise SkerryError(
                Code.INVALID,
                f"after: there is no container {other!r} in its project",
                f"Create it first, or name another. Containers there: {known}",
            )
    if found := circle({**project, name: after}, name):
        way = " after ".join(found)
        raise SkerryError(Code.INVALID, f"after: {way} is a circle", "Leave one of them out")
