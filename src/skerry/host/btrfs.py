"""btrfs subvolumes: made, identified, deleted, kept as they are. Changes are calls to the kernel: no program is started."""

import errno
import fcntl
import os
import struct
from collections.abc import Collection
from pathlib import Path

from skerry.host.run import run
from skerry.model.errors import Code, SkerryError

# include/uapi/linux/btrfs.h: the numbers of the calls hold the sizes of what they take
_SUBVOL_CREATE, _SNAP_DESTROY, _SNAP_CREATE, _INO_LOOKUP = 0x5000940E, 0x5000940F, 0x50009417, 0xD0009412
_SYNC, _WAIT_SYNC, _START_SYNC = 0x9408, 0x40089416, 0x80089418
_TRANSACTION = struct.Struct("=Q")
_VOLUME = struct.Struct("=q4088s")  # unused, name
_SOURCE = struct.Struct("=qQQ32x4040s")  # descriptor, transaction, flags, unused, name
_SUBVOL_INFO = 0x81F8943C
_INFO = struct.Struct("=280xQ64xQ144x")  # of all that is told: generation, the transaction it was made in
_READ_ONLY = 2
_LOOKUP = struct.Struct("=QQ4080s")  # subvolume (0: the one that is asked), inode, name
_TOP_INODE = 256


def make(path: str) -> int:
    """Make the subvolume ``path`` where it is not there; its id, which is that of its quota group as well.

    Raises:
        SkerryError: the kernel refused.
    """
    folder, name = os.path.split(path)
    if not Path(path).exists():
        ask(folder, _SUBVOL_CREATE, _VOLUME.pack(0, os.fsencode(name)), f"make the subvolume {path}")
    return id_of(path)


def id_of(path: str) -> int:
    """The id of the subvolume at ``path``.

    Raises:
        SkerryError: there is none.
    """
    found = ask(path, _INO_LOOKUP, _LOOKUP.pack(0, _TOP_INODE, b""), f"identify {path}")
    return int(_LOOKUP.unpack(found)[0])


def generation(path: str) -> int:
    """The transaction in which anything in the subvolume at ``path`` was last changed, as far as it is on the disk.

    Raises:
        SkerryError: there is none.
    """
    return _info(path)[0]


def made_in(path: str) -> int:
    """The transaction in which the subvolume at ``path`` was made.

    Raises:
        SkerryError: there is none.
    """
    return _info(path)[1]


def _info(path: str) -> tuple[int, int]:
    found: tuple[int, int] = _INFO.unpack(ask(path, _SUBVOL_INFO, bytes(_INFO.size), f"tell about {path}"))
    return found


def snapshot(source: str, target: str, *, writable: bool = False) -> None:
    """Keep the subvolume ``source`` as it is now at ``target``; nothing happens where that is there.

    Raises:
        SkerryError: the kernel refused.
    """
    if Path(target).exists():
        return
    folder, name = os.path.split(target)
    opened = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        values = _SOURCE.pack(opened, 0, 0 if writable else _READ_ONLY, os.fsencode(name))
        ask(folder, _SNAP_CREATE, values, f"keep a snapshot of {source}")
    finally:
        os.close(opened)


def delete(path: str) -> None:
    """Delete the subvolume ``path`` where it is there. Its space comes back behind the answer.

    Raises:
        SkerryError: the kernel refused.
    """
    if Path(path).exists():
        folder, name = os.path.split(path)
        ask(folder, _SNAP_DESTROY, _VOLUME.pack(0, os.fsencode(name)), f"delete the subvolume {path}")


def begin_commit(folder: str) -> int:
    """Have the kernel bring on the disk what was made until now; the number of the transaction that will have it.

    Subvolumes, names and what was synced are in it, and not the contents of files that were only written.

    Args:
        folder: a folder of the file system.

    Raises:
        SkerryError: the kernel refused.
    """
    found = ask(folder, _START_SYNC, bytes(_TRANSACTION.size), f"begin to sync {folder}")
    return int(_TRANSACTION.unpack(found)[0])


def await_commit(folder: str, transaction: int) -> None:
    """Wait until a transaction that :func:`begin_commit` told is on the disk.

    Raises:
        SkerryError: the kernel refused, as it does where the disk cannot be written.
    """
    ask(folder, _WAIT_SYNC, _TRANSACTION.pack(transaction), f"sync {folder}")


def sync(folder: str) -> None:
    """Have all on the disk that was written to the file system of ``folder``, contents too.

    Raises:
        SkerryError: the kernel refused.
    """
    ask(folder, _SYNC, b"", f"sync {folder}")


def ask(folder: str, call: int, values: bytes, what: str, fine: Collection[int] = ()) -> bytes:
    """One call about the file system of ``folder``, or what is in it.

    Args:
        folder: what is opened for it.
        call: its number.
        values: what it takes.
        what: for an error: what was to be done.
        fine: error numbers that say that it is so already.

    Raises:
        SkerryError: the kernel refused.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    answer = bytearray(values)
    try:
        fcntl.ioctl(opened, call, answer)
    except OSError as error:
        if error.errno in fine:
            return values
        reason = os.strerror(error.errno or errno.EIO)
        raise SkerryError(Code.FAILED, f"btrfs: could not {what}: {reason}") from error
    finally:
        os.close(opened)
    return bytes(answer)


def inside(path: str) -> list[str]:
    """The subvolumes below the one at ``path``, as paths in the file system.

    Raises:
        SkerryError: it cannot be read.
    """
    return [row.split(" path ", 1)[1] for row in run(["btrfs", "subvolume", "list", "-o", path]).splitlines()]


def exclusive(path: str) -> int:
    """Bytes of the files at ``path`` that no other subvolume shares. It reads where every file lies.

    Raises:
        SkerryError: it takes longer than a minute, or cannot be read.
    """
    rows = run(["btrfs", "filesystem", "du", "--raw", "-s", path], timeout=60.0).splitlines()
    return int(rows[-1].split()[1])
