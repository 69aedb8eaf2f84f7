"""What is wrong with an installed server's boot, and what mends it. Pure: it compares texts and names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_VERSION = re.compile(r"(?:vmlinuz|initrd\.img|config|System\.map)-(.+)")
_LEFT = (".new", ".bak", ".dpkg-bak", ".dpkg-tmp", ".old-dkms", ".tmp")
_KERNEL_LINE = re.compile(r"^\s*(?:linux|initrd)\s+(\S+)", re.MULTILINE)


class Repair(StrEnum):
    """What mends a finding, in the order in which it is done."""

    DISKS = "disks"
    """fstab, crypttab and mdadm.conf are written anew."""
    NETWORK = "network"
    """The card's address is written where the system and the initramfs read it."""
    SPACE = "space"
    """What no kernel needs is deleted from /boot."""
    PACKAGES = "packages"
    """Packages are installed again; the rescue system needs the Internet."""
    INITRAMFS = "initramfs"
    """dropbear's settings and keys are written, and the initramfs is built."""
    GRUB = "grub"
    """GRUB is installed for both firmwares on every disk, and its menu is written."""
    RECORD = "record"
    """/etc/skerry/install.json is written anew."""


@dataclass(frozen=True)
class Finding:
    """What is wrong, where, and what mends it; nothing does where a person has to."""

    name: str
    where: str
    text: str
    repairs: tuple[Repair, ...] = ()

    def row(self) -> dict[str, str]:
        """For a table."""
        mended = ", ".join(self.repairs) or "by hand"
        return {"what": self.name, "where": self.where, "repair": mended, "why": self.text}


def crypttab(text: str, layout: Mapping[str, Any]) -> Iterator[Finding]:
    """What /etc/crypttab says otherwise than the disks."""
    lines = {words[0]: words[1:] for words in _lines(text) if len(words) > 1}
    wanted = {
        "root_crypt": f"UUID={layout['luks']}", "swap_crypt": layout["swap"], "tmp_crypt": layout["tmp"]
    }  # fmt: skip
    for name, source in wanted.items():
        said = lines.get(name)
        if said is None:
            yield _disks("/etc/crypttab", f"there is no line for {name}")
        elif said[0] != source:
            yield _disks("/etc/crypttab", f"{name} is on {said[0]}, and should be on {source}")
        elif name == "root_crypt" and "initramfs" not in ",".join(said[2:]).split(","):
            yield _disks(
                "/etc/crypttab", f"{name} lacks the option initramfs: it would not be opened at boot"
            )


def fstab(text: str, layout: Mapping[str, Any]) -> Iterator[Finding]:
    """What /etc/fstab says otherwise than the disks."""
    sources = {words[1]: words[0] for words in _lines(text) if len(words) > 1}
    swaps = {words[0] for words in _lines(text) if words[2:3] == ["swap"]}
    wanted = {one["place"]: one["source"] for one in layout["mounts"]} | {"/tmp": "/dev/mapper/tmp_crypt"}  # noqa: S108
    for place, source in wanted.items():
        if place not in sources:
            yield _disks("/etc/fstab", f"there is no line for {place}")
        elif sources[place] != source:
            yield _disks("/etc/fstab", f"{place} is {sources[place]}, and should be {source}")
    if "/dev/mapper/swap_crypt" not in swaps:
        yield _disks("/etc/fstab", "there is no line for the swap /dev/mapper/swap_crypt")


def network(files: Mapping[str, frozenset[str]], wanted: str, here: frozenset[str]) -> Iterator[Finding]:
    """Whether the network is set up for a card that is there.

    Args:
        files: the addresses that each file names.
        wanted: that of the inventory, in lower case; empty where nobody knows.
        here: those of this machine's cards.
    """
    if wanted and wanted not in here:
        cards = ", ".join(sorted(here)) or "none"
        text = f"the inventory's card {wanted} is not in this machine, which has {cards}: correct base_system_network"
        yield Finding("network card", "base_system_network", text)
        return
    for file, macs in files.items():
        if macs and wanted and macs != {wanted}:
            text = f"it is for the card {', '.join(sorted(macs))}, and should be for {wanted}"
            yield Finding("network card", file, text, (Repair.NETWORK, Repair.INITRAMFS))
        elif not macs:
            yield Finding("network card", file, "it names no card", (Repair.NETWORK, Repair.INITRAMFS))


def kernels(boot: Iterable[str], modules: Iterable[str]) -> Iterator[Finding]:
    """Kernels whose modules are there and whose image is not, and whether there is any."""
    there = {name.removeprefix("vmlinuz-") for name in boot if name.startswith("vmlinuz-")}
    for version in sorted(set(modules) - there):
        text = f"vmlinuz-{version} is missing, and its modules are there"
        yield Finding("kernel missing", "/boot", text, (Repair.PACKAGES, Repair.INITRAMFS, Repair.GRUB))
    if not there and not set(modules):
        text = "there is no kernel at all: in the rescue system, install linux-image-amd64 below the target"
        yield Finding("kernel missing", "/boot", text)


def leftovers(boot: Iterable[str], modules: Iterable[str]) -> list[str]:
    """Files of /boot that no kernel needs: half-written ones, and those of kernels that are gone."""
    versions = set(modules)
    return sorted(
        name
        for name in boot
        if name.endswith(_LEFT) or ((named := _VERSION.fullmatch(name)) and named[1] not in versions)
    )


def menu(text: str, boot: Iterable[str], boot_uuid: str, where: str) -> Iterator[Finding]:
    """Whether GRUB's menu boots what lies on its /boot."""
    named = [name.rpartition("/")[2] for name in _KERNEL_LINE.findall(text)]
    lost = sorted(set(named) - set(boot))
    if not text:
        yield _grub(where, "grub/grub.cfg is missing")
    elif not named:
        yield _grub(where, "grub/grub.cfg names no kernel")
    elif lost:
        yield _grub(where, f"grub/grub.cfg names what is not there: {', '.join(lost)}")
    elif boot_uuid not in text:
        yield _grub(where, f"grub/grub.cfg does not look for its /boot, whose UUID is {boot_uuid}")


def packages(status: str, wanted: Iterable[str]) -> Iterator[Finding]:
    """Packages that booting needs and that are not installed whole, from dpkg's own list."""
    whole = {
        match[1]
        for match in re.finditer(
            r"^Package: (\S+)\n(?:.+\n)*?Status: install ok installed$", status, re.MULTILINE
        )
    }
    for name in wanted:
        if name not in whole:
            text = f"the package {name} is not installed, or only half"
            yield Finding("package missing", name, text, (Repair.PACKAGES, Repair.INITRAMFS))


def repairs(findings: Iterable[Finding]) -> list[Repair]:
    """What mends them all, in order. Whatever is rewritten below the root has to come into the initramfs."""
    found = {repair for finding in findings for repair in finding.repairs}
    return [repair for repair in Repair if repair in found]


def _lines(text: str) -> Iterator[list[str]]:
    return (line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def _disks(where: str, text: str) -> Finding:
    return Finding(where.rpartition("/")[2], where, text, (Repair.DISKS, Repair.INITRAMFS))


def _grub(where: str, text: str) -> Finding:
    return Finding("boot loader", where, text, (Repair.GRUB,))
