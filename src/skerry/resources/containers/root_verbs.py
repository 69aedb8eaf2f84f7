"""Another image under the same id: what is checked before, and what is refused in which words."""

import dataclasses
import functools
import logging
from collections.abc import Sequence

from skerry.host import quotas
from skerry.model.container import Container, Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.kept import KeptRoot
from skerry.model.size import format_size
from skerry.parts import root as parts
from skerry.parts import storage
from skerry.protocol import containers as requests
from skerry.resources.containers import anatomy, belongings, missing, plan, roots
from skerry.resources.kind import Context, Looking, Plan
from skerry.resources.kind import Decide as DecideAny
from skerry.store import references

Decide = DecideAny[Container]
_log = logging.getLogger(__name__)


class Findings:
    """What takes long to find out of a container. One request finds it out once, ahead of its decision.

    Attributes:
        written: what is in the root that it has.
        size: bytes that were written to that root.
        used: bytes of all that it has: roots and snapshots.
    """

    def __init__(self, context: Context) -> None:
        host = context.host
        self.written = functools.cache(lambda container_id: parts.written(host, container_id))
        self.size = functools.cache(lambda container_id: parts.size(host, container_id))
        self.used = functools.cache(lambda container_id: storage.used(host, container_id))


@dataclasses.dataclass(frozen=True)
class Ending:
    """How the program on the earlier root ends.

    Attributes:
        grace: seconds that it has to end by itself.
        discard: whether what it wrote to its root may stay behind.
        findings: what it wrote there.
    """

    grace: float
    discard: bool
    findings: Findings


def replace_image(
    context: Context, container: Container, spec: Spec, image: Image, ending: Ending, wait: plan.Wait
) -> Plan[Container]:
    """The container with ``spec`` on a fresh root over ``image``.

    Raises:
        SkerryError: its root has files that would stay behind, and nobody said that they may; or its disk is too small.
    """
    written = ending.findings.written(container.id)
    if not written.nothing and not ending.discard:
        raise parts.would_stay_behind(f"container {container.key}", written)
    has = belongings.found(context, container, spec)
    after = roots.fresh(container, spec, image, has, ending.findings.size(container.id))
    _check_room(after, ending.findings.used(container.id))
    left = "" if written.nothing else f"; left behind in its root: {written}"
    kept = " for a rollback" if spec.rollbacks else ", and deleted then"
    old, new = _told_apart((container.spec.image, container.image), (spec.image, image))
    why = f"image {old} to {new}{left}; root {container.root} is kept{kept}"
    way = roots.Way(why, ending.grace, wait, unwritten=not ending.discard)
    return roots.change("update", context.host, container, after, way)


def _check_room(container: Container, used: int) -> None:
    """Refuse another root where what stays of the ``used`` bytes of a container leaves that one no room."""
    stays = used - sum(one.size for one in container.kept[container.spec.rollbacks :])
    if container.spec.disk - stays < anatomy.LEAST_DISK:
        raise SkerryError(
            Code.INVALID,
            f"disk: {format_size(container.spec.disk)} is too little beside kept roots and snapshots, which take "
            f"{stays // 1024**2 + 1}M",
            f"Give at least {(stays + anatomy.LEAST_DISK) // 1024**2 + 1}M, delete snapshots, or give 'rollbacks: 0'",
        )


def _told_apart(old: tuple[str, Image], new: tuple[str, Image]) -> tuple[str, str]:
    """Two images by the names that containers were given; with their digests where one name leads to both."""
    if old[0] != new[0]:
        return old[0], new[0]
    return f"{old[0]} (sha256:{old[1].digest[:12]})", f"{new[0]} (sha256:{new[1].digest[:12]})"


def rollback(context: Context, request: requests.Rollback, had: Container | None) -> Sequence[Decide]:
    """Back to the newest kept root, or to that of an image."""
    findings = Findings(context)

    def look(found: Container | None) -> None:
        if found is not None and _earlier(context, request, found):
            findings.size(found.id)
            findings.used(found.id)

    def decide(found: Container | None) -> Plan[Container] | None:
        if found is None:
            raise missing.not_found(context, request.container)
        if (earlier := _earlier(context, request, found)) is None:
            return None
        to, image = earlier
        after = roots.back(found, to, image, findings.size(found.id))
        _check_room(after, findings.used(found.id))
        old, new = _told_apart((found.spec.image, found.image), (to.image, image))
        why = f"image {old} back to {new}; root {found.root} is kept"
        grace = found.spec.grace if request.grace is None else request.grace
        way = roots.Way(why, grace, plan.Wait(request.wait == "ready", request.timeout))
        return roots.change("rollback", context.host, found, after, way)

    return [Looking(look, decide), settled(context, "rollback", had)]


def _earlier(
    context: Context, request: requests.Rollback, container: Container
) -> tuple[KeptRoot, Image] | None:
    """The root that a rollback goes to, and its image; None where the container has that one.

    Raises:
        SkerryError: there is none.
    """
    named = references.image(context.db, request.image) if request.image else None
    digest = named.digest if named else (request.image or "").removeprefix("sha256:")
    if digest and container.image.digest == digest:
        return None
    to = next((one for one in container.kept if digest in {"", one.digest}), None)
    image = references.image(context.db, to.digest) if to else None
    if to is None or image is None:
        kept = ", ".join(f"{one.image} (sha256:{one.digest})" for one in container.kept)
        what = f"root of image {request.image}" if request.image else "earlier root"
        raise SkerryError(
            Code.NOT_FOUND,
            f"container {container.key} has no {what} to go back to",
            f"Kept are: {kept}"
            if kept
            else "Each change of its image keeps 'rollbacks' of them, 1 unless said otherwise",
        )
    return to, image


def settled(context: Context, verb: str, had: Container | None) -> Decide:
    """What follows a change of the root that a container ``had``: its program wrote to that one until it ended."""
    sizes: dict[int, int] = {}

    def look(found: Container | None) -> None:
        if found is None or had is None or found.root == had.root or not found.spec.rollbacks:
            return
        try:
            sizes[had.root] = quotas.written_to(parts.aside(context.host, found.id, had.root))
        except SkerryError as error:
            _log.warning(
                "root %d of container %s is told of as before its end: %s", had.root, found.key, error
            )

    return Looking(look, lambda found: roots.settle(verb, found, sizes) if found else None)
