"""btrfs: one subvolume a container, limited by its quota group. Changes are calls to the kernel: no program is started."""

import errno
import fcntl
import os
import re
import struct
from pathlib import Path

from skerry.model.errors import Code, SkerryError
from skerry.system.run import run

# include/uapi/linux/btrfs.h: the numbers of the calls hold the sizes of what they take
_SUBVOL_CREATE, _SNAP_DESTROY, _QGROUP_LIMIT, _INO_LOOKUP = 0x5000940E, 0x5000940F, 0x8030942B, 0xD0009412
_VOLUME = struct.Struct("=q4088s")  # unused, name
_LIMIT = struct.Struct("=6Q")  # group, flags, referenced, exclusive, two reservations
_LIMIT_REFERENCED = 1
_LOOKUP = struct.Struct("=QQ4080s")  # subvolume (0: the one that is asked), inode, name
_TOP_INODE = 256


def create(path: str, limit: int) -> None:
    """Make the subvolume ``path`` where it is not there, and let it grow to ``limit`` bytes at most.

    Raises:
        SkerryError: the kernel refused.
    """
    folder, name = os.path.split(path)
    if not Path(path).exists():
        _ask(folder, _SUBVOL_CREATE, _VOLUME.pack(0, os.fsencode(name)), f"make the subvolume {path}")
    group, *_ = _LOOKUP.unpack(_ask(path, _INO_LOOKUP, _LOOKUP.pack(0, _TOP_INODE, b""), f"identify {path}"))
    values = _LIMIT.pack(group, _LIMIT_REFERENCED, limit, 0, 0, 0)
    # By its folder: asked by itself, the kernel books the change on the subvolume, and one that is full has no room for it.
    _ask(folder, _QGROUP_LIMIT, values, f"limit {path} (are the pool's quotas enabled?)")


def limit_of(path: str) -> int | None:
    """The limit in bytes of the subvolume at ``path``, None where it has none."""
    table = run(["btrfs", "qgroup", "show", "--raw", "-r", "-f", path])
    found = re.search(r"^0/\d+\s+\d+\s+\d+\s+(\d+)", table, re.MULTILINE)
    return int(found[1]) if found else None


def used_by(path: str) -> int:
    """The bytes that the subvolume at ``path`` takes, with what is still to be written."""
    table = run(["btrfs", "qgroup", "show", "--raw", "--sync", "-f", path])
    return sum(int(used) for used in re.findall(r"^0/\d+\s+(\d+)", table, re.MULTILINE))


def delete(path: str) -> None:
    """Delete the subvolume ``path`` where it is there. Its space comes back behind the answer.

    Raises:
        SkerryError: the kernel refused.
    """
    if Path(path).exists():
        folder, name = os.path.split(path)
        _ask(folder, _SNAP_DESTROY, _VOLUME.pack(0, os.fsencode(name)), f"delete the subvolume {path}")


def _ask(folder: str, call: int, values: bytes, what: str) -> bytes:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    answer = bytearray(values)
    try:
        fcntl.ioctl(opened, call, answer)
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise SkerryError(Code.FAILED, f"btrfs: could not {what}: {reason}") from error
    finally:
        os.close(opened)
    return bytes(answer)
