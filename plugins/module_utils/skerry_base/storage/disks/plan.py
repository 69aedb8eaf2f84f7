"""From what is wanted and what was found to ordered steps. Pure: check mode prints what the real run carries out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ...core.plan import Plan
from . import safe
from .model import (
    ARRAYS,
    BOOT,
    CRYPT_NAME,
    ESP,
    GIB,
    MAPPED,
    MIB,
    ROOT,
    Found,
    FoundDisk,
    Slot,
    Wanted,
    boot_place,
)

MEMORY_SHARE = 4
"""A fourth of the RAM for Argon2: kernel and unpacked initramfs take up to half a GiB where it is spent."""
MOST_MEMORY = GIB

_CUT_OFF = "left behind by an installation that was cut off"


@dataclass(frozen=True)
class Unmount:
    """Take a mount away."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"unmount {self.place}"


@dataclass(frozen=True)
class Close:
    """Close the encrypted volume."""

    reason: str

    def __str__(self) -> str:
        return f"close {CRYPT_NAME}"


@dataclass(frozen=True)
class Stop:
    """Stop an array; its disks keep what they hold."""

    array: str
    reason: str

    def __str__(self) -> str:
        return f"stop {self.array}"


@dataclass(frozen=True)
class Wipe:
    """Take from a disk, and from its partitions, everything that says what they hold."""

    disk: str
    partitions: tuple[str, ...]
    holds: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"wipe {self.disk} ({', '.join(self.holds)})"


@dataclass(frozen=True)
class Divide:
    """Write a disk's partition table."""

    disk: FoundDisk
    index: int
    slots: tuple[Slot, ...]
    reason: str

    def table(self) -> list[str]:
        """The partitions, a line each."""
        return [f"{slot.number} {slot.role} {_room(slot)}" for slot in self.slots]

    def __str__(self) -> str:
        return f"divide {self.disk.path}: {', '.join(self.table())}"


@dataclass(frozen=True)
class Mirror:
    """Make an array of two partitions."""

    name: str
    members: tuple[str, ...]
    reason: str

    @property
    def path(self) -> str:
        """Its stable name."""
        return f"/dev/md/{self.name}"

    def __str__(self) -> str:
        return f"mirror {' and '.join(self.members)} as {self.path}"


@dataclass(frozen=True)
class Encrypt:
    """Make an encrypted volume, and open it."""

    device: str
    sector_size: int
    memory: int
    """Bytes that deriving the key from the passphrase takes, at most."""
    reason: str

    def __str__(self) -> str:
        return (
            f"encrypt {self.device}: LUKS2, aes-xts-plain64, 512-bit key, sectors of {self.sector_size} bytes, "
            f"argon2id with at most {self.memory // MIB} MiB; open it as {CRYPT_NAME}"
        )


@dataclass(frozen=True)
class Format:
    """Make a file system."""

    device: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"make {self.kind} on {self.device}"


@dataclass(frozen=True)
class Subvolumes:
    """Make the subvolumes of a fresh btrfs."""

    device: str
    names: tuple[str, ...]
    plain: tuple[str, ...]
    """Those of them whose files are not compressed."""
    reason: str

    def __str__(self) -> str:
        return f"make the subvolumes {', '.join(self.names)}"


@dataclass(frozen=True)
class Mount:
    """Mount a file system."""

    source: str
    place: str
    kind: str
    options: str
    reason: str

    def __str__(self) -> str:
        return f"mount {self.source} at {self.place} ({self.options})"


@dataclass(frozen=True)
class Finish:
    """Call the root partition what it is called on a finished installation: from now on it is never started over."""

    disk: str
    label: str
    reason: str

    def __str__(self) -> str:
        return f"call the root partition of {self.disk} {self.label}"


Step: TypeAlias = (
    "Unmount | Close | Stop | Wipe | Divide | Mirror | Encrypt | Format | Subvolumes | Mount | Finish"
)


@dataclass(frozen=True)
class Subvolume:
    """A subvolume of the root file system, and where it is mounted."""

    name: str
    place: str
    options: str = "noatime,compress=zstd:1"
    compressed: bool = True

    @property
    def mount_options(self) -> str:
        """As mount and fstab take them."""
        return f"subvol={self.name},{self.options}"


SUBVOLUMES = (
    Subvolume("@", "/"),
    Subvolume("@home", "/home"),
    Subvolume("@var_log", "/var/log"),
    # The pool's images are compressed by themselves. Compression is an option of the whole btrfs, hence the flag.
    Subvolume(
        "@skerry_pool", "/var/lib/skerry/pool", "noatime,nosuid,nodev,compress=zstd:1", compressed=False
    ),
)


def plan_disks(state: str, wanted: Wanted, found: Found) -> Plan[Step]:
    """From what was found to the state that is asked for, with what the disks hold before and after.

    Args:
        state: prepared or finished.
        wanted: what the inventory asks for.
        found: what the machine is like.

    Raises:
        SkerryError: the disks may not be written to.
    """
    steps = finish(found) if state == "finished" else prepare(wanted, found)
    before = {disk.path: list(disk.signs) for disk in found.disks if disk}
    divided = {step.disk.path: step.table() for step in steps if isinstance(step, Divide)}
    return Plan(steps, before, before | divided)


