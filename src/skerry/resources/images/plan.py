"""What import, build and delete of an image decide: pure functions from what is there and what is desired to a plan."""

import dataclasses
import difflib
from collections.abc import Sequence

from skerry.model import env
from skerry.model.container import Image
from skerry.model.errors import Code, SkerryError
from skerry.parts.base import Part, Step
from skerry.resources import names
from skerry.resources.images.parts import ImageFile, ImageMount, OciLower, short
from skerry.resources.kind import Plan


@dataclasses.dataclass(frozen=True)
class Found:
    """What is on the host.

    Attributes:
        named: the image of the desired name.
        same: the image of the desired digest.
        users: the containers that are made of ``named``.
        own: the EROFS files of ``named`` that no other image has.
    """

    named: Image | None
    same: Image | None = None
    users: Sequence[str] = ()
    own: Sequence[str] = ()


def retired(image: Image) -> Image:
    """The image under the name that it has once its own has moved on to a newer one. No request can give such a name."""
    return dataclasses.replace(image, name=f"{image.name}@{image.digest[:12]}")


def _rename(image: Image, name: str, reason: str) -> str:
    return f"name {name} of image {image.name} ({short(image.digest)}): {reason}"


def _giving_way(found: Found, desired: Image) -> tuple[str, ...]:
    """That the image which bears the name now stays under another one. One that nobody uses goes: a plan of its own."""
    if found.named is None or not found.users or found.named.digest == desired.digest:
        return ()
    return (_rename(found.named, retired(found.named).name, f"{names.listed(found.users)} use it"),)


def _settings(before: Image, after: Image) -> tuple[str, ...]:
    taken_over = ("command", "user", "workdir", "stop_signal", "health")
    changed = [
        *(what for what in taken_over if getattr(before, what) != getattr(after, what)),
        *([env.changes(before.env, after.env)] if before.env != after.env else []),
    ]
    origin = [
        f"{what} of image {after.name}: {getattr(after, what) or 'none'}"
        for what in ("reference", "manifest")
        if getattr(before, what) != getattr(after, what)
    ]
    return (
        *(f"{what} of image {after.name}: its containers take it over when they start" for what in changed),
        *origin,
    )


def _as(desired: Image, there: Image) -> Image:
    """``there``, with all that is only written down of ``desired``."""
    return dataclasses.replace(
        desired, digest=there.digest, size=there.size, created=there.created, layers=there.layers
    )


def prepare(verb: str, desired: Image, named: Image | None, tarball: Part, reason: str) -> Plan[Image]:
    """Make the tarball of an image whose digest only that will tell."""
    return Plan(verb, named, desired, (Step("make", tarball, reason),), "undo", lasting=False)


def bring(verb: str, desired: Image, found: Found, reason: str, tarball: Part | None = None) -> Plan[Image]:
    """Let ``desired`` bear its name.

    Args:
        verb: what was asked for.
        desired: the image as it shall be.
        found: what is there.
        reason: why it has to be made.
        tarball: what it is made of, if that is not there yet.

    Raises:
        SkerryError: the same tarball bears another name already.
    """
    if found.same is not None:
        return _keep_file(verb, desired, found, found.same)
    steps = (
        *([Step("make", tarball, reason)] if tarball else []),
        Step("make", ImageFile(desired.name, desired.digest), reason),
        Step("make", ImageMount(desired.name, desired.digest), "its containers stand on it"),
    )
    return Plan(verb, found.named, desired, steps, "undo", stored=_giving_way(found, desired))


def pull(verb: str, desired: Image, found: Found, layers: Part, lowers: Sequence[OciLower]) -> Plan[Image]:
    """Let the OCI image ``desired`` bear its name.

    Args:
        verb: what was asked for.
        desired: the image as it shall be.
        found: what is there.
        layers: what its files are made of.
        lowers: those of its files that are missing, the lowest first.

    Raises:
        SkerryError: the same image bears another name already.
    """
    if found.same is not None:
        return _keep_file(verb, desired, found, found.same)
    reason = "no image on this host has it" if lowers else ""
    steps = (
        *([Step("make", layers, "this host has not all of them")] if lowers else []),
        *(Step("make", lower, reason) for lower in lowers),
        *(Step("make", ImageMount(desired.name, one.digest), "its containers stand on it") for one in lowers),
    )
    return Plan(verb, found.named, desired, steps, "undo", stored=_giving_way(found, desired))


def _keep_file(verb: str, desired: Image, found: Found, same: Image) -> Plan[Image]:
    """The same tarball is an image here already: only what is written down changes."""
    after = _as(desired, same)
    if same == found.named:
        return keep(verb, desired, same)
    if same.name != retired(dataclasses.replace(same, name=desired.name)).name:
        raise SkerryError(
            Code.EXISTS,
            f"image {desired.name}: the same one is on this host as image {same.name!r}",
            f"Use that name, or delete image {same.name} first",
        )
    back = _rename(same, desired.name, "it is the desired one now")
    return Plan(
        verb,
        found.named,
        after,
        (),
        "undo",
        stored=(back, *_giving_way(found, desired), *_settings(same, after)),
    )


def keep(verb: str, desired: Image, named: Image) -> Plan[Image]:
    """Leave the image as it is, but for its command, environment and recipe."""
    after, settings = _as(desired, named), _settings(named, _as(desired, named))
    return Plan(verb, named, after, (), "undo", stored=settings, lasting=bool(settings))


def clean(verb: str, desired: Image, named: Image | None, tarball: Part) -> Plan[Image]:
    """Take away a tarball that was made for nothing: the image of it is here already."""
    step = Step("remove", tarball, "an image of the same is on this host")
    return Plan(verb, named, desired, (step,), "finish", lasting=False)


def _removing(name: str, own: Sequence[str]) -> tuple[Step, ...]:
    """Take away the EROFS files that only this image has."""
    return tuple(
        Step("remove", part, "nothing uses it")
        for digest in own
        for part in (ImageMount(name, digest), ImageFile(name, digest))
    )


def give_way(old: Image, own: Sequence[str]) -> Plan[Image]:
    """Delete an image that nobody uses, whose name has moved on; ``own`` are the files that only it has."""
    return Plan("image_delete", retired(old), None, _removing(old.name, own), "finish", aside=True)


def prune(image: Image, own: Sequence[str], size: int) -> Plan[Image]:
    """Delete an image that nobody uses.

    Args:
        image: the image.
        own: the files that only it has.
        size: bytes of these.
    """
    freed = f"image {image.name} gives {size / 1024**2:.1f} MiB of the pool back"
    return Plan("image_prune", image, None, _removing(image.name, own), "finish", stored=(freed,), aside=True)


def delete(name: str, found: Found, known: Sequence[str]) -> Plan[Image]:
    """Delete an image; ``known`` are the names of those on the host.

    Raises:
        SkerryError: there is none of that name, or containers use it.
    """
    if found.named is None:
        near = "".join(
            f"The nearest name is {match!r}. " for match in difflib.get_close_matches(name, known, 1)
        )
        raise SkerryError(
            Code.NOT_FOUND,
            f"there is no image {name}",
            f"{near}Images here: {', '.join(known) or 'none yet'}",
        )
    if found.users:
        raise SkerryError(
            Code.BUSY,
            f"image {name} is in use by {names.listed(found.users)}",
            "Delete these containers or snapshots first, or let them keep no roots ('rollbacks: 0')",
        )
    return Plan("image_delete", found.named, None, _removing(found.named.name, found.own), "finish")
