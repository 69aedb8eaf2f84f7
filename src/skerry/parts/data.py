"""A volume's files: a btrfs subvolume of the pool that outlives every container which uses it."""

import dataclasses
from pathlib import Path
from typing import ClassVar

from skerry.host import files, quotas
from skerry.model.host import HostConfig
from skerry.model.size import format_size
from skerry.parts.base import Part


def top(host: HostConfig) -> str:
    """The folder of all volumes."""
    return f"{host.pool}/v"


def folder(host: HostConfig, name: str) -> str:
    """Where the subvolume of that name lies."""
    return f"{top(host)}/{name}"


def mounted_by(host: HostConfig, name: str) -> set[str]:
    """The ids of the containers that were started with the subvolume of that name, whatever their options are now."""
    words = f"{folder(host, name)}\0".encode()
    return {path.parent.name for path in Path(host.run, "c").glob("*/start") if words in path.read_bytes()}


@dataclasses.dataclass(frozen=True)
class Data(Part):
    """The subvolume of volume ``id``; its files may take ``size`` bytes. Ids in it start from 0."""

    kind: ClassVar[str] = "data"
    id: str
    generation: int
    size: int

    def __str__(self) -> str:
        return f"data {self.id} ({format_size(self.size)})"

    @property
    def place(self) -> str:
        """The name of its subvolume."""
        return f"{self.id}-{self.generation}"

    def make(self, host: HostConfig) -> None:
        """Make the subvolume where it is not there, and set its limit."""
        if not Path(top(host)).exists():
            files.make_folder(top(host), 0o700)
        path = folder(host, self.place)
        new = not Path(path).exists()
        quotas.create(path, self.size)
        if new:
            Path(path).chmod(0o755)  # a program with another user than root finds its way in

    def remove(self, host: HostConfig) -> None:
        """Delete the subvolume."""
        quotas.delete(folder(host, self.place))

    def exists(self, host: HostConfig) -> bool:
        """Whether it is there and its limit is this."""
        path = folder(host, self.place)
        return Path(path).is_dir() and quotas.limit_of(path) == self.size
