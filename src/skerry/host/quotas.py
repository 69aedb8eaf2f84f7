"""What a container or a volume may take of the pool, with all that belongs to it.

The pool has simple quotas: what is written is booked on the subvolume that wrote it, as long as anything refers to it. A
snapshot and a copy refer to it too. So no subvolume has a limit of its own. Each container and each volume has a quota
group with a limit, and its subvolumes are in that: roots, snapshots, those that a program makes inside of them.
"""

import errno
import os
import re
import struct
from collections.abc import Collection, Iterator, Mapping

from skerry.host import btrfs
from skerry.host.run import run
from skerry.model.errors import SkerryError

# include/uapi/linux/btrfs.h: the numbers of the calls hold the sizes of what they take
_ASSIGN, _GROUP, _LIMIT = 0x40189429, 0x4010942A, 0x8030942B
_ASSIGNMENT, _MADE = struct.Struct("=3Q"), struct.Struct("=2Q")
_LIMITS = struct.Struct("=6Q")  # group, flags, referenced, exclusive, two reservations
_REFERENCED = 1
_UNLIMITED = 2**64 - 1
_LEVEL = 1 << 48
_LONGEST_SYNC = 120.0  # seconds, on a disk that others keep busy
_OURS = 1 << 47  # numbers above this one are of no subvolume


def group_of(resource_id: str) -> int:
    """The quota group of the container or volume with that id."""
    return _LEVEL | _OURS | int(resource_id, 16) % _OURS


def create(path: str, group: int, limit: int) -> None:
    """Make the subvolume ``path`` where it is not there, and let its group grow to ``limit`` bytes.

    Raises:
        SkerryError: the kernel refused.
    """
    own = btrfs.make(path)
    join(path, group)
    set_limit(path, group, limit)
    for older in (own, older_group_of(path)):  # where an older Skerry has set the limit
        _limit(path, older, _UNLIMITED, {errno.ENOENT})


def join(path: str, group: int) -> None:
    """Put the subvolume ``path`` into a group, which is made where it is not there.

    Raises:
        SkerryError: the kernel refused.
    """
    own, folder, there = btrfs.id_of(path), os.path.dirname(path), {errno.EEXIST}
    btrfs.ask(folder, _GROUP, _MADE.pack(1, group), f"make the quota group of {path}", there)
    btrfs.ask(folder, _ASSIGN, _ASSIGNMENT.pack(1, own, group), f"put {path} into its quota group", there)


def set_limit(path: str, group: int, limit: int) -> None:
    """Let a group, that of the subvolume ``path``, grow to ``limit`` bytes at most.

    Raises:
        SkerryError: the kernel refused.
    """
    _limit(path, group, limit, ())


def _limit(path: str, group: int, limit: int, fine: Collection[int]) -> None:
    values = _LIMITS.pack(group, _REFERENCED, limit, 0, 0, 0)
    # By its folder: asked by itself, the kernel books the change on the subvolume, and one that is full has no room for it.
    btrfs.ask(os.path.dirname(path), _LIMIT, values, f"limit {path} (are the pool's quotas enabled?)", fine)


def delete(path: str, group: int, limit: int) -> None:
    """Delete the subvolume ``path``, and those that a container made in it. Its space comes back behind the answer.

    Args:
        path: the subvolume.
        group: its group, which other ones may be in.
        limit: of that group.

    Raises:
        SkerryError: the kernel refused.
    """
    try:
        btrfs.delete(path)
    except SkerryError as error:
        cause = error.__cause__
        if not (isinstance(cause, OSError) and cause.errno == errno.ENOTEMPTY):
            raise
        # Even what takes away is booked on what it is taken from, and that may be full.
        set_limit(path, group, _UNLIMITED)
        try:
            run(["btrfs", "--quiet", "subvolume", "delete", "--recursive", path])
        finally:
            set_limit(path, group, limit)


def limit_of(folder: str, group: int) -> int | None:
    """The limit of a group in bytes; None where it has none, or is not there."""
    found = dict(_groups(folder, "-r")).get(group)
    return int(found[2]) if found and found[2].isdigit() else None


def used_by(folder: str, group: int) -> int:
    """The bytes of all that is in a group, with what is still to be written."""
    return next((int(rest[0]) for number, rest in _groups(folder, "--sync") if number == group), 0)


def written_to(path: str) -> int:
    """The bytes that were written to the subvolume ``path`` and are still there, with what is still to be written."""
    own = f"0/{btrfs.id_of(path)}"
    rows = run(["btrfs", "qgroup", "show", "--raw", "--sync", "-f", path], timeout=_LONGEST_SYNC).splitlines()
    return next((int(row.split()[1]) for row in rows if row.split()[:1] == [own]), 0)


def used_by_all(folder: str) -> dict[int, int]:
    """The bytes of every group; what is still to be written counts later."""
    return {number: int(rest[0]) for number, rest in _groups(folder)}


def older_group_of(path: str) -> int:
    """The quota group that an older Skerry has made for the subvolume ``path``."""
    return _LEVEL | btrfs.id_of(path)


def prune(folder: str, kept: Collection[int]) -> None:
    """Take away the groups that are none of ``kept``; one in which a subvolume still is stays for the next time.

    Those of subvolumes that are gone for good go as well: the kernel leaves some of them.
    """
    rows = run(["btrfs", "qgroup", "show", "--raw", folder], timeout=_LONGEST_SYNC).splitlines()
    stale = [int(row.split()[0].removeprefix("0/")) for row in rows if row.endswith("<stale>")]
    for group in (*stale, *(used_by_all(folder).keys() - set(kept))):
        there = {errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT}
        btrfs.ask(folder, _GROUP, _MADE.pack(0, group), f"forget the quota group {_name(group)}", there)


def adopt(folder: str, groups: Mapping[int, int]) -> None:
    """Put what is in a group into another one as well.

    Args:
        folder: of the file system.
        groups: of each group the other one.

    Raises:
        SkerryError: the kernel refused.
    """
    for own, there in _members(folder):
        for group in {groups[one] for one in there & groups.keys()} - there:
            values = _ASSIGNMENT.pack(1, own, group)
            btrfs.ask(folder, _ASSIGN, values, f"put 0/{own} into {_name(group)}", {errno.EEXIST})


def _name(group: int) -> str:
    return f"{group >> 48}/{group & (_LEVEL - 1)}"


def _groups(folder: str, *options: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of the groups above subvolumes: number, and what stands after it."""
    told = run(["btrfs", "qgroup", "show", "--raw", *options, folder], timeout=_LONGEST_SYNC)
    for line in told.splitlines():
        level, _, rest = line.partition("/")
        if level == "1":
            number, *figures = rest.split()
            yield _LEVEL | int(number), figures


def _members(folder: str) -> Iterator[tuple[int, set[int]]]:
    """Each subvolume, gone ones among them where something refers to what they wrote, with the groups that it is in."""
    for line in run(["btrfs", "qgroup", "show", "--raw", "-p", folder]).splitlines():
        if found := re.match(r"0/(\d+)\s+\d+\s+\d+\s+(\S+)", line):
            yield int(found[1]), {_LEVEL | int(one) for one in re.findall(r"\b1/(\d+)", found[2])}
