"""What import, build and delete of an image decide: pure functions from what is there and what is wanted."""

import dataclasses
from collections.abc import Sequence

from skerry.model.container import Image
from skerry.model.errors import Code, SkerryError


@dataclasses.dataclass(frozen=True)
class ImagePlan:
    """One operation on one image.

    Attributes:
        verb: image_import, image_build or image_delete.
        before: the image that bears the name now.
        after: the one that shall bear it; its digest is empty where only the build will tell; None to delete.
        steps: each thing to do, in a few words; none where all is as wanted.
        make: whether a new file is made; otherwise only rows change.
    """

    verb: str
    before: Image | None
    after: Image | None
    steps: tuple[str, ...]
    make: bool = False


@dataclasses.dataclass(frozen=True)
class Found:
    """What is on the host.

    Attributes:
        named: the image of the wanted name.
        same: the image of the wanted digest.
        users: the containers that are made of ``named``.
    """

    named: Image | None
    same: Image | None = None
    users: Sequence[str] = ()


def retired_name(image: Image) -> str:
    """The name of an image whose name has moved on to a newer one. No request can give such a name."""
    return f"{image.name}@{image.digest[:12]}"


def _short(image: Image) -> str:
    return f"sha256:{image.digest[:12]}" if image.digest else "of today's packages"


def _listed(users: Sequence[str]) -> str:
    return ", ".join(users[:5]) + (f" and {len(users) - 5} more" if len(users) > 5 else "")


def _giving_way(found: Found) -> list[str]:
    """What becomes of the image that bears the name now."""
    if found.named is None:
        return []
    if found.users:
        new = retired_name(found.named)
        return [
            f"change image {found.named.name} ({_short(found.named)}) into {new}: {_listed(found.users)} use it"
        ]
    return [f"remove image {found.named.name} ({_short(found.named)}): nothing uses it"]


def _settings(before: Image, after: Image) -> tuple[str, ...]:
    changed = [name for name in ("command", "env") if getattr(before, name) != getattr(after, name)]
    return tuple(
        f"change {name} of image {after.name}: its containers take it over when they start"
        for name in changed
    )


def bring(verb: str, wanted: Image, found: Found, reason: str) -> ImagePlan:
    """Let ``wanted`` bear its name; ``reason`` says why it has to be made.

    Raises:
        SkerryError: the same tarball bears another name already.
    """
    named, same = found.named, found.same
    if same is None:
        steps = (f"make image {wanted.name} ({_short(wanted)}): {reason}", *_giving_way(found))
        return ImagePlan(verb, named, wanted, steps, make=True)
    after = dataclasses.replace(wanted, digest=same.digest, size=same.size, created=same.created)
    if same == named:
        return ImagePlan(verb, named, after, _settings(same, after))
    if same.name != retired_name(dataclasses.replace(same, name=wanted.name)):
        raise SkerryError(
            Code.EXISTS,
            f"image {wanted.name}: the same tarball is on this host as image {same.name!r}",
            f"Use that name, or delete image {same.name} first",
        )
    back = f"change image {same.name} into {wanted.name}: it is the one wanted now"
    return ImagePlan(verb, named, after, (back, *_giving_way(found), *_settings(same, after)))


def keep(verb: str, wanted: Image, named: Image) -> ImagePlan:
    """Leave the image as it is, built from the same recipe, but for its command and environment."""
    after = dataclasses.replace(wanted, digest=named.digest, size=named.size, created=named.created)
    return ImagePlan(verb, named, after, _settings(named, after))


def delete(name: str, found: Found) -> ImagePlan:
    """Delete an image; nothing happens where there is none.

    Raises:
        SkerryError: containers use it.
    """
    if found.named is None:
        return ImagePlan("image_delete", None, None, ())
    if found.users:
        raise SkerryError(
            Code.BUSY, f"image {name} is in use by {_listed(found.users)}", "Delete these containers first"
        )
    step = f"remove image {found.named.name} ({_short(found.named)}): nothing uses it"
    return ImagePlan("image_delete", found.named, None, (step,))
