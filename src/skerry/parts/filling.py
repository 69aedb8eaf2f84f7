"""What a new volume holds when a container has it for the first time: what its image has in that place."""

import dataclasses
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from skerry.host import btrfs, files, inside, sandbox
from skerry.host.sandbox import Job
from skerry.model.host import HostConfig
from skerry.parts import archive, data
from skerry.parts.base import Part

_USUAL = (0, 0, 0o755)


def _look(opened: int) -> tuple[int, int, int]:
    found = os.fstat(opened)
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def is_new(host: HostConfig, name: str) -> bool:
    """Whether a subvolume is as it was made: nobody has written there, and nothing was copied."""
    try:
        opened = os.open(data.folder(host, name), os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    try:
        return _look(opened) == _USUAL and archive.is_empty(host, name)
    finally:
        os.close(opened)


def images_have_more(host: HostConfig, images: Sequence[str], path: str) -> bool | None:
    """Whether images have more at ``path`` than an empty folder of root's; None where none has a folder there."""
    found = [more for image in images if (more := _has_more(host, image, path)) is not None]
    return any(found) if found else None


def _has_more(host: HostConfig, image: str, path: str) -> bool | None:
    opened = inside.folder(f"{host.run}/images/{image}", path)
    if opened is None:
        return None
    try:
        return _look(opened) != _USUAL or bool(os.listdir(opened))
    finally:
        os.close(opened)


@dataclasses.dataclass(frozen=True)
class Filling(Part):
    """What images have at ``path``, as the first files of a subvolume that is empty; with its owner and permissions.

    Attributes:
        name: the subvolume.
        images: names of the images' mounts, the topmost first.
    """

    kind: ClassVar[str] = "filling"
    making: ClassVar[str] = "copy"
    name: str
    images: tuple[str, ...]
    path: str

    def __str__(self) -> str:
        return f"the image's {self.path} into volume {self.name}"

    def make(self, host: HostConfig) -> None:
        """Copy it; where there are files already, nothing happens."""
        words = f"{host.run}/{self.name}.fill"
        files.replace(words, self.path.encode())
        images = [f"{host.run}/images/{one}" for one in self.images]
        folder = data.folder(host, self.name)
        try:
            seen = [f"{sandbox.IMAGES}/{number}" for number in range(len(images))]
            job = Job((*archive.PYTHON, "fill", *seen), stdin=words, scratch=folder, images=images)
            archive.run(self.name, job, "copying the image's files into the volume")
        finally:
            Path(words).unlink(missing_ok=True)
        btrfs.sync(folder)

    def remove(self, host: HostConfig) -> None:
        """Finish what is whole, and take away what is not. What is in a volume is not taken away again."""
        folder = data.folder(host, self.name)
        if any(entry.startswith(".skerry-") for entry in os.listdir(folder)):
            archive.run(self.name, Job((*archive.PYTHON, "settle"), scratch=folder), "settling the volume")

    def exists(self, host: HostConfig) -> bool:
        """Whether there are files."""
        return not archive.is_empty(host, self.name)


@dataclasses.dataclass(frozen=True)
class Ownership(Part):
    """That a new subvolume belongs to the user of a program, where the image has nothing in its place."""

    kind: ClassVar[str] = "ownership"
    making: ClassVar[str] = "give"
    in_pool: ClassVar[bool] = True
    name: str
    uid: int
    gid: int

    def __str__(self) -> str:
        return f"volume {self.name} to user {self.uid}"

    def make(self, host: HostConfig) -> None:
        """Change its owner, where nobody has written there."""
        if is_new(host, self.name):
            os.chown(data.folder(host, self.name), self.uid, self.gid)

    def remove(self, host: HostConfig) -> None:
        """It stays as it is: somebody may have written there already."""

    def exists(self, host: HostConfig) -> bool:
        """Whether it belongs to him."""
        found = os.stat(data.folder(host, self.name))
        return (found.st_uid, found.st_gid) == (self.uid, self.gid)
