"""What the decisions about images have in common: what is there, who uses it, what goes when a name moves on."""

from collections.abc import Sequence

from skerry.model.container import Image
from skerry.model.errors import Code, SkerryError
from skerry.parts import storage
from skerry.resources.images import plan, store
from skerry.resources.images.plan import Found
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.resources.kind import Planner as PlannerAny
from skerry.store import references

Decide = DecideAny[Image]
Planner = PlannerAny[Image]


def users(context: Context, image: Image) -> Sequence[str]:
    """The containers that are made of an image."""
    return references.users_of_image(context.db, image.digest)


def is_there(context: Context, image: Image) -> bool:
    """Whether the pool has all files of an image. One that a backup brought back has none until it is brought again."""
    return all(storage.image_is_there(context.host, layer) for layer in image.lowers)


def _check_name(same: Image, named: Image | None) -> None:
    """Refuse to make an image anew, of which the host has no files, under another name than it has.

    Raises:
        SkerryError: it is another name.
    """
    if named is None or named.digest != same.digest:
        raise SkerryError(
            Code.EXISTS,
            f"this host remembers the same image as {same.name!r}, and has no files of it",
            f"Bring it under that name first: {same.name}",
        )


def found(context: Context, named: Image | None, digest: str = "") -> Found:
    """What is there: the image of the name, and that of the digest."""
    same = references.image(context.db, digest) if digest else None
    if same is not None and not is_there(context, same):
        _check_name(same, named)
        same = None
    if named is None:
        return Found(None, same)
    return Found(named, same, users(context, named), store.only_of(context.db, named))


def give_way(context: Context, old: Image | None, new: str) -> Decide:
    """Delete the image that had the name, where nobody uses it."""

    def decide(_found_now: Image | None) -> Plan[Image] | None:
        if old is None or old.digest == new or users(context, old):
            return None
        return plan.give_way(old, store.only_of(context.db, old))

    return decide
