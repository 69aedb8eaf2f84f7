"""A volume's files: a btrfs subvolume of the pool that outlives every container which uses it."""

import dataclasses
from pathlib import Path
from typing import ClassVar

from skerry.host import btrfs, files, quotas
from skerry.model.host import HostConfig
from skerry.model.size import format_size
from skerry.parts.base import Part


def top(host: HostConfig) -> str:
    """The folder of all volumes."""
    return f"{host.pool}/v"


def folder(host: HostConfig, name: str) -> str:
    """Where the subvolume of that name lies."""
    return f"{top(host)}/{name}"


def is_there(host: HostConfig, name: str) -> bool:
    """Whether the subvolume of that name is there. One that a backup brought back is not until its files are restored."""
    return Path(folder(host, name)).is_dir()


def mounted_by(host: HostConfig, name: str) -> set[str]:
    """The ids of the containers that were started with the subvolume of that name, whatever their options are now."""
    words = f"{folder(host, name)}\0".encode()
    return {path.parent.name for path in Path(host.run, "c").glob("*/start") if words in path.read_bytes()}


@dataclasses.dataclass(frozen=True)
class Data(Part):
    """The subvolume of volume ``id``; its files may take ``size`` bytes. Ids in it start from 0.

    Attributes:
        origin: where a snapshot lies in the pool, with whose files a new one begins; empty for none.
    """

    kind: ClassVar[str] = "data"
    in_pool: ClassVar[bool] = True
    id: str
    generation: int
    size: int
    origin: str = ""

    def __str__(self) -> str:
        return f"volume {self.id} ({format_size(self.size)})"

    @property
    def place(self) -> str:
        """The name of its subvolume."""
        return f"{self.id}-{self.generation}"

    def make(self, host: HostConfig) -> None:
        """Make the subvolume where it is not there, and set its limit."""
        if not Path(top(host)).exists():
            files.make_folder(top(host), 0o700)
        path = folder(host, self.place)
        new = not (Path(path).exists() or self.origin)
        if self.origin:
            btrfs.snapshot(f"{host.pool}/{self.origin}", path, writable=True)
        quotas.create(path, quotas.group_of(self.id), self.size)
        if new:
            Path(path).chmod(0o755)  # a program with another user than root finds its way in

    def remove(self, host: HostConfig) -> None:
        """Delete the subvolume."""
        quotas.delete(folder(host, self.place), quotas.group_of(self.id), self.size)

    def exists(self, host: HostConfig) -> bool:
        """Whether it is there and its limit is this."""
        there = Path(folder(host, self.place)).is_dir()
        return there and quotas.limit_of(host.pool, quotas.group_of(self.id)) == self.size
