"""Another image under the same id: what is checked before, and what is refused in which words."""

import dataclasses
from collections.abc import Sequence

from skerry.host import btrfs
from skerry.model.container import Container, Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.size import format_size
from skerry.parts import root as parts
from skerry.parts import storage
from skerry.protocol import containers as requests
from skerry.resources.containers import anatomy, belongings, missing, plan, roots
from skerry.resources.kind import Context, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.store import references

Decide = DecideAny[Container]


@dataclasses.dataclass(frozen=True)
class Ending:
    """How the program on the earlier root ends.

    Attributes:
        grace: seconds that it has to end by itself.
        discard: whether what it wrote to its root may stay behind.
    """

    grace: float
    discard: bool


def replace_image(
    context: Context, container: Container, spec: Spec, image: Image, ending: Ending, wait: plan.Wait
) -> Plan[Container]:
    """The container with ``spec`` on a fresh root over ``image``.

    Raises:
        SkerryError: its root has files that would stay behind, and nobody said that they may; or its disk is too small.
    """
    written = parts.written(context.host, container.id)
    if written.files and not ending.discard:
        raise SkerryError(
            Code.INVALID,
            f"image: container {container.key} wrote {written} to its root, and a new image begins with a fresh one",
            f"Give discard_root to leave them behind, or move them to a volume first; such as {', '.join(written.names)}",
        )
    has = belongings.found(context, container.project_id, spec)
    after = roots.fresh(container, spec, image, has, _size(context, container))
    after = _within_disk(after)
    left = f"; left behind in its root: {written}" if written.files else ""
    kept = " for a rollback" if spec.rollbacks else ", and deleted then"
    why = f"image {container.spec.image} to {spec.image}{left}; root {container.root} is kept{kept}"
    return roots.change("update", context.host, container, after, why=why, grace=ending.grace, wait=wait)


def _size(context: Context, container: Container) -> int:
    return btrfs.used_by(storage.folder(context.host, container.id))


def _within_disk(container: Container) -> Container:
    """The container, whose kept roots must leave its own one room."""
    kept = anatomy.kept_size(container)
    if container.spec.disk - kept < anatomy.LEAST_DISK:
        raise SkerryError(
            Code.INVALID,
            f"disk: {format_size(container.spec.disk)} is too little beside kept roots, which take {kept // 1024**2 + 1}M",
            f"Give at least {(kept + anatomy.LEAST_DISK) // 1024**2 + 1}M, or 'rollbacks: 0' to keep none",
        )
    return container


def rollback(context: Context, request: requests.Rollback) -> Sequence[Decide]:
    """Back to the newest kept root, or to that of an image."""

    def decide(found: Container | None) -> Plan[Container] | None:
        if found is None:
            raise missing.not_found(context.db, request.container)
        named = references.image(context.db, request.image) if request.image else None
        digest = named.digest if named else (request.image or "").removeprefix("sha256:")
        if digest and found.image.digest == digest:
            return None
        to = next((one for one in found.kept if digest in {"", one.digest}), None)
        image = references.image(context.db, to.digest) if to else None
        if to is None or image is None:
            kept = ", ".join(f"{one.image} (sha256:{one.digest})" for one in found.kept)
            what = f"root of image {request.image}" if request.image else "earlier root"
            raise SkerryError(
                Code.NOT_FOUND,
                f"container {found.key} has no {what} to go back to",
                f"Kept are: {kept}"
                if kept
                else "Each change of its image keeps 'rollbacks' of them, 1 unless said otherwise",
            )
        after = _within_disk(roots.back(found, to, image, _size(context, found)))
        why = f"image {found.spec.image} back to {to.image}; root {found.root} is kept"
        wait = plan.Wait(request.wait == "ready", request.timeout)
        grace = found.spec.grace if request.grace is None else request.grace
        return roots.change("rollback", context.host, found, after, why=why, grace=grace, wait=wait)

    return [decide, lambda found: roots.forget("rollback", found) if found else None]
