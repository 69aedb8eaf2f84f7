"""From a request for the image of a container to its plans: whose files it has, and what it says of its program."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from skerry.host import inside
from skerry.host.overlay import UPPER
from skerry.model.container import Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.image import OF_CONTAINER
from skerry.model.snapshot import SnapshotKey
from skerry.parts import storage
from skerry.protocol.images import ImagePublish
from skerry.resources import missing
from skerry.resources.images import made, plan
from skerry.resources.images.found import Decide, is_there
from skerry.resources.images.merged import Merged
from skerry.resources.images.parts import ContainerTarball
from skerry.resources.kind import Context
from skerry.store import references, snapshots
from skerry.store.db import now


@dataclasses.dataclass(frozen=True)
class _Source:
    """What is published: the files, the image that they lie over, the container's options."""

    files: Merged
    image: Image
    spec: Spec


def planner(context: Context, request: ImagePublish, named: Image | None) -> Sequence[Decide]:
    """Publish where there is no image of the name, or no file of it; else only what is written down may change."""
    reference = f"{OF_CONTAINER}{request.key}"
    if named and not request.rebuild:
        if named.reference != reference:
            raise _taken(request.name, named)
        if is_there(context, named):
            kept = _with_request(named, request)
            return [lambda _found_now: plan.keep(request.verb, kept, named)]
    source = _source(context, request)
    desired = _with_request(_described(request.name, reference, source), request)
    reason = "its image and what it has written, of one moment"
    warnings = tuple(_warnings(context, request, source))
    tarball = ContainerTarball(source.files.source, source.files)
    return made.chain(context, made.Making(request.verb, desired, named, tarball, reason, warnings))


def _taken(name: str, named: Image) -> SkerryError:
    of = f", from {named.reference}" if named.reference else ""
    return SkerryError(
        Code.EXISTS,
        f"image {name} is there already{of}",
        "Choose another name. Or give 'rebuild' (-e rebuild=true, --rebuild): then the name moves to the new one",
    )


def _with_request(image: Image, request: ImagePublish) -> Image:
    command = image.command if request.command is None else tuple(request.command)
    return dataclasses.replace(image, command=command, env=image.env if request.env is None else request.env)


def _source(context: Context, request: ImagePublish) -> _Source:
    """What the request names.

    Raises:
        SkerryError: there is no such container, or no such snapshot of it.
    """
    key = request.key
    row = references.container(context.db, key.realm, key.project, key.owner_name)
    if row is None:
        raise missing.no_source(context.db, key)
    if references.is_imported(context.db, row.id):
        raise SkerryError(
            Code.BUSY, f"container {key.owner} is being imported", "Publish it when it is whole"
        )
    if not storage.is_there(context.host, row.id):
        raise SkerryError(
            Code.NOT_FOUND, f"the files of container {key.owner} are not on this host", "Import them first"
        )
    place, digest, root = f"c/{row.id}", row.digest, row.root
    if isinstance(key, SnapshotKey):
        snapshot = snapshots.find(context.db, key)
        if snapshot is None:
            raise missing.no_snapshot(context.db, key)
        place, digest, root = snapshot.place, snapshot.digest, 0  # its place is never another root's
    image = references.image(context.db, digest)
    if image is None:  # a foreign key holds it
        raise SkerryError(Code.HOST, f"image {digest} of container {key.owner} is not in the store")
    what = f"snapshot {key}" if isinstance(key, SnapshotKey) else f"container {key}"
    machine = row.spec.profile == "system"
    return _Source(Merged(what, place, root, image.lowers, machine), image, row.spec)


def _described(name: str, reference: str, source: _Source) -> Image:
    """The image, with what the container's options say of its program, where they say something."""
    spec, image = source.spec, source.image
    return dataclasses.replace(
        image,
        digest="",
        name=name,
        size=0,
        created=now(),
        recipe="",
        layers=(),
        chain=(),
        reference=reference,
        manifest="",
        ignored=(),
        command=tuple(spec.command or image.command),
        env=image.env | spec.env,
        user=spec.user or image.user,
        workdir=spec.workdir or image.workdir,
        stop_signal=spec.stop_signal or image.stop_signal,
        health=image.health if spec.health is None else spec.health.model_dump(mode="json"),
    )


def _warnings(context: Context, request: ImagePublish, source: _Source) -> Iterator[str]:
    """That a container's own keys would be those of all that are made of its image."""
    with contextlib.suppress(OSError):
        top = os.open(Path(context.host.pool, source.files.place, UPPER), os.O_RDONLY | os.O_DIRECTORY)
        try:
            folder = inside.below(top, "etc/ssh")
        finally:
            os.close(top)
        try:
            found = [
                one for one in os.listdir(folder) if one.startswith("ssh_host_") and one.endswith("_key")
            ]
        finally:
            os.close(folder)
        if found:
            yield (
                f"image {request.name} has the ssh host keys of {source.files.source}, so every container of it would "
                "have the same: rm /etc/ssh/ssh_host_*_key* there, then ssh-keygen -A"
            )
