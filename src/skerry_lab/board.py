"""A bare machine's hardware: its firmware and its disks."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from skerry_base.core.errors import SkerryError

DISK_SIZE = "16G"
_FIRST_ADDRESS = 8
"""Of a disk on the PCI bus; the other devices come before."""


class Firmware(StrEnum):
    """What looks for something to boot."""

    UEFI = "uefi"
    BIOS = "bios"


class Bus(StrEnum):
    """How the disks are attached, which also decides their names."""

    NVME = "nvme"
    SATA = "sata"
    VIRTIO = "virtio"


_BY_ID = {Bus.NVME: "nvme-QEMU_NVMe_Ctrl_", Bus.SATA: "ata-QEMU_HARDDISK_", Bus.VIRTIO: "virtio-"}


@dataclass(frozen=True)
class Disk:
    """A disk in one of the machine's slots, or pulled out of it."""

    serial: str
    plugged: bool = True
    late: bool = False
    """Whether it was put in later: a BIOS then has it after those that it knew."""

    @property
    def file(self) -> str:
        """The image's name in the lab's folder."""
        return f"disk-{self.serial}.qcow2"


@dataclass(frozen=True)
class Board:
    """The hardware of one bare machine."""

    firmware: Firmware = Firmware.UEFI
    bus: Bus = Bus.NVME
    disks: tuple[Disk, ...] = ()

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Board":
        """What `dataclasses.asdict` made of one."""
        disks = tuple(Disk(**disk) for disk in record["disks"])
        return cls(Firmware(record["firmware"]), Bus(record["bus"]), disks)

    def with_blank_disks(self, count: int) -> "Board":
        """The same with so many new disks."""
        return replace(self, disks=tuple(blank_disk(slot) for slot in range(count)))

    def same_kind(self, other: "Board") -> bool:
        """Whether the two differ in their disks' serial numbers only."""
        mine, theirs = (replace(board, disks=(Disk(""),) * len(board.disks)) for board in (self, other))
        return mine == theirs

    def summary(self) -> str:
        """For people: the firmware, the disks."""
        return f"{self.firmware}, {len(self.disks)} x {self.bus}"

    def disk(self, slot: int) -> Disk:
        """The disk that is, or was, in a slot.

        Raises:
            SkerryError: there is no such slot.
        """
        if not 0 <= slot < len(self.disks):
            raise SkerryError(f"no slot {slot}; this machine has the slots 0 to {len(self.disks) - 1}")
        return self.disks[slot]

    def with_disk(self, slot: int, disk: Disk) -> "Board":
        """The same with another disk in a slot."""
        return replace(self, disks=(*self.disks[:slot], disk, *self.disks[slot + 1 :]))

    def by_id(self, disk: Disk) -> str:
        """The disk's name on the machine that outlives reboots and other disks."""
        return f"/dev/disk/by-id/{_BY_ID[self.bus]}{disk.serial}"

    def arguments(self) -> list[str]:
        """The disks that are plugged in, as QEMU takes them."""
        words = ["-device", "ich9-ahci,id=ahci,addr=0x7"] if self.bus is Bus.SATA else []
        for slot, disk in enumerate(self.disks):
            if disk.plugged:
                words += ["-drive", self.drive(slot), "-device", self.device(slot)]
        return words

    def drive(self, slot: int) -> str:
        """The image behind a disk: what was not flushed when QEMU is killed may be gone, as with a real one.

        `unsafe` spares only this computer's own disk: what the machine flushes still leaves QEMU at once.
        """
        file = self.disks[slot].file
        return f"if=none,id=drive{slot},file={file},format=qcow2,cache=unsafe,discard=unmap"

    def device(self, slot: int) -> str:
        """The disk as the machine sees it."""
        common = f"drive=drive{slot},id=disk{slot},serial={self.disks[slot].serial}"
        # UEFI has its own list in its variables, and QEMU's would go over it. BIOS starts the first of its list alone.
        place = slot + 1 + len(self.disks) * self.disks[slot].late
        order = f",bootindex={place}" if self.firmware is Firmware.BIOS else ""
        address = f"addr={_FIRST_ADDRESS + slot:#x}"
        match self.bus:
            case Bus.NVME:
                return f"nvme,{common},{address}{order}"
            case Bus.SATA:
                return f"ide-hd,{common},bus=ahci.{slot}{order}"
            case Bus.VIRTIO:
                return f"virtio-blk-pci,{common},{address}{order}"


def blank_disk(slot: int, *, late: bool = False) -> Disk:
    """A new disk, with a serial number that no other has."""
    return Disk(f"SK{slot}{secrets.token_hex(5).upper()}", late=late)


def mac_address(lab: str) -> str:
    """The network card's address: the same one for the same lab."""
    tail = hashlib.sha256(lab.encode()).digest()[:3]
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in tail)