def prepare(wanted: Wanted, found: Found) -> tuple[Step, ...]:
    """The steps from what was found to file systems mounted at the target; none for a finished installation.

    Raises:
        SkerryError: the disks may not be written to.
    """
    safe.refuse(wanted, found)
    disks = [disk for disk in found.disks if disk]
    if safe.installed(wanted, found):
        return finish(found) if any(safe.unfinished(disk) for disk in disks) else ()
    return (
        *_unmounts(found, _CUT_OFF),
        *_stops(found, _CUT_OFF),
        *_wipes(wanted, disks),
        *_divides(wanted, disks),
        *_arrays(disks),
        *_contents(found, disks),
        *_mounts(wanted, disks),
    )


def finish(found: Found) -> tuple[Step, ...]:
    """The steps from an installed, mounted target to disks that are let go and will boot."""
    reason = "the installation is done"
    # While the arrays still run: of a disk that nothing holds the table would be read anew, and udev start them again.
    marks = (
        Finish(disk.path, f"skerry-root{index}", reason)
        for index, disk in enumerate(found.disks)
        if disk and safe.unfinished(disk)
    )
    return (*_unmounts(found, reason), *marks, *_stops(found, reason))


def source(disks: list[FoundDisk], number: int) -> str:
    """The device that holds a hidden part of the layout: an array in a mirror, a partition otherwise."""
    return f"/dev/md/{ARRAYS[number]}" if len(disks) == 2 else disks[0].partition(number)


def sector_size(disks: list[FoundDisk]) -> int:
    """Bytes of an encrypted sector: 4096 where a disk stores so, which saves work and is written whole."""
    return 4096 if any(max(disk.logical, disk.physical) >= 4096 for disk in disks) else 512


def key_memory(ram: int) -> int:
    """Bytes that deriving the key may take on a machine with so many bytes of RAM."""
    return min(MOST_MEMORY, ram // MEMORY_SHARE)


def _unmounts(found: Found, reason: str) -> Iterator[Step]:
    yield from (Unmount(place, reason) for place in reversed(found.target_mounts))
    if found.mapped:
        yield Close(reason)


def _stops(found: Found, reason: str) -> Iterator[Step]:
    yield from (Stop(array, reason) for array in found.arrays)


def _wipes(wanted: Wanted, disks: list[FoundDisk]) -> Iterator[Step]:
    for disk in disks:
        if disk.signs:
            confirmed = disk.serial in wanted.wipe or safe.finished(disk)
            reason = "its wipe is confirmed" if confirmed else "an installation that was cut off starts over"
            yield Wipe(disk.path, tuple(one.path for one in disk.partitions), disk.signs, reason)


def _divides(wanted: Wanted, disks: list[FoundDisk]) -> Iterator[Step]:
    slots = wanted.sizes.slots(mirror=len(disks) == 2)
    for index, disk in enumerate(disks):
        yield Divide(disk, index, slots, "both firmwares boot from any disk")


def _arrays(disks: list[FoundDisk]) -> Iterator[Step]:
    if len(disks) == 2:
        for number, name in ARRAYS.items():
            members = tuple(disk.partition(number) for disk in disks)
            yield Mirror(name, members, "either disk may fail")


def _contents(found: Found, disks: list[FoundDisk]) -> Iterator[Step]:
    for disk in disks:
        yield Format(disk.partition(ESP), "vfat", "UEFI reads it")
        yield Format(disk.partition(BOOT), "ext4", "the boot loader reads it, before the passphrase is known")
    memory = key_memory(found.memory)
    yield Encrypt(source(disks, ROOT), sector_size(disks), memory, "nothing is stored in clear")
    yield Format(MAPPED, "btrfs", "the root file system")
    names = tuple(volume.name for volume in SUBVOLUMES)
    plain = tuple(volume.name for volume in SUBVOLUMES if not volume.compressed)
    yield Subvolumes(MAPPED, names, plain, "each can be kept or put back by itself")


def _mounts(wanted: Wanted, disks: list[FoundDisk]) -> Iterator[Step]:
    reason = "Debian is put here"
    for volume in SUBVOLUMES:
        place = f"{wanted.target}{volume.place}".rstrip("/")
        yield Mount(MAPPED, place, "btrfs", volume.mount_options, reason)
    for index, disk in enumerate(disks):
        place = f"{wanted.target}{boot_place(index)}"
        yield Mount(disk.partition(BOOT), place, "ext4", "noatime", reason)
        yield Mount(disk.partition(ESP), f"{place}/efi", "vfat", "umask=0077", reason)


def _room(slot: Slot) -> str:
    return f"{slot.size // MIB} MiB" if slot.size else "the rest"
