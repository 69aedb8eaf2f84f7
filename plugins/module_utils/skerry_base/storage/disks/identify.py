"""The identities of what a plan made, read back from the disks. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.run import run
from .model import (
    ARRAYS,
    BOOT,
    CRASH,
    ESP,
    MAPPED,
    ROOT,
    SWAP,
    TMP,
    BootDisk,
    DiskParts,
    FileSystem,
    Found,
    FoundDisk,
    Layout,
    Wanted,
    boot_place,
)
from .plan import SUBVOLUMES, sector_size, source

_NO_PROGRAMS = "noatime,nodev,nosuid,noexec"
_MAY_BE_GONE = ",nofail,x-systemd.device-timeout=60s"
"""For what lies on one disk of a mirror: the boot goes on without it, and does not wait for it."""


def identify(wanted: Wanted, found: Found) -> Layout:
    """What is on the disks, while root_crypt is open.

    Raises:
        CommandError: something of the layout is not there.
    """
    disks = [disk for disk in found.disks if disk]
    arrays = {name: _array(name) for name in ARRAYS.values()} if len(disks) == 2 else {}
    parts = tuple(_parts(disk) for disk in disks)
    root = _uuid(MAPPED)
    return Layout(
        luks=_uuid(source(disks, ROOT)),
        root=root,
        swap=_stable(disks, SWAP, arrays),
        tmp=_stable(disks, TMP, arrays),
        sector_size=sector_size(disks),
        disks=parts,
        mounts=tuple(mounts(root, parts)),
        boot_disks=tuple(
            BootDisk(disk.id, boot_place(index), f"{boot_place(index)}/efi")
            for index, disk in enumerate(wanted.disks)
        ),
        arrays=arrays,
    )


def mounts(root: str, parts: tuple[DiskParts, ...]) -> Iterator[FileSystem]:
    """What the installed system mounts: the subvolumes of the btrfs ``root``, and each disk's /boot and ESP."""
    for one in SUBVOLUMES:
        yield FileSystem(f"UUID={root}", one.place, "btrfs", one.mount_options)
    more = _MAY_BE_GONE if len(parts) == 2 else ""
    for index, disk in enumerate(parts):
        place = boot_place(index)
        yield FileSystem(f"UUID={disk.boot}", place, "ext4", f"{_NO_PROGRAMS}{more}", check=2)
        yield FileSystem(f"UUID={disk.esp}", f"{place}/efi", "vfat", f"{_NO_PROGRAMS},umask=0077{more}")


def _parts(disk: FoundDisk) -> DiskParts:
    boot, esp = disk.partition(BOOT), disk.partition(ESP)
    crash = _part_uuid(disk.partition(CRASH)) if CRASH in disk.labels else ""
    return DiskParts(_uuid(boot), _uuid(esp), _part_uuid(boot), _part_uuid(esp), crash)


def _stable(disks: list[FoundDisk], number: int, arrays: dict[str, str]) -> str:
    if arrays:
        return f"/dev/disk/by-id/md-uuid-{arrays[ARRAYS[number]]}"
    return f"PARTUUID={_part_uuid(disks[0].partition(number))}"


def _uuid(device: str) -> str:
    return _tag("UUID", device)


def _part_uuid(device: str) -> str:
    return _tag("PART_ENTRY_UUID", device)


def _tag(name: str, device: str) -> str:
    return run(["blkid", "--probe", "--match-tag", name, "--output", "value", device]).strip()


def _array(name: str) -> str:
    listing = run(["mdadm", "--detail", "--export", f"/dev/md/{name}"])
    values = dict(line.split("=", 1) for line in listing.splitlines() if "=" in line)
    return values["MD_UUID"]
