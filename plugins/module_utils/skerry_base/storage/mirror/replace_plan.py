"""From a mirror that lost a disk, and the blank one named in its place, to ordered steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ...core.errors import SkerryError
from ..disks import plan, safe
from ..disks.model import (
    ARRAYS,
    BOOT,
    CRASH,
    ESP,
    MIB,
    ROOT,
    SWAP,
    TMP,
    Found,
    FoundDisk,
    Layout,
    Sizes,
    Wanted,
    boot_place,
)
from .arrays import Array

_WHY = "a new disk takes the dead one's place"


@dataclass(frozen=True)
class Forget:
    """Take out of an array what is no longer there, or dead."""

    array: str
    reason: str

    def __str__(self) -> str:
        return f"take dead disks out of {self.array}"


@dataclass(frozen=True)
class Leave:
    """Take a partition out of an array."""

    array: str
    partition: str
    reason: str

    def __str__(self) -> str:
        return f"take {self.partition} out of {self.array}"


@dataclass(frozen=True)
class Join:
    """Take a partition into an array, which is rebuilt on it."""

    array: str
    partition: str
    reason: str

    def __str__(self) -> str:
        return f"take {self.partition} into {self.array}"


@dataclass(frozen=True)
class Bootable:
    """Put GRUB for both firmwares, and all of another /boot, on a disk."""

    disk: FoundDisk
    source: str
    """Where the other /boot is mounted."""
    reason: str

    def __str__(self) -> str:
        return f"make {self.disk.path} bootable, as {self.source} is"


@dataclass(frozen=True)
class Remount:
    """Mount at a place what fstab says, instead of what is there."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"mount {self.place} anew"


Step: TypeAlias = "Forget | Leave | Join | Bootable | Remount | plan.Step"


@dataclass(frozen=True)
class Halves:
    """The disk that holds everything, and the one that is to take the other's place, by their indexes."""

    survivor: int
    new: int


def replace_disk(wanted: Wanted, found: Found, arrays: Sequence[Array]) -> tuple[Step, ...]:
    """The steps that make the mirror's named disks its disks; none where they are.

    Raises:
        SkerryError: a disk is not surely meant, or holds something.
    """
    halves = _halves(wanted, found, arrays)
    if halves is None:
        return ()
    survivor, new = found.disks[halves.survivor], found.disks[halves.new]
    like = replace(wanted, sizes=_sizes(survivor))
    reasons = [*_refusals(like, found, arrays, halves)]
    if reasons or survivor is None or new is None:
        raise SkerryError("\n".join(["The new disk was not touched:", *reasons]))
    slots = like.sizes.slots(mirror=True)
    return (
        *(Forget(f"/dev/{array.device}", _WHY) for array in arrays if array.missing),
        *_leave(new, arrays),
        *_wipe(new),
        plan.Divide(new, halves.new, slots, "as the other disk"),
        plan.Format(new.partition(ESP), "vfat", "UEFI reads it"),
        plan.Format(new.partition(BOOT), "ext4", "the boot loader reads it"),
        Bootable(new, boot_place(halves.survivor), "it boots alone, even before it is rebuilt"),
        *(Join(f"/dev/{array.device}", new.partition(array.number), "it is rebuilt") for array in arrays),
    )


def finish(found: Found, layout: Layout, mounted: Sequence[str]) -> tuple[Step, ...]:
    """The steps that are left once fstab names the new disk.

    Args:
        found: the disks, all of them part of the mirror.
        layout: what is on them.
        mounted: UUIDs of what is mounted as the /boot of each disk; empty where nothing is.
    """
    places = enumerate(zip(layout.disks, mounted, strict=True))
    stale = [boot_place(index) for index, (parts, uuid) in places if parts.boot != uuid]
    done = (
        plan.Finish(disk.path, f"skerry-root{index}", "it is part of the mirror")
        for index, disk in enumerate(found.disks)
        if disk and safe.unfinished(disk)
    )
    return (*(Remount(place, "it is the new disk's") for place in stale), *done)


