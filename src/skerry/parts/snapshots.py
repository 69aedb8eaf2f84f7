"""A snapshot's files: a read-only subvolume of the pool, which shares with others all that has not changed since."""

import dataclasses
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import ClassVar

from skerry.host import btrfs, files, quotas
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import Part


@dataclasses.dataclass(frozen=True)
class Taken(Part):
    """The files of a container or volume as they are now, in one moment.

    Attributes:
        name: of the snapshot, as a person knows it.
        place: where it lies in the pool.
        source: where the files lie in the pool.
        owner: the id of the container or volume, whose limit holds for it as well.
    """

    kind: ClassVar[str] = "taken"
    making: ClassVar[str] = "take"
    in_pool: ClassVar[bool] = True
    name: str
    place: str
    source: str
    owner: str

    def __str__(self) -> str:
        return f"snapshot {self.name}"

    def make(self, host: HostConfig) -> None:
        """Take it, where it is not there."""
        path = f"{host.pool}/{self.place}"
        for folder in (os.path.dirname(os.path.dirname(path)), os.path.dirname(path)):
            files.make_folder(folder, 0o700)
        btrfs.snapshot(f"{host.pool}/{self.source}", path)
        quotas.join(path, quotas.group_of(self.owner))

    def remove(self, host: HostConfig) -> None:
        """Delete it. What only it has comes back behind the answer."""
        btrfs.delete(f"{host.pool}/{self.place}")

    def exists(self, host: HostConfig) -> bool:
        """Whether it is there."""
        return Path(host.pool, self.place).is_dir()


def strange(host: HostConfig, known: Collection[str]) -> Iterator[str]:
    """The places of snapshots that are none of ``known``."""
    for path in sorted(Path(host.pool, "s").glob("*/*")):
        place = str(path.relative_to(host.pool))
        if place not in known and re.fullmatch(r"[0-9a-f]{24}", path.name):
            yield place


def inside(host: HostConfig, place: str) -> list[str]:
    """The subvolumes that a program has made in one: no snapshot has what is in them.

    Raises:
        SkerryError: btrfs does not answer.
    """
    return btrfs.inside(f"{host.pool}/{place}")


def changed_since(host: HostConfig, place: str, taken: str) -> bool:
    """Whether the subvolume at ``place`` has changed since its snapshot at ``taken``; true as well where nobody can tell.

    What was written within the last half a minute may not be seen yet.
    """
    try:
        return btrfs.generation(f"{host.pool}/{place}") > btrfs.made_in(f"{host.pool}/{taken}")
    except (SkerryError, OSError):
        return True


def frees(host: HostConfig, place: str) -> int | None:
    """Bytes that only the subvolume at ``place`` has; None where nobody can tell in time."""
    try:
        return btrfs.exclusive(f"{host.pool}/{place}")
    except SkerryError:
        return None
