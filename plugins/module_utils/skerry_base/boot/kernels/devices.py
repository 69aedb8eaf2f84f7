"""The devices of the running machine, and which of them it can't do without. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...storage.layers import root_layers
from ..initramfs.machine import default_card


@dataclass(frozen=True)
class Device:
    """A device that finds its driver by a modalias.

    Attributes:
        path: below /sys/devices.
        alias: its modalias; what finds its driver in any kernel.
        driven: whether it has a driver now.
        module: that driver's module, part of the kernel or loaded; empty where it has no name.
        serves: what the machine would lack without it, such as "the root's disk vda"; empty where it runs on.
    """

    path: str
    alias: str
    driven: bool = True
    module: str = ""
    serves: str = ""


def present(
    sys: Path = Path("/sys"), proc: Path = Path("/proc"), root: Path = Path("/")
) -> tuple[Device, ...]:
    """Every device that has a modalias, by path."""
    needed = {path: what for node, what in _needed(sys, proc, root) for path in _chain(node)}
    devices = sys.resolve() / "devices"
    return tuple(
        Device(
            path=str(path.relative_to(devices)),
            alias=_word(path / "modalias"),
            driven=(path / "driver").exists(),
            module=_module(path),
            serves=needed.get(path, ""),
        )
        for path in _with_alias(devices)
    )


def _with_alias(devices: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(devices):
        folders.sort()
        if "modalias" in files:
            yield Path(folder)


def _module(path: Path) -> str:
    module = path / "driver/module"
    return module.resolve().name if module.exists() else ""


def _needed(sys: Path, proc: Path, root: Path) -> Iterator[tuple[Path, str]]:
    for layer in root_layers(root):
        if layer.kind == "disk":
            yield sys / "class/block" / layer.name, f"the root's disk {layer.name}"
    card = default_card(sys, proc)
    if card is not None:
        yield card, f"the default route's network card {card.name}"


def _chain(node: Path) -> Iterator[Path]:
    """A device and those that it hangs on, down to its controller; what that hangs on, every kernel drives."""
    here = node.resolve()
    while here.name != "devices" and here != here.parent:
        yield here
        if (here / "subsystem").resolve().name == "pci":
            return
        here = here.parent


def _word(path: Path) -> str:
    return path.read_text(errors="replace").strip()