def _halves(wanted: Wanted, found: Found, arrays: Sequence[Array]) -> Halves | None:
    """Which disk is which; None where both are part of every array.

    Raises:
        SkerryError: there is no mirror here, or none of the disks, or not the right one, holds it.
    """
    if len(wanted.disks) != 2 or {array.number for array in arrays} != set(ARRAYS):
        raise SkerryError(
            "this is no mirror of two disks",
            "Name both of its disks in luks_root_disks; it must run from them.",
        )
    ready = [disk is not None and _serves(disk, arrays) for disk in found.disks]
    if all(ready):
        return None
    whole = [disk is not None and _holds(disk, arrays) for disk in found.disks]
    if not any(whole):
        raise SkerryError(
            "neither of the disks named in luks_root_disks holds this mirror: "
            f"it runs from {', '.join(name for array in arrays for name in array.whole)}",
            "Leave the living disk where it stands there, and name the new one in the dead one's place.",
        )
    return Halves(whole.index(True), 1 - whole.index(True))


def _part(disk: FoundDisk, array: Array) -> str:
    return disk.partition(array.number).removeprefix("/dev/")


def _serves(disk: FoundDisk, arrays: Sequence[Array]) -> bool:
    """Whether a disk is part of every array, if only as one that is being rebuilt; it was made bootable before."""
    return all(_part(disk, array) in array.members for array in arrays)


def _holds(disk: FoundDisk, arrays: Sequence[Array]) -> bool:
    return safe.finished(disk) and any(
        array.number == ROOT and _part(disk, array) in array.whole for array in arrays
    )


def _sizes(survivor: FoundDisk | None) -> Sizes:
    there = {one.number: one.size for one in survivor.partitions} if survivor else {}
    return Sizes(
        esp=there.get(ESP, 0),
        boot=there.get(BOOT, 0),
        swap=there.get(SWAP, 0),
        tmp=there.get(TMP, 0),
        crash=there.get(CRASH, 0),
    )


def _refusals(wanted: Wanted, found: Found, arrays: Sequence[Array], halves: Halves) -> Iterator[str]:
    yield from safe.names(wanted)
    for disk, there in zip(wanted.disks, found.disks, strict=True):
        yield from (f"{disk.id}: {reason}" for reason in safe.identity(disk, there, found))
    survivor, new = found.disks[halves.survivor], found.disks[halves.new]
    if survivor and not survivor.labels[ROOT].endswith(str(halves.survivor)):
        yield (
            f"{wanted.disks[halves.survivor].id} is this server's disk {halves.new}, and stands in the other's place. "
            "Turn the two around in luks_root_disks."
        )
    if survivor and new and new.kind == "disk":
        yield from (
            f"{wanted.disks[halves.new].id}: {reason}" for reason in _unfit(wanted, new, survivor, arrays)
        )


def _unfit(wanted: Wanted, new: FoundDisk, survivor: FoundDisk, arrays: Sequence[Array]) -> Iterator[str]:
    kept = sum(array.size for array in arrays if array.number == ROOT)
    needed = sum(slot.size for slot in wanted.sizes.slots(mirror=True)) + kept + 3 * MIB
    if new.size < needed:
        yield f"it is too small: {new.size // MIB} MiB, and the mirror takes {needed // MIB} MiB. Take a larger one."
    if new.logical != survivor.logical:
        yield f"its sectors have {new.logical} bytes, those of the other disk {survivor.logical}. Take one like that."
    yield from safe.in_use(wanted, new)
    if safe.finished(new) and not {new.serial, safe.token(new)} & wanted.wipe:
        yield (
            "it was part of an installation of Skerry, perhaps of this mirror. If it is sound and nothing on it is "
            f"needed, put its serial '{new.serial}' into luks_root_wipe."
        )
    elif not safe.finished(new):
        yield from safe.content(wanted, new)


def _leave(new: FoundDisk, arrays: Sequence[Array]) -> Iterator[Step]:
    for array in arrays:
        if _part(new, array) in array.members:
            yield Leave(
                f"/dev/{array.device}",
                new.partition(array.number),
                "a replacement that was cut off starts over",
            )


def _wipe(new: FoundDisk) -> Iterator[Step]:
    if new.signs:
        confirmed = not safe.unfinished(new)
        reason = "its wipe is confirmed" if confirmed else "a replacement that was cut off starts over"
        yield plan.Wipe(new.path, tuple(one.path for one in new.partitions), new.signs, reason)
