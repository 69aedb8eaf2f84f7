"""Subvolumes whose limit holds for what is made inside of them as well.

A program in a container may make subvolumes of its own in a volume: the kernel lets every owner of a folder do so. Each
gets a quota group of its own, without a limit. So a volume's limit is on a group above: 1/N, N the id of its subvolume.
With simple quotas, a subvolume joins the groups above the one that it is made in.
"""

import errno
import os
import re
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

from skerry.host import btrfs
from skerry.host.run import run
from skerry.model.errors import SkerryError

_ASSIGN, _GROUP = 0x40189429, 0x4010942A  # include/uapi/linux/btrfs.h
_SNAPSHOT = 0x50009417
_ASSIGNMENT, _MADE = struct.Struct("=3Q"), struct.Struct("=2Q")
_SOURCE = struct.Struct("=qQQ32x4040s")  # descriptor, transaction, flags, unused, name
_READ_ONLY = 2
_LEVEL = 1 << 48
_UNLIMITED = 2**64 - 1


def create(path: str, limit: int) -> None:
    """Make the subvolume ``path`` where it is not there, and let all in it grow to ``limit`` bytes together.

    Raises:
        SkerryError: the kernel refused.
    """
    own, folder = btrfs.make(path), os.path.dirname(path)
    group, there = _LEVEL | own, {errno.EEXIST}
    btrfs.ask(folder, _GROUP, _MADE.pack(1, group), f"make the quota group of {path}", there)
    btrfs.ask(folder, _ASSIGN, _ASSIGNMENT.pack(1, own, group), f"put {path} into its quota group", there)
    btrfs.set_limit(path, group, limit)


def snapshot(source: str, target: str) -> None:
    """Keep ``source`` as it is now, read-only, at ``target`` in the same folder; nothing happens where that is there.

    Raises:
        SkerryError: the kernel refused.
    """
    if Path(target).exists():
        return
    folder, name = os.path.split(target)
    opened = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        values = _SOURCE.pack(opened, 0, _READ_ONLY, os.fsencode(name))
        btrfs.ask(folder, _SNAPSHOT, values, f"keep a snapshot of {source}")
    finally:
        os.close(opened)


def delete(path: str) -> None:
    """Delete the subvolume ``path``, and those that a container made in it. Its space comes back behind the answer.

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
        btrfs.set_limit(path, _LEVEL | btrfs.id_of(path), _UNLIMITED)
        run(["btrfs", "--quiet", "subvolume", "delete", "--recursive", path])


def limit_of(path: str) -> int | None:
    """The limit in bytes of the subvolume at ``path`` and of all in it, None where it has none."""
    group = f"1/{btrfs.id_of(path)}"
    found = {name: rest for name, *rest in _table(path, "-r")}.get(group)
    return int(found[2]) if found and found[2].isdigit() else None


def used_by(path: str) -> int:
    """The bytes that the subvolume at ``path`` and all in it take, with what is still to be written."""
    group = f"1/{btrfs.id_of(path)}"
    return next((int(used) for name, used, *_ in _table(path, "--sync") if name == group), 0)


def used_by_all(folder: str) -> dict[int, int]:
    """The bytes of each subvolume with a limit, by its id; what is still to be written counts later."""
    return {int(name[2:]): int(used) for name, used, *_ in _table(folder) if name.startswith("1/")}


def prune(folder: str, kept: Collection[int]) -> None:
    """Take away the groups of subvolumes that are gone; one whose space is not back yet stays for the next time."""
    for own in used_by_all(folder).keys() - set(kept):
        values = _MADE.pack(0, _LEVEL | own)
        btrfs.ask(
            folder,
            _GROUP,
            values,
            f"forget the quota group 1/{own}",
            {errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT},
        )


def _table(path: str, *options: str) -> Iterator[list[str]]:
    for line in run(["btrfs", "qgroup", "show", "--raw", *options, path]).splitlines():
        if re.match(r"\d+/\d+\s", line):
            yield line.split()
