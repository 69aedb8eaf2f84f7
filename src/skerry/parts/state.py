"""All that a host remembers: as an encrypted archive, and back.

A restore has two places. What an archive holds is unpacked in memory and checked. What a host is to begin with is written
beside its state, and one rename decides: before it nothing has changed, after it the next start of the engine finishes.
"""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from skerry.host import age, files, sandbox, systemd
from skerry.host.sandbox import Job
from skerry.model.backup import FILES, damaged
from skerry.model.host import HostConfig
from skerry.parts import archive
from skerry.parts.base import UNJOURNALED, Part
from skerry.parts.sealed import CurrentValue, Sealed

_NAME = "state"
_LARGEST = 2 * 1024**3  # bytes of one member


def unpacked(host: HostConfig) -> str:
    """Where an archive is unpacked: in memory, since it has the values of secrets."""
    return f"{host.run}/restore"


def _staged(host: HostConfig) -> str:
    return f"{host.state}/restore.new"


def decided(host: HostConfig) -> str:
    """What the next start of the engine takes over."""
    return f"{host.state}/restore"


def decide(host: HostConfig) -> None:
    """Let the next start of the engine take over what is staged: the moment in which a restore is done."""
    os.rename(_staged(host), decided(host))
    files.sync(host.state)


def forget(host: HostConfig) -> None:
    """Take away what a restore that was not done has left."""
    for path in (unpacked(host), _staged(host)):
        files.remove_tree(path)
    Path(f"{host.run}/state.tar").unlink(missing_ok=True)


@dataclasses.dataclass(frozen=True)
class StateArchive(Part):
    """All that the host remembers, encrypted for ``recipients``, which goes to the client.

    Attributes:
        content: the archive, in clear. It is on no disk.
    """

    kind: ClassVar[str] = "state_archive"
    making: ClassVar[str] = "encrypt"
    recipients: tuple[str, ...]
    stream: str
    content: bytes = dataclasses.field(default=b"", compare=False, repr=False, metadata=UNJOURNALED)

    def __str__(self) -> str:
        return f"the host's state for {', '.join(self.recipients)}"

    def make(self, host: HostConfig) -> None:
        """Encrypt and write it, to its end."""
        clear = f"{host.run}/state.tar"
        fifo = archive.fifo(host, self.stream)
        try:
            files.replace(clear, self.content)
            job = Job(
                age.command(self.recipients),
                stdin=clear,
                stdout=fifo,
                unit=archive.unit(_NAME),
                timeout=900.0,
            )
            sandbox.run(job, lambda: None)
        finally:
            Path(clear).unlink(missing_ok=True)

    def remove(self, host: HostConfig) -> None:
        """End its writing; what the client has of it is the client's."""
        systemd.kill(archive.unit(_NAME))
        Path(f"{host.run}/state.tar").unlink(missing_ok=True)

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """It is never on this host."""
        return False


@dataclasses.dataclass(frozen=True)
class UnpackedState(Part):
    """The members of a backup that comes from the client, in memory."""

    kind: ClassVar[str] = "unpacked_state"
    making: ClassVar[str] = "unpack"
    stream: str

    def __str__(self) -> str:
        return "the backup into memory"

    def make(self, host: HostConfig) -> None:
        """Unpack it, to its end."""
        files.remove_tree(unpacked(host))
        files.make_folder(unpacked(host), 0o700)
        job = Job((*archive.PYTHON, "unpack"), stdin=archive.fifo(host, self.stream), scratch=unpacked(host))
        archive.run(_NAME, job, "unpacking the backup")

    def remove(self, host: HostConfig) -> None:
        """End its unpacking, and take it away."""
        systemd.kill(archive.unit(_NAME))
        files.remove_tree(unpacked(host))

    def exists(self, host: HostConfig) -> bool:
        """Whether something of it is there."""
        return os.path.isdir(unpacked(host))


def member(host: HostConfig, name: str) -> bytes:
    """One member that was unpacked.

    Raises:
        SkerryError: it is not there, or no plain file.
    """
    opened = -1
    try:
        top, _, last = name.rpartition("/")
        folder = os.open(
            f"{unpacked(host)}/{top}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        )
        try:
            opened = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)
        with open(opened, "rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise damaged(f"it has no {name}: {error.strerror}") from error


def check_members(host: HostConfig) -> None:
    """Refuse a backup that has more than one may have.

    Raises:
        SkerryError: names the member.
    """
    top = Path(unpacked(host))
    for path in (*top.iterdir(), *((top / "pki").iterdir() if (top / "pki").is_dir() else ())):
        if (name := str(path.relative_to(top))) not in FILES | {"pki"}:
            raise damaged(f"it has {name!r}, which no backup has")
        if path.is_symlink() or path.is_dir() != (name == "pki"):
            raise damaged(f"its {name} is no plain {'folder' if name == 'pki' else 'file'}")


@dataclasses.dataclass(frozen=True)
class Value:
    """The value of a secret, in a version."""

    id: str
    version: int
    value: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class StagedState(Part):
    """What the host is to begin with, beside its state. The journal has nothing of it.

    Attributes:
        content: the files that are taken over as they are.
        values: of secrets, which are encrypted with the key that this host has.
    """

    kind: ClassVar[str] = "staged_state"
    making: ClassVar[str] = "write"
    host: str
    content: Mapping[str, bytes] = dataclasses.field(
        default_factory=dict, compare=False, repr=False, metadata=UNJOURNALED
    )
    values: tuple[Value, ...] = dataclasses.field(default=(), compare=False, repr=False, metadata=UNJOURNALED)

    def __str__(self) -> str:
        return f"the state of {self.host} beside the one of now"

    def make(self, host: HostConfig) -> None:
        """Write it, and forget what was unpacked."""
        folder = _staged(host)
        files.remove_tree(folder)
        files.make_folder(folder, 0o700)
        for name, data in self.content.items():
            files.make_folder(os.path.dirname(f"{folder}/{name}"), 0o700)
            files.replace(f"{folder}/{name}", data)
        there = dataclasses.replace(host, state=folder)
        files.make_folder(f"{folder}/secrets", 0o700)
        for one in self.values:
            Sealed(one.id, one.version, one.value).make(there)
            CurrentValue(one.id, one.version).make(there)
        files.sync(f"{folder}/secrets")
        files.remove_tree(unpacked(host))

    def remove(self, host: HostConfig) -> None:
        """Delete it."""
        files.remove_tree(_staged(host))

    def exists(self, host: HostConfig) -> bool:
        """Whether something of it is there."""
        return os.path.isdir(_staged(host))
