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
_SUBVOL_CREATE, _SNAP_DESTROY, _QGROUP_LIMIT = 0x5000940E, 0x5000940F, 0x8030942B
_VOLUME = struct.Struct("=q4088s")  # unused, name
_LIMIT = struct.Struct(
    "=6Q"
)  # group (0: the subvolume's own), flags, referenced, exclusive, two reservations
_LIMIT_REFERENCED = 1


def create(path: str, limit: int) -> None:
    """Make the subvolume ``path`` where it is not there, and let it grow to ``limit`` bytes at most.

    Raises:
        SkerryError: the kernel refused.
    """
    if not Path(path).exists():
        folder, name = os.path.split(path)
        _ask(folder, _SUBVOL_CREATE, _VOLUME.pack(0, os.fsencode(name)), f"make the subvolume {path}")
    values = _LIMIT.pack(0, _LIMIT_REFERENCED, limit, 0, 0, 0)
    _ask(path, _QGROUP_LIMIT, values, f"limit {path} (are the pool's quotas enabled?)")


def limit_of(path: str) -> int | None:
    """The limit in bytes of the subvolume at ``path``, None where it has none."""
    table = run(["btrfs", "qgroup", "show", "--raw", "-r", "-f", path])
    found = re.search(r"^0/\d+\s+\d+\s+\d+\s+(\d+)", table, re.MULTILINE)
    return int(found[1]) if found else None


def delete(path: str) -> None:
    """Delete the subvolume ``path`` where it is there. Its space comes back behind the answer.

    Raises:
        SkerryError: the kernel refused.
    """
    if Path(path).exists():
        folder, name = os.path.split(path)
        _ask(folder, _SNAP_DESTROY, _VOLUME.pack(0, os.fsencode(name)), f"delete the subvolume {path}")


def _ask(folder: str, call: int, values: bytes, what: str) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(opened, call, bytearray(values))
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise SkerryError(Code.FAILED, f"btrfs: could not {what}: {reason}") from error
    finally:
        os.close(opened)
