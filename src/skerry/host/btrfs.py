"""btrfs: one subvolume a container, limited by its quota group. Changes are calls to the kernel: no program is started."""

import errno
import fcntl
import os
import re
import struct
from collections.abc import Collection
from pathlib import Path

from skerry.host.run import run
from skerry.model.errors import Code, SkerryError

# include/uapi/linux/btrfs.h: the numbers of the calls hold the sizes of what they take
_SUBVOL_CREATE, _SNAP_DESTROY, _QGROUP_LIMIT, _INO_LOOKUP = 0x5000940E, 0x5000940F, 0x8030942B, 0xD0009412
_VOLUME = struct.Struct("=q4088s")  # unused, name
_LIMIT = struct.Struct("=6Q")  # group, flags, referenced, exclusive, two reservations
_LIMIT_REFERENCED = 1
_LOOKUP = struct.Struct("=QQ4080s")  # subvolume (0: the one that is asked), inode, name
_TOP_INODE = 256
_LONGEST_SYNC = 120.0  # seconds, on a disk that others keep busy


def create(path: str, limit: int) -> None:
    """Make the subvolume ``path`` where it is not there, and let it grow to ``limit`` bytes at most.

    Raises:
        SkerryError: the kernel refused.
    """
    set_limit(path, make(path), limit)


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


def set_limit(path: str, group: int, limit: int) -> None:
    """Let a quota group, that of the subvolume ``path`` or one above it, grow to ``limit`` bytes at most.

    Raises:
        SkerryError: the kernel refused.
    """
    values = _LIMIT.pack(group, _LIMIT_REFERENCED, limit, 0, 0, 0)
    # By its folder: asked by itself, the kernel books the change on the subvolume, and one that is full has no room for it.
    ask(os.path.dirname(path), _QGROUP_LIMIT, values, f"limit {path} (are the pool's quotas enabled?)")


def limit_of(path: str) -> int | None:
    """The limit in bytes of the subvolume at ``path``, None where it has none."""
    table = run(["btrfs", "qgroup", "show", "--raw", "-r", "-f", path])
    found = re.search(r"^0/\d+\s+\d+\s+\d+\s+(\d+)", table, re.MULTILINE)
    return int(found[1]) if found else None


def used_by(path: str) -> int:
    """The bytes that the subvolume at ``path`` takes, with what is still to be written."""
    table = run(["btrfs", "qgroup", "show", "--raw", "--sync", "-f", path], timeout=_LONGEST_SYNC)
    return sum(int(used) for used in re.findall(r"^0/\d+\s+(\d+)", table, re.MULTILINE))


def delete(path: str) -> None:
    """Delete the subvolume ``path`` where it is there. Its space comes back behind the answer.

    Raises:
        SkerryError: the kernel refused.
    """
    if Path(path).exists():
        folder, name = os.path.split(path)
        ask(folder, _SNAP_DESTROY, _VOLUME.pack(0, os.fsencode(name)), f"delete the subvolume {path}")


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
