"""Read an installed server that is mounted below a folder, and say what is wrong with its boot. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import SkerryError
from ...core.run import run
from ...storage.disks import probe as disks_probe
from ...storage.disks.identify import identify
from ...storage.disks.model import MAPPED, Wanted, boot_place
from ..initramfs.checks import check
from ..initramfs.image import read_image
from ..initramfs.machine import INSTALLED, Machine, probe
from ..initramfs.needs import macs, needs_of, text_of
from . import findings
from .findings import Finding, Repair
from .parts import Part, Parts

_NETWORKD = "etc/systemd/network/10-skerry.network"
_INITRAMFS = "usr/lib/skerry/initramfs/network.conf"
_PACKAGES = (
    "btrfs-progs",
    "cryptsetup-initramfs",
    "dropbear-initramfs",
    "grub-efi-amd64-bin",
    "grub-pc-bin",
    "grub2-common",
    "initramfs-tools",
    "systemd-cryptsetup",
)
_BOOT_CODE = 440
"""Bytes of a disk's first sector that the BIOS starts."""
_MENDS = {
    "boot-full": (Repair.SPACE, Repair.INITRAMFS),
    "network-of-another-card": (Repair.NETWORK, Repair.INITRAMFS),
}


@dataclass(frozen=True)
class Server:
    """An installed server, mounted at ``target``; the inventory's disks and card."""

    parts: Parts
    target: Path
    wanted: Wanted
    mac: str


def examine(server: Server) -> tuple[list[Finding], dict[str, Any]]:
    """What is wrong, and the layout that its files have to tell of."""
    layout, wrong = _layout(server)
    found = [*wrong, *_files(server, layout), *_network(server), *_kernels(server), *_grub(server)]
    return [*found, *_images(server)], layout


def modules(target: Path) -> list[str]:
    """The versions of the kernels whose modules are there whole."""
    return sorted(path.parent.name for path in (target / "lib/modules").glob("*/modules.dep"))


def boot_files(folder: Path) -> list[str]:
    """The names in a /boot."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _layout(server: Server) -> tuple[dict[str, Any], list[Finding]]:
    """The layout as it was written down; as it is on the disks, where that is lost or another installation's."""
    path = server.target / INSTALLED
    try:
        recorded: dict[str, Any] = json.loads(path.read_text())["layout"]
        kept = recorded["root"], recorded["luks"]
    except (OSError, ValueError, KeyError) as error:
        kept, recorded, why = ("", ""), {}, f"it can't be read: {error}"
    else:
        why = f"it is about the volume {kept[1]}, which is not that of the disks"
    if kept == _identity(server.parts):
        return recorded, []
    found = disks_probe.look(server.wanted)
    if None in found.disks:
        hint = "Name the disks that are there in luks_root_disks; where one is dead, replace it first."
        raise SkerryError(f"/{INSTALLED}: {why}, and not every disk of the inventory is there", hint)
    layout = json.loads(json.dumps(identify(server.wanted, found), default=vars))
    return layout, [Finding("record", f"/{INSTALLED}", why, (Repair.RECORD,))]


def _identity(parts: Parts) -> tuple[str, str]:
    roots = parts.of("root")
    device = next((part.array for part in roots if part.array), roots[0].path)
    return _uuid(MAPPED), _uuid(device)


def _uuid(device: str) -> str:
    return run(["blkid", "--probe", "--match-tag", "UUID", "--output", "value", device]).strip()


def _files(server: Server, layout: dict[str, Any]) -> Iterator[Finding]:
    etc = server.target / "etc"
    yield from findings.crypttab(text_of(etc / "crypttab"), layout)
    yield from findings.fstab(text_of(etc / "fstab"), layout)
    wanted = [*_PACKAGES, *(["mdadm"] if layout["arrays"] else [])]
    yield from findings.packages(text_of(server.target / "var/lib/dpkg/status"), wanted)


def _network(server: Server) -> Iterator[Finding]:
    files = {
        f"/{_NETWORKD}": _networkd(text_of(server.target / _NETWORKD)),
        f"/{_INITRAMFS}": frozenset(macs(text_of(server.target / _INITRAMFS))),
    }
    cards = Path("/sys/class/net").glob("*/address")
    here = frozenset(path.read_text().strip().lower() for path in cards if (path.parent / "device").exists())
    yield from findings.network(files, server.mac.lower(), here)


def _networkd(text: str) -> frozenset[str]:
    lines = (line.partition("=") for line in text.splitlines())
    return frozenset(value.strip().lower() for key, _equals, value in lines if key == "PermanentMACAddress")


def _kernels(server: Server) -> Iterator[Finding]:
    yield from findings.kernels(boot_files(server.target / "boot"), modules(server.target))


def _grub(server: Server) -> Iterator[Finding]:
    for boot in server.parts.of("boot"):
        place = server.target / boot_place(boot.index).lstrip("/")
        where = f"{boot.disk} ({boot_place(boot.index)})"
        yield from findings.menu(text_of(place / "grub/grub.cfg"), boot_files(place), boot.uuid, where)
        loader = place / "efi/EFI/BOOT/BOOTX64.EFI"
        if not loader.is_file() or loader.read_bytes()[:2] != b"MZ":
            yield _lost(
                where, "efi/EFI/BOOT/BOOTX64.EFI is missing or no program: UEFI does not boot this disk"
            )
        for kind, firmware in (("x86_64-efi", "UEFI"), ("i386-pc", "BIOS")):
            if not (place / "grub" / kind / "normal.mod").is_file():
                yield _lost(where, f"grub/{kind} is missing or not whole: GRUB does not start by {firmware}")
        yield from _bios(server.parts, boot, where)


def _bios(parts: Parts, boot: Part, where: str) -> Iterator[Finding]:
    with Path(boot.disk).open("rb") as disk:
        if b"GRUB" not in disk.read(_BOOT_CODE):
            yield _lost(where, "the disk's first sector does not start GRUB: BIOS does not boot this disk")
    for core in (part for part in parts.of("bios") if part.index == boot.index):
        with Path(core.path).open("rb") as partition:
            if not partition.read(_BOOT_CODE).strip(b"\0"):
                yield _lost(
                    where, f"the BIOS boot partition {core.path} is empty: BIOS does not boot this disk"
                )


def _lost(where: str, text: str) -> Finding:
    return Finding("boot loader", where, text, (Repair.GRUB,))


def _images(server: Server) -> Iterator[Finding]:
    """What the initramfs of each kernel lacks: the same checks that the server itself runs after each update."""
    machine = probe(server.target)
    if machine is None:
        raise SkerryError(f"what is mounted at {server.target} is not encrypted")
    for version in modules(server.target):
        yield from _image(server, machine, version)


def _image(server: Server, machine: Machine, version: str) -> Iterator[Finding]:
    image = server.target / "boot" / f"initrd.img-{version}"
    if not image.exists():
        yield Finding("initramfs", image.name, "it is missing", (Repair.INITRAMFS, Repair.GRUB))
        return
    try:
        defects = check(read_image(image), needs_of(machine, server.target, version))
    except SkerryError as error:
        yield Finding("initramfs", image.name, str(error), (Repair.INITRAMFS,))
        return
    for defect in defects:
        mends = _MENDS.get(defect.name, (Repair.INITRAMFS,))
        yield Finding(f"initramfs: {defect.name}", image.name, defect.text, mends)
