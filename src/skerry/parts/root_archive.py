"""A container's own files as a tar archive, in and out."""

import dataclasses
from pathlib import Path
from typing import ClassVar

from skerry.host import btrfs, files, overlay, sandbox, systemd
from skerry.host.sandbox import Job
from skerry.model.host import HostConfig
from skerry.parts import archive, storage
from skerry.parts.base import UNJOURNALED, Part

# What the overlay notes for itself stays behind: it holds on the file system that it was written on.
_ATTRIBUTES = (*archive.ATTRIBUTES, overlay.OPAQUE)
_TAR = (
    *archive.TAR,
    "--sparse",
    *(f"--xattrs-include={one}" for one in _ATTRIBUTES),
    f"--directory={sandbox.SCRATCH}",
    overlay.UPPER,
)

_LEAST_MORE, _PART_MORE = (
    4 * 1024**2,
    32,
)  # bytes, and a part of the disk: what the kernel keeps free while it writes


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
    """The files of a tar archive that comes from the client, in the root of a container that has none.

    Attributes:
        number: of that root.
        disk: bytes that they may take. Those of a full one take a little more while they are written.
    """

    kind: ClassVar[str] = "imported_root"
    making: ClassVar[str] = "unpack"
    id: str
    stream: str
    disk: int = 0
    number: int = 1

    def __str__(self) -> str:
        return f"archive into {self.id}"

    def make(self, host: HostConfig) -> None:
        """Unpack it, each member checked before it is written. Trusted attributes are the engine's to set."""
        folder = storage.folder(host, self.id)
        job = Job((*archive.PYTHON, "unpack-root"), stdin=archive.fifo(host, self.stream), scratch=folder)
        storage.set_limit(host, self.id, self.disk + max(_LEAST_MORE, self.disk // _PART_MORE))
        archive.run(self.id, job, "unpacking the archive")
        overlay.make_opaque(folder)
        storage.set_limit(host, self.id, self.disk)
        if self.number != 1:
            files.replace(f"{folder}/{storage.NUMBER}", f"{self.number}".encode(), 0o644)
        btrfs.sync(folder)

    def remove(self, host: HostConfig) -> None:  # noqa: ARG002
        """End its unpacking; its files go with the container's."""
        systemd.kill(archive.unit(self.id))

    def exists(self, host: HostConfig) -> bool:
        """Whether it is whole."""
        folder = Path(storage.folder(host, self.id))
        files_there = any(folder.glob(f"{overlay.UPPER}/*"))
        return files_there and not (folder / overlay.LIST).exists()
