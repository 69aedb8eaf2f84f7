"""A copy of a volume: of whose files, and what is found out of them first."""

import dataclasses
import functools
from pathlib import Path

from skerry.model import copies
from skerry.model.errors import Code, SkerryError
from skerry.model.size import format_size
from skerry.model.snapshot import Snapshot, SnapshotKey
from skerry.model.volume import Volume, VolumeKey
from skerry.parts import root
from skerry.parts import snapshots as parts
from skerry.resources import missing
from skerry.resources.kind import Context
from skerry.resources.volumes import store
from skerry.store import snapshots

_MEBI = 1024**2


@dataclasses.dataclass(frozen=True)
class Source:
    """What a copy is made of.

    Attributes:
        volume: the one that is copied.
        snapshot: the snapshot of it that has the files; None for those of now.
    """

    volume: Volume
    snapshot: Snapshot | None = None

    @property
    def place(self) -> str:
        """Where the files lie in the pool."""
        return self.snapshot.place if self.snapshot else f"v/{self.volume.subvolume}"

    @property
    def why(self) -> str:
        """Why the copy has them, for a person."""
        name = self.volume.key.name
        if self.snapshot is None:
            return f"the files of {name} as they are now"
        return f"the files of {name}@{self.snapshot.key.name} of {self.snapshot.created[:19]}"


def source(context: Context, key: VolumeKey, text: str) -> Source:
    """What ``text`` names in the project of a volume that is to be made.

    Raises:
        SkerryError: there is no such volume, or no such snapshot of it.
    """
    named = copies.key_of(text, "volume", key.realm, key.project)
    found = store.find(context.db, key.model_copy(update={"name": named.owner_name}))
    if found is None:
        raise missing.no_source(context.db, named)
    if not isinstance(named, SnapshotKey):
        return Source(found)
    snapshot = snapshots.find(context.db, named)
    if snapshot is None:
        raise missing.no_snapshot(context.db, named)
    return Source(found, snapshot)


class Findings:
    """What takes long to find out of a source. One request finds it out once, ahead of its decision."""

    def __init__(self, context: Context) -> None:
        host = context.host
        self._inside = functools.cache(lambda place: len(parts.inside(host, place)))
        self._counted = functools.cache(lambda place: root.counted(Path(host.pool, place)).size)

    def of(self, source: Source, size: int | None) -> int:
        """Find it out; how many subvolumes a program has made in it. A snapshot has none of them.

        Args:
            source: what is copied.
            size: of the copy, where it is another one.
        """
        if size is not None and size < source.volume.size:
            self._size(source)
        return 0 if source.snapshot else int(self._inside(source.place))

    def _size(self, source: Source) -> int:
        return source.snapshot.size if source.snapshot else int(self._counted(source.place))

    def check(self, source: Source, copy: Volume) -> None:
        """Refuse a copy whose size is less than the files take.

        Raises:
            SkerryError: naming the least that would do.
        """
        if copy.size < source.volume.size and copy.size < (taken := self._size(source)) + _MEBI:
            least = -(-taken // _MEBI) + 1
            raise SkerryError(
                Code.INVALID,
                f"size: {format_size(copy.size)} is too little for volume {copy.key}, whose files take {least - 1}M",
                f"Give at least {least}M, or leave it out",
            )
