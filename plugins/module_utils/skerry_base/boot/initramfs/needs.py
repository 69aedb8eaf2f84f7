"""What an initramfs must hold so that this machine can be unlocked from afar and finds its root."""

from __future__ import annotations

import base64
import binascii
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import SkerryError
from .kernel import Kernel
from .machine import Device, Machine

AUTHORIZED_KEYS = "etc/dropbear/initramfs/authorized_keys"
_MAC = re.compile(r"(?:MAC|BOOTIF)=[\"']?(?:01-)?((?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2})\b", re.IGNORECASE)
_KEY_TYPES = ("ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")
# The end of a public key is random enough to know it by, and part of the private key's file in every format.
_TELLING_BYTES = 32


@dataclass(frozen=True)
class Modules:
    """Kernel modules that something needs.

    Attributes:
        wanted: their names; those built into the kernel are left out.
        lacking: names of which this kernel has no module.
    """

    wanted: frozenset[str]
    lacking: frozenset[str]


@dataclass(frozen=True)
class Needs:
    """All that `checks` compares an image with; plain values.

    Attributes:
        machine: what there is to bring up.
        kernel: the version.
        card: modules of the network card and the buses it hangs on.
        card_firmware: its firmware files that are installed, below lib/firmware.
        card_needs_firmware: whether the card can't work without a file.
        root: modules for the disks, md, LUKS and the file system.
        authorized_keys: who may unlock: key type and key, without options and comments.
        host_keys: the last bytes of the system's own public ssh host keys.
        command_line_macs: the cards that the boot loader tells the kernel to use (BOOTIF).
        boot_free: bytes free on /boot.
        boot_wanted: bytes that the next kernel with its initramfs takes there.
    """

    machine: Machine
    kernel: str
    card: Modules
    card_firmware: frozenset[str]
    card_needs_firmware: bool
    root: Modules
    authorized_keys: frozenset[str]
    host_keys: frozenset[bytes]
    command_line_macs: frozenset[str]
    boot_free: int
    boot_wanted: int


def needs_of(machine: Machine, root: Path, version: str) -> Needs:
    """What the image of kernel ``version`` below ``root`` needs on ``machine``.

    Raises:
        SkerryError: that kernel is not installed.
    """
    folder = root / "lib/modules" / version
    if not (folder / "modules.dep").exists():
        raise SkerryError(
            f"{folder} does not hold that kernel's modules", "Is it installed? Then: depmod VERSION."
        )
    kernel = Kernel(root, version)
    card = _drivers(kernel, machine.card)
    disks = [driver for disk in machine.disks for driver in _drivers(kernel, disk)]
    stack = ["dm_crypt", "xts", machine.filesystem, *(["raid1"] if machine.mirrored else [])]
    card_modules = _modules(kernel, card)
    firmware, required = kernel.firmware({*card, *card_modules.wanted})
    return Needs(
        machine=machine,
        kernel=version,
        card=card_modules,
        card_firmware=frozenset(firmware),
        card_needs_firmware=required,
        root=_modules(kernel, [*stack, *disks]),
        authorized_keys=frozenset(keys(text_of(root / AUTHORIZED_KEYS))),
        host_keys=frozenset(_host_keys(root)),
        command_line_macs=frozenset(macs(text_of(root / "boot/grub/grub.cfg"))),
        boot_free=_free(root / "boot"),
        boot_wanted=_next_kernel(root / "boot", version),
    )


def _drivers(kernel: Kernel, device: Device) -> list[str]:
    """The modules for a device and its buses; what drives it now where this kernel's tables say nothing."""
    found = [name for alias in device.aliases for name in kernel.drivers(alias, device.drivers)]
    return found or list(device.drivers)


def _modules(kernel: Kernel, names: Iterable[str]) -> Modules:
    found = {name: kernel.closure(name) for name in dict.fromkeys(names)}
    return Modules(
        wanted=frozenset(module for modules in found.values() for module in modules or ()),
        lacking=frozenset(name for name, modules in found.items() if modules is None),
    )


def macs(text: str) -> Iterator[str]:
    """The addresses of network cards that a configuration names (MAC=…, BOOTIF=01-…), in lower case with colons."""
    for found in _MAC.finditer(text):
        yield found[1].lower().replace("-", ":")


def keys(text: str) -> Iterator[str]:
    """The keys of an authorized_keys file: type and key. Lines that hold none are passed over."""
    for line in text.splitlines():
        words = line.split()
        if line.lstrip().startswith("#"):
            continue
        for kind, blob in itertools.pairwise(words):
            if kind.startswith(_KEY_TYPES) and _is_key(blob):
                yield f"{kind} {blob}"
                break


def _is_key(blob: str) -> bool:
    try:
        return len(base64.b64decode(blob, validate=True)) > _TELLING_BYTES
    except binascii.Error:
        return False


def _host_keys(root: Path) -> Iterator[bytes]:
    for path in (root / "etc/ssh").glob("ssh_host_*_key.pub"):
        for key in keys(text_of(path)):
            yield base64.b64decode(key.split()[1])[-_TELLING_BYTES:]


def text_of(path: Path) -> str:
    """A file's text; nothing where there is none. What is no UTF-8, such as an old comment, is replaced."""
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _free(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def _next_kernel(boot: Path, version: str) -> int:
    """A kernel with its initramfs as large as this one's; update-initramfs, too, writes the new one beside the old."""
    files = (boot / f"{name}-{version}" for name in ("vmlinuz", "initrd.img", "System.map", "config"))
    return sum(path.stat().st_size for path in files if path.exists())
