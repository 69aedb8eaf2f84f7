"""A volume's files as a tar archive, in and out."""

import dataclasses
import json
import os
import re
import stat
from typing import ClassVar

from skerry.host import btrfs, sandbox, systemd
from skerry.host.sandbox import Job
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts import data
from skerry.parts.base import Part, tell

_HOURS = 6 * 3600.0
PYTHON = ("/usr/bin/python3", "-I", "-m", "skerry.volume_files")
# ACLs as the kernel keeps them; a date of a reading is nobody's business.
TAR = (
    "/usr/bin/tar",
    "--create",
    "--format=posix",
    "--pax-option=delete=atime,delete=ctime",
    "--numeric-owner",
    "--xattrs",
    "--sort=name",
)
ATTRIBUTES = (
    "user.*",
    "security.capability",
    "system.posix_acl_*",
)  # those that a container's files may have
_ALL = ("--sparse", "--xattrs-include=*", f"--directory={sandbox.SCRATCH}", ".")
_LAST_LINE = re.compile(r"^\{.*\}$", re.MULTILINE)


def is_empty(host: HostConfig, name: str) -> bool:
    """Whether a subvolume has no files but what a copy that was cut off has left, or is not there at all."""
    if not data.is_there(host, name):
        return True
    return not [entry for entry in os.listdir(data.folder(host, name)) if not entry.startswith(".skerry-")]


def fifo(host: HostConfig, name: str) -> str:
    """The path of the FIFO that a client made.

    Raises:
        SkerryError: there is none of that name.
    """
    path = f"{host.run}/streams/{name}"
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        found = None
    if not name or found is None or not stat.S_ISFIFO(found.st_mode) or found.st_uid != 0:
        raise SkerryError(
            Code.INVALID,
            "stream: nobody waits at its other end",
            "Use the command or the module, which make it",
        )
    return path


def unit(name: str) -> str:
    """The unit that works on a subvolume's files."""
    return f"skerry-files-{name}.service"


def run(name: str, job: Job, stage: str) -> None:
    """Run a job on a subvolume; what a program of ours refused is the error."""
    try:
        sandbox.run(
            dataclasses.replace(
                job, unit=unit(name), files=True, timeout=_HOURS, largest_file=sandbox.UNLIMITED
            ),
            lambda: tell({"event": "progress", "stage": stage}),
        )
    except sandbox.JobError as error:
        said = _LAST_LINE.findall(error.journal)
        if not said:
            raise
        found = json.loads(said[-1])
        raise SkerryError(Code(found["code"]), found["message"], found["hint"]) from error


@dataclasses.dataclass(frozen=True)
class Snapshot(Part):
    """The files of a subvolume as they are now, in one moment."""

    kind: ClassVar[str] = "snapshot"
    name: str

    def __str__(self) -> str:
        return f"snapshot of volume {self.name}"

    @property
    def place(self) -> str:
        """The name of its own subvolume."""
        return f"{self.name}.backup"

    def make(self, host: HostConfig) -> None:
        """Make it."""
        btrfs.snapshot(data.folder(host, self.name), data.folder(host, self.place))

    def remove(self, host: HostConfig) -> None:
        """Delete it."""
        btrfs.delete(data.folder(host, self.place))

    def exists(self, host: HostConfig) -> bool:
        """Whether it is there."""
        return os.path.isdir(data.folder(host, self.place))


@dataclasses.dataclass(frozen=True)
class Archive(Part):
    """A tar archive of the snapshot of a subvolume, which goes to the client."""

    kind: ClassVar[str] = "archive"
    making: ClassVar[str] = "write"
    name: str
    stream: str

    def __str__(self) -> str:
        return f"archive of volume {self.name}"

    def make(self, host: HostConfig) -> None:
        """Write it, to its end."""
        place = Snapshot(self.name).place
        job = Job((*TAR, *_ALL), stdout=fifo(host, self.stream), scratch=data.folder(host, place))
        run(place, job, "writing the archive")

    def remove(self, host: HostConfig) -> None:  # noqa: ARG002
        """End its writing; what the client has of it is the client's."""
        systemd.kill(unit(Snapshot(self.name).place))

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """It is never on this host."""
        return False


@dataclasses.dataclass(frozen=True)
class Restored(Part):
    """The files of a tar archive that comes from the client, in a subvolume made for them."""

    kind: ClassVar[str] = "restored"
    making: ClassVar[str] = "unpack"
    name: str
    stream: str

    def __str__(self) -> str:
        return f"archive into volume {self.name}"

    def make(self, host: HostConfig) -> None:
        """Unpack it, each member checked before it is written."""
        job = Job((*PYTHON, "unpack"), stdin=fifo(host, self.stream), scratch=data.folder(host, self.name))
        run(self.name, job, "unpacking the archive")
        btrfs.sync(data.folder(host, self.name))

    def remove(self, host: HostConfig) -> None:  # noqa: ARG002
        """End its unpacking; its files go with the subvolume."""
        systemd.kill(unit(self.name))

    def exists(self, host: HostConfig) -> bool:
        """Whether the subvolume has files."""
        return os.path.isdir(data.folder(host, self.name)) and not is_empty(host, self.name)
