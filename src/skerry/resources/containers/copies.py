"""A copy of a container: of whose files, with which options, and what is refused in which words."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from skerry.host import capacity
from skerry.model import copies
from skerry.model.container import Container, ContainerKey, Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.publish import parse
from skerry.model.snapshot import Snapshot, SnapshotKey, SourceKey
from skerry.parts import root
from skerry.resources import missing, names
from skerry.resources.containers import lost, store
from skerry.resources.kind import Context
from skerry.store import references, snapshots


@dataclasses.dataclass(frozen=True)
class Source:
    """What a copy is made of.

    Attributes:
        container: the one that is copied.
        image: what the files stand on; ``image_name`` is what it was called.
        snapshot: the snapshot of it that has the files; None for those of now.
    """

    container: Container
    image: Image
    image_name: str
    snapshot: Snapshot | None = None

    def __str__(self) -> str:
        at = f"@{self.snapshot.key.name}" if self.snapshot else ""
        return f"{self.container.key.name}{at}"

    @property
    def place(self) -> str:
        """Where the files lie in the pool."""
        return self.snapshot.place if self.snapshot else f"c/{self.container.id}"

    @property
    def why(self) -> str:
        """Why the copy has them, for a person."""
        when = f" of {self.snapshot.created[:19]}" if self.snapshot else " as they are now"
        return f"the files of {self}{when}"


def key_of(key: ContainerKey, text: str) -> SourceKey | SnapshotKey:
    """What a copy that is to have this key is made of."""
    return copies.key_of(text, "container", key.realm, key.project)


def source(context: Context, key: ContainerKey, text: str) -> Source:
    """What ``text`` names in the project of a container that is to be made.

    Raises:
        SkerryError: there is no such container, or no such snapshot of it.
    """
    named = key_of(key, text)
    found = store.find(context.db, key.model_copy(update={"name": named.source}))
    if found is None:
        raise missing.no_source(context.db, named)
    lost.check(context, found)
    if not isinstance(named, SnapshotKey):
        return Source(found, found.image, found.spec.image)
    snapshot = snapshots.find(context.db, named)
    image = references.image(context.db, snapshot.digest) if snapshot else None
    if snapshot is None or image is None:  # a foreign key holds the image
        raise missing.no_snapshot(context.db, named)
    return Source(found, image, snapshot.image, snapshot)


def options(context: Context, source: Source, given: dict[str, Any]) -> dict[str, Any]:
    """The options of a copy: those of its source, but for what only one container can have, and those that are given.

    Raises:
        SkerryError: one needs a word of its user, or cannot be another one.
    """
    spec, name = source.container.spec, source.container.key.name
    written = [use for use in spec.volumes if not use.read_only]
    if written and "volumes" not in given:
        volumes = names.listed([use.volume for use in written])
        first = written[0]
        raise SkerryError(
            Code.INVALID,
            f"volumes: container {name} writes to {volumes}, and its copy would write to the same files",
            f"Copy them too, and say so: skerry volume copy {first.volume} NEW, then --volume NEW:{first.path}. To share "
            f"them, name them: --volume {first.volume}:{first.path}. To have none: --volume ''",
        )
    if "image" in given:
        image = references.image(context.db, str(given["image"]))
        if image is None or image.digest != source.image.digest:
            raise SkerryError(
                Code.INVALID,
                f"image: the files of {source} stand on image {source.image_name}, so their copy does",
                "Leave it out. Afterwards the copy can have another one: skerry update NAME --image IMAGE",
            )
    own = {"image": source.image_name, "publish": [text for text in spec.publish if parse(text).shared]}
    return spec.model_dump(mode="json") | own | given


def warnings(source: Source, given: dict[str, Any]) -> Iterator[str]:
    """What a copy has not."""
    published = [text for text in source.container.spec.publish if not parse(text).shared]
    if published and "publish" not in given:
        yield (
            f"publish: {names.listed(published)} of the host leads to {source.container.key.name} as before, and no port "
            "to its copy. Give that others by 'publish'"
        )


class Sizes:
    """What the files of a source take: counted once a request, ahead of its decision."""

    def __init__(self, context: Context) -> None:
        self._written = functools.cache(lambda container_id: root.written(context.host, container_id).size)

    def of(self, source: Source) -> int:
        """Bytes of its files."""
        return source.snapshot.size if source.snapshot else int(self._written(source.container.id))

    def check(self, source: Source, spec: Spec) -> None:
        """Refuse a copy that may have less than the files of its source take.

        Raises:
            SkerryError: naming the least that would do.
        """
        if spec.disk < source.container.spec.disk:
            capacity.check_files(self.of(source), spec.disk)
