"""What is wanted of a server's disks, and what was found on them. Frozen, typed, no work done here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ...core.errors import SkerryError

MIB = 1024**2
GIB = 1024**3
_UNITS = {"M": MIB, "G": GIB, "T": 1024 * GIB}

CRYPT_NAME = "root_crypt"
MAPPED = f"/dev/mapper/{CRYPT_NAME}"

BIOS, ESP, BOOT, SWAP, TMP, CRASH, ROOT = range(1, 8)
"""The numbers of the partitions, the same on every disk."""

LINUX_RESERVED, LINUX_RAID = "8309", "fd00"
"""GPT types, as sgdisk names them. 8309 (LUKS) keeps systemd from taking swap for its own."""

ARRAYS = {SWAP: "skerry-swap", TMP: "skerry-tmp", ROOT: "skerry"}
"""What is mirrored, and the names of the arrays."""

UNFINISHED = "skerry-new"
"""How the root partition is called until the installation is done: `skerry-new0` becomes `skerry-root0`."""


def boot_place(index: int) -> str:
    """Where /boot of the disk with this index is mounted; its ESP is mounted below, at efi."""
    return f"/boot.{index}" if index else "/boot"


def size(text: str) -> int:
    """Bytes of a size such as 256M, 1G or 0.

    Raises:
        SkerryError: it is no such size.
    """
    number, unit = text[:-1], text[-1:]
    if text == "0":
        return 0
    if not (number.isascii() and number.isdigit() and unit in _UNITS):
        raise SkerryError(f"'{text}' is no size", "Give a whole number and M, G or T, such as 256M, or 0.")
    return int(number) * _UNITS[unit]


@dataclass(frozen=True)
class Slot:
    """A partition of the layout."""

    number: int
    role: str
    code: str
    size: int
    """Bytes; 0 means: to the disk's end, less 1 MiB."""

    def label(self, index: int) -> str:
        """Its name in the partition table of the disk with this index, while the installation is not done."""
        return f"{UNFINISHED if self.number == ROOT else f'skerry-{self.role}'}{index}"


@dataclass(frozen=True)
class Sizes:
    """How large the partitions are, in bytes. What the others leave is root's."""

    esp: int = 512 * MIB
    boot: int = GIB
    swap: int = 2 * GIB
    tmp: int = 2 * GIB
    crash: int = 0
    """A raw partition left for encrypted crash dumps; 0 means none."""

    def slots(self, mirror: bool) -> tuple[Slot, ...]:
        """The layout of each disk."""
        hidden = LINUX_RAID if mirror else LINUX_RESERVED
        slots = (
            Slot(BIOS, "bios", "ef02", MIB),
            Slot(ESP, "esp", "ef00", self.esp),
            Slot(BOOT, "boot", "8300", self.boot),
            Slot(SWAP, "swap", hidden, self.swap),
            Slot(TMP, "tmp", hidden, self.tmp),
            Slot(CRASH, "crash", LINUX_RESERVED, self.crash),
        )
        return (*(slot for slot in slots if slot.size), Slot(ROOT, "root", hidden, 0))


@dataclass(frozen=True)
class WantedDisk:
    """A disk as the inventory names it."""

    id: str
    """Its link below /dev/disk/by-id."""
    serial: str


def wanted_disks(disks: Iterable[Mapping[str, str]]) -> tuple[WantedDisk, ...]:
    """The disks as a module's options name them."""
    return tuple(WantedDisk(disk["id"], disk["serial"]) for disk in disks)


@dataclass(frozen=True)
class Wanted:
    """What the inventory asks for."""

    disks: tuple[WantedDisk, ...]
    wipe: frozenset[str] = frozenset()
    """Serials of disks whose content may be destroyed; SERIAL:TABLE for a finished installation."""
    sizes: Sizes = field(default_factory=Sizes)
    target: str = "/target"


@dataclass(frozen=True)
class Partition:
    """A partition that was found."""

    path: str
    number: int
    label: str
    """Its name in the partition table."""
    content: str = ""
    """What is on it: a type of file system, crypto_LUKS, linux_raid_member; empty where nothing is known."""
    size: int = 0


@dataclass(frozen=True)
class FoundDisk:
    """A disk that was found, with everything on top of it."""

    path: str
    """The kernel's own name for it; it changes from boot to boot."""
    serial: str
    size: int
    kind: str = "disk"
    """As lsblk names it; only a `disk` is one."""
    model: str = ""
    logical: int = 512
    physical: int = 512
    """Bytes of a sector, as the disk is spoken to and as it stores."""
    read_only: bool = False
    table: str = ""
    """The UUID of its partition table."""
    partitions: tuple[Partition, ...] = ()
    signs: tuple[str, ...] = ()
    """Everything on it that says it is in use: partition tables, file systems, data that nobody can name."""
    mounts: tuple[str, ...] = ()
    """Where it, or what lies on it, is mounted; [SWAP] for swap."""
    holders: tuple[str, ...] = ()
    """What is built on it and running: `md127 (raid1)`, `root_crypt (crypt)`."""
    carries_system: bool = False
    busy: bool = False
    """Whether the kernel refuses it to an exclusive user."""

    @property
    def labels(self) -> dict[int, str]:
        """The names of its partitions, by number."""
        return {partition.number: partition.label for partition in self.partitions}

    def partition(self, number: int) -> str:
        """The kernel's name for one of its partitions, whether or not it is there yet."""
        return f"{self.path}{'p' if self.path[-1].isdigit() else ''}{number}"


@dataclass(frozen=True)
class Found:
    """What the machine is like."""

    root: str
    """The file system of the running root: overlay, tmpfs, ext4, …"""
    memory: int
    """Bytes of RAM."""
    disks: tuple[FoundDisk | None, ...]
    """One for each wanted disk, in their order; None where the link does not exist."""
    here: tuple[str, ...] = ()
    """Every whole disk that has a stable name, with its size and serial: what could be named instead."""
    target_mounts: tuple[str, ...] = ()
    """What is mounted at the target and below, in the order it was mounted."""
    mapped: bool = False
    """Whether root_crypt is open."""
    arrays: tuple[str, ...] = ()
    """Arrays that run on partitions of the wanted disks: /dev/md127."""


@dataclass(frozen=True)
class DiskParts:
    """What one disk holds in clear, by UUID."""

    boot: str
    esp: str
    boot_part: str
    esp_part: str
    crash_part: str
    """PARTUUIDs; empty where there is no such partition."""


@dataclass(frozen=True)
class BootDisk:
    """Where the boot loader finds its files, inside the installed system."""

    disk: str
    """The disk's stable name."""
    boot: str
    esp: str


@dataclass(frozen=True)
class FileSystem:
    """A line of fstab."""

    source: str
    place: str
    kind: str
    options: str
    check: int = 0
    """Whether, and after what, it is checked at boot."""


@dataclass(frozen=True)
class Layout:
    """The identities of what is on the disks now, for crypttab, fstab, mdadm.conf and the boot loader."""

    luks: str
    root: str
    """UUIDs of the encrypted volume and of the btrfs in it."""
    swap: str
    tmp: str
    """Stable names of what swap and /tmp are encrypted on, as crypttab takes them."""
    sector_size: int
    disks: tuple[DiskParts, ...]
    mounts: tuple[FileSystem, ...]
    """What is mounted on the installed system, in this order; swap and /tmp come besides."""
    boot_disks: tuple[BootDisk, ...] = ()
    arrays: dict[str, str] = field(default_factory=dict)
    """Array → its UUID; none with one disk."""
