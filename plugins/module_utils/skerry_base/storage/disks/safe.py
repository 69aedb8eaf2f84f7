"""Safe mode: what is refused, and in which words. Pure: it reads what was found and touches nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...core.errors import SkerryError
from ..target import target_problem
from .model import CRYPT_NAME, GIB, MIB, ROOT, UNFINISHED, Found, FoundDisk, Sizes, Wanted, WantedDisk

IN_MEMORY = frozenset({"nfs", "nfs4", "overlay", "ramfs", "rootfs", "squashfs", "tmpfs"})
"""The roots of rescue systems: in memory, or from the network; never a disk's own file system."""

LEAST_ROOT = 3 * GIB
"""What Debian and its updates take at least, in bytes."""

LEAST = {"esp": 64 * MIB, "boot": 192 * MIB, "swap": 16 * MIB, "tmp": 16 * MIB}
"""What each partition must have at least, in bytes, so that it can be made: FAT32, two kernels, a key's sectors."""

_BY_ID = "/dev/disk/by-id/"


def refuse(wanted: Wanted, found: Found) -> None:
    """Refuse, with every reason at once, to write to disks that are not surely meant.

    Raises:
        SkerryError: a line for each reason.
    """
    reasons = list(refusals(wanted, found))
    if reasons:
        raise SkerryError("\n".join(["The disks were not touched:", *reasons]))


def refusals(wanted: Wanted, found: Found) -> Iterator[str]:
    """Every reason not to write to these disks, the most general first."""
    yield from names(wanted)
    yield from _too_small(wanted.sizes)
    if problem := target_problem(wanted.target):
        yield problem
    pairs = list(zip(wanted.disks, found.disks, strict=True))
    for disk, there in pairs:
        yield from (f"{disk.id}: {reason}" for reason in identity(disk, there, found))
    if installed(wanted, found):
        return
    if found.root not in IN_MEMORY:
        yield (
            f"this is not a rescue system: its root is {found.root}, on a disk. "
            "Boot the server into its provider's rescue system, whose root is in memory or comes from the network."
        )
    yield from _same(pairs)
    for disk, there in pairs:
        if there is not None and there.kind == "disk":
            yield from (f"{disk.id}: {reason}" for reason in _usable(wanted, there))


def finished(disk: FoundDisk) -> bool:
    """Whether an installation of ours was brought to its end on this disk."""
    return disk.labels.get(ROOT, "").startswith("skerry-root")


def unfinished(disk: FoundDisk) -> bool:
    """Whether an installation of ours was begun on this disk and never brought to its end."""
    return disk.labels.get(ROOT, "").startswith(UNFINISHED)


def token(disk: FoundDisk) -> str:
    """What names exactly the installation that is on a disk now."""
    return f"{disk.serial}:{disk.table}"


def installed(wanted: Wanted, found: Found) -> bool:
    """Whether the wanted disks hold a finished installation that is to be kept.

    One disk of a mirror is marked before the other: where only that is missing, the installation is done.
    """
    there = [disk for disk in found.disks if disk]
    kept = [disk for disk in there if _to_be_kept(wanted, disk)]
    marked = all(disk in kept or unfinished(disk) for disk in there)
    return bool(kept) and marked and len(there) == len(wanted.disks)


def needed(wanted: Wanted) -> int:
    """Bytes that each disk must have at least."""
    slots = wanted.sizes.slots(mirror=len(wanted.disks) == 2)
    return sum(slot.size for slot in slots) + LEAST_ROOT + 3 * MIB


def _to_be_kept(wanted: Wanted, disk: FoundDisk) -> bool:
    return finished(disk) and token(disk) not in wanted.wipe


def names(wanted: Wanted) -> Iterator[str]:
    """What is wrong with how the disks are named."""
    if len(wanted.disks) not in {1, 2}:
        yield f"{len(wanted.disks)} disks are named. Name one, or two for a mirror."
    for disk in wanted.disks:
        if not _is_stable(disk.id):
            yield (
                f"{disk.id}: this is not a stable name, the kernel gives such names anew at each boot. "
                f"Name the disk by its link in {_BY_ID[:-1]}; `ls -l {_BY_ID[:-1]}` shows them."
            )
    for name, times in Counter(disk.id for disk in wanted.disks).items():
        if times > 1:
            yield f"{name}: it is named {times} times. A mirror needs two disks."


