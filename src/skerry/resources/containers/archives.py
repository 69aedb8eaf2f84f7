"""Containers as files: what an export writes, and what of it an import makes a container of."""

import shlex
from collections.abc import Sequence
from typing import Any

from skerry import streams
from skerry.model import manifest
from skerry.model.container import Container, ContainerKey, Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.image import OF_CONTAINER
from skerry.model.manifest import Manifest
from skerry.model.snapshot import Snapshot, SnapshotKey
from skerry.parts.base import Step
from skerry.parts.root_archive import ImportedRoot, RootArchive
from skerry.parts.snapshots import Taken
from skerry.protocol import containers as requests
from skerry.resources import missing as missing_snapshots
from skerry.resources.containers import anatomy, missing, plan
from skerry.resources.kind import Context, Decide, Plan
from skerry.store import references, snapshots
from skerry.store.db import now


def export(
    context: Context, request: requests.Export, _found: Container | None
) -> Sequence[Decide[Container]]:
    """The container's files, of now or of a snapshot, into an archive."""

    def decide(found: Container | None) -> Plan[Container]:
        if found is None:
            raise missing.not_found(context, request.container)
        taken = _snapshot(context, found, request.snapshot)
        digest = taken.digest if taken else found.image.digest
        image = references.image(context.db, digest)
        if image is None:  # a foreign key holds it
            raise SkerryError(Code.HOST, f"image {digest} of container {found.key} is not in the store")
        called, created = (taken.image, taken.created) if taken else (found.spec.image, now())
        head = manifest.write(found, image, called, created)
        if len(head.encode()) > streams.LARGEST_HEAD:
            raise SkerryError(
                Code.INVALID,
                f"container {found.key}: its options take {len(head.encode())} bytes, more than an archive begins with",
                f"Bring them to {streams.LARGEST_HEAD} bytes; long texts of env and labels belong into files",
            )
        return _export(found, taken, request.stream, head)

    return [decide]


def _snapshot(context: Context, container: Container, name: str | None) -> Snapshot | None:
    if name is None:
        return None
    key = container.key
    asked = SnapshotKey(realm=key.realm, project=key.project, source=key.name, name=name)
    found = snapshots.find(context.db, asked)
    if found is None:
        raise missing_snapshots.no_snapshot(context.db, asked)
    return found


def _export(container: Container, taken: Snapshot | None, stream: str, head: str) -> Plan[Container]:
    if taken:
        files = RootArchive(container.id, taken.place, stream, head)
        why = f"the files of snapshot {taken.key.name}"
        return Plan("export", container, container, (Step("make", files, why),), "undo")
    moment = Taken("of the archive", f"s/export/{container.id}", f"c/{container.id}", container.id)
    steps = (
        Step("make", moment, "the archive has the files of one moment"),
        Step("make", RootArchive(container.id, moment.place, stream, head), "it goes to whoever asked"),
        Step("remove", moment, "the archive is written"),
    )
    return Plan("export", container, container, steps, "undo")


def image_of(context: Context, found: Manifest) -> Image:
    """The image that an archive's files lie over.

    Raises:
        SkerryError: it is not on this host; says how to bring it.
    """
    image = references.image(context.db, f"sha256:{found.image.digest}")
    if image is not None and image.digest == found.image.digest:
        return image
    name = found.image.name
    other = references.image(context.db, name)
    differs = f"Image {name} here is another one (sha256:{other.digest}). " if other else ""
    if found.image.source.startswith(OF_CONTAINER):
        of = found.image.source.removeprefix(OF_CONTAINER)
        bring = f"It was published from {of}. Import that container here first, and publish it: skerry image publish"
    elif found.image.source:
        words = shlex.join(
            ["skerry", "image", "pull", name, found.image.source]
        )  # a stranger may have chosen them
        bring = f"Bring it under any name first: {words}"
    else:
        bring = (
            "Import the same tarball under any name first (playbooks/image/import.yml): that is the sha256 of it, "
            "and a build on this host would be another one"
        )
    raise SkerryError(
        Code.NOT_FOUND,
        f"image {name} of the archive (sha256:{found.image.digest}) is not on this host",
        f"{differs}{bring}",
    )


def options(context: Context, found: Manifest, given: dict[str, Any]) -> dict[str, Any]:
    """The options of the new container: those in the archive, but for those that are ``given``.

    Raises:
        SkerryError: another image is given, or the archive's is not here.
    """
    if "image" in given:
        raise SkerryError(
            Code.INVALID,
            "image: the files of an archive lie over its own image",
            "Leave it out, and update the container once it is there",
        )
    image = image_of(context, found)
    name = found.image.name
    here = references.image(context.db, name)
    called = name if here is not None and here.digest == image.digest else f"sha256:{image.digest}"
    return found.spec | given | {"image": called}


def check_there(context: Context, key: ContainerKey, spec: Spec) -> None:
    """Refuse an archive whose volumes or secrets are not there: no archive has what is in them.

    Raises:
        SkerryError: it names them, with what to do.
    """
    volumes = references.volume_names(context.db, key.realm, key.project)
    values = references.secret_names(context.db, key.realm, key.project)
    for kind, named, known, bring in (
        ("volume", [use.volume for use in spec.volumes], volumes, "skerry volume restore {} FILE"),
        ("secret", [use.secret for use in spec.secrets], values, "skerry secret set {}"),
    ):
        if lost := [name for name in dict.fromkeys(named) if name not in known]:
            raise SkerryError(
                Code.NOT_FOUND,
                f"{kind}s: the archive's container has {', '.join(lost)}, and {key.realm}/{key.project} has no such {kind}",
                f"An archive has no {kind}s. Bring them first: {bring.format(lost[0])}",
            )


FILL = "fill"


def fill(container: Container, found: Manifest, request: requests.Import) -> Plan[Container]:
    """Give a container its files back, which its host has not any more: it stays the same one.

    Raises:
        SkerryError: options are given, or the files lie over another image.
    """
    if request.spec:
        raise SkerryError(
            Code.INVALID,
            f"{min(request.spec)}: container {container.key} is on this host, without files, and keeps its options",
            "Leave it out, and update the container once its files are there",
        )
    if found.image.digest != container.image.digest:
        raise SkerryError(
            Code.INVALID,
            f"archive: its files lie over image sha256:{found.image.digest}, and container {container.key} is made of "
            f"{container.image.name} (sha256:{container.image.digest})",
            f"Take the archive of {found.name} that was made with the backup, or import this one under another name",
        )
    steps = (
        Step("make", anatomy.volume(container), "its own files, which this host has not"),
        Step(
            "make",
            ImportedRoot(container.id, request.stream, container.spec.disk, container.root),
            "each member is checked before it is written",
        ),
    )
    return Plan(FILL, container, container, steps, "undo")


def import_(host: HostConfig, container: Container, stream: str) -> Plan[Container]:
    """Make a container that does not exist of an archive."""
    anatomy.command(container)
    steps = (
        Step("make", anatomy.volume(container), "its own files"),
        Step(
            "make",
            ImportedRoot(container.id, stream, container.spec.disk),
            "each member is checked before it is written",
        ),
        *plan.rerouting(host, None, container, "its URL says that it is stopped"),
    )
    return Plan("import", None, container, steps, "undo")
