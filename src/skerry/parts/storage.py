"""A container's own files: a btrfs subvolume that holds the upper layer of its root."""

import contextlib
import dataclasses
import os
import shlex
import stat
from pathlib import Path
from typing import ClassVar

from skerry.host import btrfs, files, quotas
from skerry.model.container import Image
from skerry.model.host import HostConfig
from skerry.model.image import OF_CONTAINER
from skerry.model.size import format_size
from skerry.parts.base import Part

NUMBER = "root"  # a file beside the layer, with the root's number (parts.root); without it that is 1


def folder(host: HostConfig, container_id: str) -> str:
    """Where the files of a container lie."""
    return f"{host.pool}/c/{container_id}"


def is_there(host: HostConfig, container_id: str) -> bool:
    """Whether a container has files. One that a backup brought back has none until they are imported."""
    return Path(folder(host, container_id)).is_dir()


def image_file(host: HostConfig, digest: str) -> str:
    """Where an EROFS file of an image lies."""
    return f"{host.pool}/images/{digest}.erofs"


def image_is_there(host: HostConfig, digest: str) -> bool:
    """Whether the pool has an EROFS file of an image."""
    return os.path.exists(image_file(host, digest))


def bring_image(image: Image) -> str:
    """What brings an image that a host only remembers."""
    if image.reference.startswith(OF_CONTAINER):
        realm, project, source = image.reference.removeprefix(OF_CONTAINER).split("/")
        place = ["--realm", realm, "--project", project] if (realm, project) != ("default", "default") else []
        return shlex.join(["skerry", "image", "publish", image.name, source, *place])
    if image.reference:
        return shlex.join(["skerry", "image", "pull", image.name, image.reference])
    return f"import its tarball as image {image.name} (playbooks/image/import.yml), the one with sha256 {image.digest}"


def set_limit(host: HostConfig, container_id: str, disk: int) -> None:
    """Let the files of a container take ``disk`` bytes."""
    quotas.set_limit(folder(host, container_id), quotas.group_of(container_id), disk)


def limit_text(container_id: str, disk: int) -> str:
    """What a start on a full disk needs to know: the limit, and the quota group that has it."""
    return f"{disk} {quotas.group_of(container_id)}"


def used(host: HostConfig, container_id: str) -> int:
    """Bytes of the pool that a container takes: its roots and its snapshots."""
    return quotas.used_by(host.pool, quotas.group_of(container_id))


def forget_machine(upper: str) -> None:
    """Take a machine id away that a program has written; where a link leads to it, it stays."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        etc = os.open(f"{upper}/etc", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if stat.S_ISREG(os.stat("machine-id", dir_fd=etc, follow_symlinks=False).st_mode):
                os.unlink("machine-id", dir_fd=etc)
        finally:
            os.close(etc)


@dataclasses.dataclass(frozen=True)
class Volume(Part):
    """The subvolume of container ``id``; its files may take ``disk`` bytes. Ids in it start from 0.

    Attributes:
        origin: where the files lie in the pool with which a new one begins; empty for none.
        machine: whether it is a whole Debian, which gets a machine id of its own: that of its origin is another's.
    """

    kind: ClassVar[str] = "volume"
    in_pool: ClassVar[bool] = True
    id: str
    disk: int
    origin: str = ""
    machine: bool = False

    def __str__(self) -> str:
        return f"files of {self.id} ({format_size(self.disk)})"

    def make(self, host: HostConfig) -> None:
        """Make the subvolume and its two folders, and set its limit. One that runs hears of it for its next start."""
        path, running = folder(host, self.id), Path(host.run, "c", self.id)
        if running.is_dir():
            (running / "disk").write_text(limit_text(self.id, self.disk), encoding="ascii")
        if self.origin and not Path(path).exists():
            btrfs.snapshot(f"{host.pool}/{self.origin}", path, writable=True)
            Path(path, NUMBER).unlink(missing_ok=True)
            if self.machine:
                forget_machine(f"{path}/upper")
        quotas.create(path, quotas.group_of(self.id), self.disk)
        for name in ("upper", "work"):
            if not Path(path, name).is_dir():  # one that is copied keeps its permissions
                files.make_folder(f"{path}/{name}", 0o755)

    def remove(self, host: HostConfig) -> None:
        """Delete the subvolume."""
        btrfs.delete(folder(host, self.id))

    def exists(self, host: HostConfig) -> bool:
        """Whether it is whole and its limit is ours."""
        there = Path(folder(host, self.id), "work").is_dir()
        return there and quotas.limit_of(host.pool, quotas.group_of(self.id)) == self.disk
