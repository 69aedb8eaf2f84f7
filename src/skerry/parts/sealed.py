"""A secret's value on the host: a file that only this host can decrypt, and the name under which units find it."""

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import ClassVar

from skerry.host import credentials, files
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import UNJOURNALED, Part


def top(host: HostConfig) -> str:
    """The folder of all secrets."""
    return f"{host.state}/secrets"


def path(host: HostConfig, secret_id: str) -> str:
    """Where a unit finds the value that a secret has now: a link to one of its versions."""
    return f"{top(host)}/{secret_id}"


def used_by(host: HostConfig, secret_id: str) -> set[str]:
    """The ids of the containers that were started with a secret, whatever their options are now."""
    word = f"{secret_id}\0".encode()
    return {found.parent.name for found in Path(host.run, "c").glob("*/start") if word in found.read_bytes()}


@dataclasses.dataclass(frozen=True)
class Sealed(Part):
    """The value of secret ``id`` in its ``version``, encrypted. The journal never has the value."""

    kind: ClassVar[str] = "sealed"
    making: ClassVar[str] = "encrypt"
    id: str
    version: int
    value: bytes | None = dataclasses.field(default=None, compare=False, repr=False, metadata=UNJOURNALED)

    def __str__(self) -> str:
        return f"value {self.version} of secret {self.id}"

    @property
    def place(self) -> str:
        """The name of its file."""
        return f"{self.id}-{self.version}"

    def _path(self, host: HostConfig) -> str:
        return f"{top(host)}/{self.place}"

    def make(self, host: HostConfig) -> None:
        """Encrypt and write it.

        Raises:
            SkerryError: the value is not known any more; or the host could not encrypt it.
        """
        if self.value is None:
            raise SkerryError(Code.FAILED, f"the {self} is not known any more", "Give it again")
        files.make_folder(top(host), 0o700)
        files.replace(self._path(host), credentials.seal(self.id, self.value))

    def remove(self, host: HostConfig) -> None:
        """Delete it."""
        for name in (self._path(host), f"{self._path(host)}.new"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)

    def exists(self, host: HostConfig) -> bool:
        """Whether it is there."""
        return os.path.exists(self._path(host))


@dataclasses.dataclass(frozen=True)
class CurrentValue(Part):
    """That secret ``id`` has the value of ``version``: containers that start from now on get it."""

    kind: ClassVar[str] = "current_value"
    making: ClassVar[str] = "use"
    id: str
    version: int

    def __str__(self) -> str:
        return f"value {self.version} as that of secret {self.id}"

    def make(self, host: HostConfig) -> None:
        """Let its name lead to this version."""
        link = path(host, self.id)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{link}.link")
        os.symlink(f"{self.id}-{self.version}", f"{link}.link")
        os.replace(f"{link}.link", link)

    def remove(self, host: HostConfig) -> None:
        """Take its name away."""
        for name in (path(host, self.id), f"{path(host, self.id)}.link"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)

    def exists(self, host: HostConfig) -> bool:
        """Whether its name leads to this version."""
        link = path(host, self.id)
        return os.path.islink(link) and os.readlink(link) == f"{self.id}-{self.version}"