def _too_small(sizes: Sizes) -> Iterator[str]:
    """Partitions that nothing could be made of. Only the one for crash dumps may be left out."""
    for role, least in LEAST.items():
        size = int(getattr(sizes, role))
        if size < least:
            yield f"luks_root_{role}_size: {size // MIB} MiB are too few; it takes {least // MIB}M at least."


def _is_stable(name: str) -> bool:
    return name.startswith(_BY_ID) and "/" not in name.removeprefix(_BY_ID)


def identity(disk: WantedDisk, there: FoundDisk | None, found: Found) -> Iterator[str]:
    """Whether a disk is there and surely the one that is meant."""
    if there is None:
        if _is_stable(disk.id):
            yield f"there is no such disk. There is: {'; '.join(found.here) or 'none that has a stable name'}."
    elif there.kind != "disk":
        yield f"this is not a whole disk but a {there.kind} ({there.path}). Name the disk itself."
    elif not there.serial:
        yield f"{there.path} reports no serial, so nothing proves that it is the disk you mean. It can't be used."
    elif disk.serial != there.serial:
        yield (
            f"its serial is {there.serial}, and the inventory says '{disk.serial}'. A disk is written to only where "
            "both agree: look at the machine which one you mean."
        )


def _same(pairs: list[tuple[WantedDisk, FoundDisk | None]]) -> Iterator[str]:
    paths = Counter(there.path for _wanted, there in pairs if there)
    for disk, there in pairs[1:]:
        if there and paths[there.path] > 1 and disk.id != pairs[0][0].id:
            yield f"{disk.id}: it leads to the same disk as {pairs[0][0].id} ({there.path}). A mirror needs two disks."


def _usable(wanted: Wanted, there: FoundDisk) -> Iterator[str]:
    if there.read_only:
        yield "it is read-only."
    if there.size < needed(wanted):
        yield (
            f"it is too small: {there.size // MIB} MiB, and the layout needs {needed(wanted) // MIB} MiB. "
            "Take a larger disk, or make the partitions smaller (luks_root_*_size)."
        )
    if there.carries_system:
        yield f"it is the disk of the running system ({there.path})."
        return
    yield from in_use(wanted, there)
    yield from content(wanted, there)


def in_use(wanted: Wanted, there: FoundDisk) -> Iterator[str]:
    """What uses a disk, other than an installation of ours that was cut off."""
    ours = unfinished(there)
    mounts = [place for place in there.mounts if not (ours and _is_within(place, wanted.target))]
    holders = [holder for holder in there.holders if not (ours and _is_ours(holder))]
    if mounts:
        yield f"it is mounted: {', '.join(mounts)}. Unmount it, if nothing there is needed."
    if holders:
        yield (
            f"it is held by {', '.join(holders)}. If nothing there is needed, stop that first "
            "(`mdadm --stop`, `cryptsetup close`, `vgchange --activate n`, `swapoff`)."
        )
    if there.busy and not (ours or mounts or holders):
        yield "the kernel says that it is in use: by a loop device, a virtual machine or a mount out of sight."


def _is_within(place: str, target: str) -> bool:
    return place == target or place.startswith(f"{target}/")


def _is_ours(holder: str) -> bool:
    """Whether a holder is one that an unfinished installation leaves behind."""
    return holder == f"{CRYPT_NAME} (crypt)" or holder.endswith(" (raid1)")


def content(wanted: Wanted, there: FoundDisk) -> Iterator[str]:
    """What a disk holds that may not be destroyed."""
    if _to_be_kept(wanted, there):
        yield (
            "it belongs to a finished installation of Skerry, and the other disk does not: a mirror's lost half is "
            "replaced on the running server. To destroy this installation, put "
            f"'{token(there)}' into luks_root_wipe."
        )
    elif there.signs and not finished(there) and not unfinished(there) and there.serial not in wanted.wipe:
        yield (
            f"it is not empty: {', '.join(there.signs)}. To destroy all that, put its serial '{there.serial}' into "
            "luks_root_wipe."
        )
