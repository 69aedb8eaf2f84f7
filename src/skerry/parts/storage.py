"""A container's own files: a btrfs subvolume that holds the upper layer of its root."""

import dataclasses
from pathlib import Path
from typing import ClassVar

from skerry.host import btrfs, files, quotas
from skerry.model.host import HostConfig
from skerry.model.size import format_size
from skerry.parts.base import Part


def folder(host: HostConfig, container_id: str) -> str:
    """Where the files of a container lie."""
    return f"{host.pool}/c/{container_id}"


def set_limit(host: HostConfig, container_id: str, disk: int) -> None:
    """Let the files of a container take ``disk`` bytes."""
    quotas.set_limit(folder(host, container_id), quotas.group_of(container_id), disk)


def limit_text(container_id: str, disk: int) -> str:
    """What a start on a full disk needs to know: the limit, and the quota group that has it."""
    return f"{disk} {quotas.group_of(container_id)}"


def used(host: HostConfig, container_id: str) -> int:
    """Bytes of the pool that a container takes: its roots and its snapshots."""
    return quotas.used_by(host.pool, quotas.group_of(container_id))


@dataclasses.dataclass(frozen=True)
class Volume(Part):
    """The subvolume of container ``id``; its files may take ``disk`` bytes. Ids in it start from 0."""

    kind: ClassVar[str] = "volume"
    id: str
    disk: int

    def __str__(self) -> str:
        return f"volume {self.id} ({format_size(self.disk)})"

    def make(self, host: HostConfig) -> None:
        """Make the subvolume and its two folders, and set its limit. One that runs hears of it for its next start."""
        path, running = folder(host, self.id), Path(host.run, "c", self.id)
        if running.is_dir():
            (running / "disk").write_text(limit_text(self.id, self.disk), encoding="ascii")
        quotas.create(path, quotas.group_of(self.id), self.disk)
        for name in ("upper", "work"):
            files.make_folder(f"{path}/{name}", 0o755)

    def remove(self, host: HostConfig) -> None:
        """Delete the subvolume."""
        btrfs.delete(folder(host, self.id))

    def exists(self, host: HostConfig) -> bool:
        """Whether it is whole and its limit is ours."""
        there = Path(folder(host, self.id), "work").is_dir()
        return there and quotas.limit_of(host.pool, quotas.group_of(self.id)) == self.disk
