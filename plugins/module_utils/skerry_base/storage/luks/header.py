"""Back up the header of an encrypted volume, and put it back.

Whoever has a header and one of its keys opens the disk, even where that key was removed since: a backup leaves the
machine only to be encrypted by who asked for it.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ...core.errors import SkerryError
from ...core.run import run
from . import cryptsetup

_IN_MEMORY = "/run"
_TEXTS = 32 * 1024
"""Bytes at the beginning that are no key: both copies of what describes the volume, at LUKS2's usual size."""
_UNCHANGED = "Nothing was changed."


@dataclass(frozen=True)
class Identity:
    """By what a volume is known: its UUID and the digest of its own key."""

    uuid: str
    digest: str


def backup(device: str) -> str:
    """The volume's header: gzip in base64, with nothing between its keys.

    Raises:
        SkerryError: there is none.
    """
    return base64.b64encode(gzip.compress(_read(device), mtime=0)).decode()


def squeeze(image: bytes, areas: Iterable[tuple[int, int]]) -> bytes:
    """A header with zeros where there is no key: 16 MiB of what once was chance, or once was a key, are not kept.

    Args:
        image: as cryptsetup writes it.
        areas: offset and length of each key, in bytes.
    """
    found = bytearray(len(image))
    for offset, length in ((0, _TEXTS), *areas):
        found[offset : offset + length] = image[offset : offset + length]
    return bytes(found)


def refuse(there: Identity, kept: Identity, confirmed: str) -> None:
    """Refuse to put a header where it does not belong.

    Args:
        there: what is on the device; empty where nothing can be read.
        kept: the backup.
        confirmed: the UUID that a person has typed.

    Raises:
        SkerryError: it is another volume's.
    """
    if kept.uuid != confirmed:
        raise SkerryError(
            f"the backup is of the volume {kept.uuid}, and {confirmed or 'no UUID'} was confirmed",
            f"A header of another volume makes all data unreadable. {_UNCHANGED}",
        )
    if there.uuid and there.uuid != kept.uuid:
        raise SkerryError(
            f"the device holds the volume {there.uuid}, and the backup is of {kept.uuid}", _UNCHANGED
        )
    if there.digest and there.digest != kept.digest:
        raise SkerryError(
            "the volume has another key of its own than the backup: it was made or encrypted anew since",
            f"The backup opens nothing there. {_UNCHANGED}",
        )


def restore(device: str, packed: str, confirmed: str, secret: str, *, only_check: bool) -> bool:
    """Put a header back, where it is another one than the device's; whether that is so.

    Args:
        device: the volume.
        packed: what `backup` gave.
        confirmed: the volume's UUID, as a person has typed it.
        secret: a key that is in the backup: else nobody could open the volume after it.
        only_check: leave the device as it is.

    Raises:
        SkerryError: the backup is another volume's, or ``secret`` does not open it.
    """
    with _folder() as folder:
        copy = folder / "header"
        image = _unpacked(packed)
        copy.write_bytes(image)
        copy.chmod(0o600)
        kept = _identity(str(copy))
        if not kept.uuid:
            raise SkerryError("what was given is no backup of a LUKS2 header", _UNCHANGED)
        refuse(_identity(device), kept, confirmed)
        if cryptsetup.opens(str(copy), secret) is None:
            raise SkerryError(
                "the passphrase opens no key of the backup",
                f"Give one of the time when it was made; else nobody could open the volume. {_UNCHANGED}",
            )
        if _identity(device).uuid and _read(device) == image:
            return False
        if not only_check:
            run(
                ["cryptsetup", "luksHeaderRestore", "--batch-mode", "--header-backup-file", str(copy), device]
            )
            if cryptsetup.opens(device, secret) is None:
                raise SkerryError("the header was written, and the passphrase does not open the volume")
    return True


def _read(device: str) -> bytes:
    with _folder() as folder:
        copy = folder / "header"
        run(["cryptsetup", "luksHeaderBackup", "--header-backup-file", str(copy), device])
        return squeeze(copy.read_bytes(), cryptsetup.read(str(copy)).areas)


def _identity(device: str) -> Identity:
    uuid = cryptsetup.uuid(device)
    return Identity(uuid, cryptsetup.read(device).digest if uuid else "")


def _unpacked(packed: str) -> bytes:
    try:
        return gzip.decompress(base64.b64decode(packed, validate=True))
    except (binascii.Error, OSError, EOFError, zlib.error) as error:
        raise SkerryError(f"this is no backup of a header: {error}", _UNCHANGED) from error


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory that only root enters."""
    with TemporaryDirectory(prefix="skerry-header-", dir=_IN_MEMORY) as name:
        yield Path(name)
