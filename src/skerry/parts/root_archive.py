"""A container's own files as a tar archive, in and out."""

import dataclasses
import os
from pathlib import Path
from typing import ClassVar

from skerry.host import files, inside, sandbox, systemd
from skerry.host.sandbox import Job
from skerry.model.host import HostConfig
from skerry.parts import archive, storage
from skerry.parts.base import UNJOURNALED, Part
from skerry.volume_files.root import OPAQUE_FOLDERS
from skerry.volume_files.rules import OPAQUE, ROOT

# What the overlay notes for itself stays behind: it holds on the file system that it was written on.
_ATTRIBUTES = ("user.*", "security.capability", "system.posix_acl_*", OPAQUE)
_TAR = (
    *archive.TAR,
    *(f"--xattrs-include={one}" for one in _ATTRIBUTES),
    f"--directory={sandbox.SCRATCH}",
    ROOT.folder,
)


@dataclasses.dataclass(frozen=True)
class RootArchive(Part):
    """A tar archive of the files that lie at ``place`` in the pool, which goes to the client.

    Attributes:
        id: of the container.
        head: what it begins with.
    """

    kind: ClassVar[str] = "root_archive"
    making: ClassVar[str] = "write"
    id: str
    place: str
    stream: str
    head: str = dataclasses.field(default="", repr=False, metadata=UNJOURNALED)

    def __str__(self) -> str:
        return f"archive of {self.id}"

    def make(self, host: HostConfig) -> None:
        """Write it, to its end."""
        words = f"{host.run}/{self.id}.head"
        files.replace(words, self.head.encode())
        try:
            job = Job(
                (*archive.PYTHON, "pack-root", *_TAR),
                stdin=words,
                stdout=archive.fifo(host, self.stream),
                scratch=f"{host.pool}/{self.place}",
                trusted=True,
            )
            archive.run(self.id, job, "writing the archive")
        finally:
            Path(words).unlink(missing_ok=True)

    def remove(self, host: HostConfig) -> None:
        """End its writing; what the client has of it is the client's."""
        systemd.kill(archive.unit(self.id))
        Path(f"{host.run}/{self.id}.head").unlink(missing_ok=True)

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """It is never on this host."""
        return False


@dataclasses.dataclass(frozen=True)
class ImportedRoot(Part):
    """The files of a tar archive that comes from the client, in the root of a new container."""

    kind: ClassVar[str] = "imported_root"
    making: ClassVar[str] = "unpack"
    id: str
    stream: str

    def __str__(self) -> str:
        return f"archive into {self.id}"

    def make(self, host: HostConfig) -> None:
        """Unpack it, each member checked before it is written."""
        folder = storage.folder(host, self.id)
        job = Job((*archive.PYTHON, "unpack-root"), stdin=archive.fifo(host, self.stream), scratch=folder)
        archive.run(self.id, job, "unpacking the archive")
        _make_opaque(folder)

    def remove(self, host: HostConfig) -> None:  # noqa: ARG002
        """End its unpacking; its files go with the container's."""
        systemd.kill(archive.unit(self.id))

    def exists(self, host: HostConfig) -> bool:
        """Whether it is whole."""
        folder = Path(storage.folder(host, self.id))
        files_there = any(folder.glob(f"{ROOT.folder}/*"))
        return files_there and not (folder / OPAQUE_FOLDERS).exists()


def _make_opaque(folder: str) -> None:
    """Give opaque folders their attribute. What unpacks an archive may not: it would be any trusted one then."""
    listed = os.open(f"{folder}/{OPAQUE_FOLDERS}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(listed, "rb") as file:
        paths = file.read().split(b"\0")[:-1]
    top = os.open(f"{folder}/{ROOT.folder}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for path in paths:
            opened = inside.below(top, os.fsdecode(path))
            os.setxattr(opened, OPAQUE, b"y")
            os.close(opened)
    finally:
        os.close(top)
    os.unlink(f"{folder}/{OPAQUE_FOLDERS}")
