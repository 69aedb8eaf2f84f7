"""The running machine, as far as its initramfs must know it: what lies below the root, and the card to the world."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import SkerryError
from ...storage.layers import root_layers

INSTALLED = "etc/skerry/install.json"
_DEFAULT_ROUTE = "00000000"


@dataclass(frozen=True)
class Device:
    """A device and the buses it hangs on.

    Attributes:
        name: the kernel's name, such as enp1s0 or nvme0n1.
        aliases: the modalias of each, the device's own first; what finds their drivers, in any kernel.
        drivers: the modules that drive them now; empty where the drivers are part of the kernel.
    """

    name: str
    aliases: tuple[str, ...]
    drivers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Machine:
    """What an initramfs has to bring up.

    Attributes:
        luks_uuid: of the LUKS header that the root lies in.
        filesystem: of the root.
        mirrored: whether an md array is below LUKS.
        disks: what all that lies on.
        card: the network card of the default route.
        mac: its address, in lower case with colons.
    """

    luks_uuid: str
    filesystem: str
    mirrored: bool
    disks: tuple[Device, ...]
    card: Device
    mac: str


def probe(root: Path, sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> Machine | None:
    """The running machine, for the system whose root is mounted on ``root``; None where that is not encrypted.

    Raises:
        SkerryError: there is an encrypted root, but no network card that its initramfs could be reached by.
    """
    layers = root_layers(root)
    luks = next((layer for layer in layers if layer.is_luks), None)
    if luks is None:
        return None
    card = default_card(sys, proc) or _installed_card(root, sys)
    if card is None:
        hint = "Set up the network; then run this again."
        raise SkerryError("the machine has no default route, so that nobody can unlock it from afar", hint)
    disks = dict.fromkeys(layer.name for layer in layers if layer.kind == "disk")
    return Machine(
        luks_uuid=luks.uuid,
        filesystem=layers[0].content,
        mirrored=any(layer.is_mirror for layer in layers),
        disks=tuple(device(sys / "class/block" / name) for name in disks),
        card=device(card),
        mac=_mac(card),
    )


def default_card(sys: Path, proc: Path) -> Path | None:
    """The card of the default route: its folder in /sys; that of the lowest metric where there are several."""
    routes = [line.split() for line in (proc / "net/route").read_text().splitlines()[1:]]
    found = [(int(route[6]), route[0]) for route in routes if route[1] == route[7] == _DEFAULT_ROUTE]
    return _physical(sys / "class/net" / min(found)[1]) if found else None


def _physical(interface: Path) -> Path | None:
    """A card: the interface itself, or what a bridge, bond or VLAN stands on."""
    if (interface / "device").exists():
        return interface
    lower = (
        _physical(interface.parent / link.name.removeprefix("lower_")) for link in interface.glob("lower_*")
    )
    return next((card for card in lower if card), None)


def _installed_card(root: Path, sys: Path) -> Path | None:
    """The card that the machine was installed with, for the moments when there is no route."""
    path = root / INSTALLED
    mac = json.loads(path.read_text()).get("mac", "").lower() if path.exists() else ""
    cards = (card for card in (sys / "class/net").iterdir() if (card / "device").exists())
    return next((card for card in cards if _mac(card) == mac), None)


def _mac(card: Path) -> str:
    return (card / "address").read_text().strip().lower()


def device(node: Path) -> Device:
    """A device of /sys/class: its alias and those of the buses above it, up to the PCI device that carries them."""
    aliases: dict[str, None] = {}
    drivers: dict[str, None] = {}
    here = node.resolve()
    while here.name != "devices" and here != here.parent:
        if (here / "modalias").exists():
            aliases[(here / "modalias").read_text().strip()] = None
        if (here / "driver/module").exists():
            drivers[(here / "driver/module").resolve().name] = None
        if (here / "subsystem").resolve().name == "pci":
            break
        here = here.parent
    return Device(node.name, tuple(aliases), tuple(drivers))
