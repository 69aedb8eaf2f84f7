"""Does a kernel fit this machine? Pure: what it lacks comes back by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..initramfs.image import Image
from ..initramfs.kernel import module_name
from .devices import Device
from .platform import Need
from .tables import Tables

SOFTDOG = "softdog"
_GUARD = "usr/lib/skerry/trial"


@dataclass(frozen=True)
class Lack:
    """Something that a kernel or its initramfs does not have.

    Attributes:
        name: what is missing, in short.
        text: what would not work, and why.
        refused: whether the machine would not come back, or the platform not run, without it.
    """

    name: str
    text: str
    refused: bool = True


def lacking(kernel: Tables, devices: Iterable[Device], needs: Iterable[Need]) -> list[Lack]:
    """All that ``kernel`` lacks for the ``devices`` that are driven now: first what it is refused for."""
    found = [*_devices(kernel, devices), *_needs(kernel, needs), *_watchdog(kernel)]
    return sorted(found, key=lambda lack: not lack.refused)


def drivers(kernel: Tables, device: Device) -> tuple[str, ...]:
    """The modules of ``kernel`` for a device."""
    known = tuple(name for name in kernel.drivers.get(device.alias, ()) if name in kernel.modules)
    # Some drivers find their device by name: what drives it now does so in another kernel.
    return known or ((device.module,) if device.module in kernel.modules else ())


def unguarded(kernel: Tables, image: Image, guard: bytes) -> Iterator[Lack]:
    """What a trial boot needs of its initramfs; images that were made before this skerry-boot came lack it.

    Args:
        kernel: its tables.
        image: its initramfs.
        guard: the program that guards a trial boot, as skerry-boot has it now.
    """
    hint = f"Make it again: update-initramfs -u -k {kernel.version}."
    modules = {module_name(path) for path in image.entries if ".ko" in path.rpartition("/")[2]}
    if SOFTDOG in kernel.loadable - modules:
        yield Lack(SOFTDOG, f"initramfs: it holds no watchdog's driver. {hint}")
    inside = image.find(_GUARD)
    if inside is None or not image.executable(_GUARD):
        yield Lack("trial", f"initramfs: it holds nothing that guards a trial boot. {hint}")
    elif inside.content != guard:
        yield Lack("trial", f"initramfs: what guards a trial boot in it is of another skerry-boot. {hint}")


def watchdogs(kernel: Tables, devices: Iterable[Device]) -> tuple[str, ...]:
    """The modules of ``kernel`` that may drive a watchdog of this machine, the best first."""
    known = (name for device in devices for name in kernel.drivers.get(device.alias, ()))
    return (*dict.fromkeys(name for name in known if name in kernel.watchdogs), SOFTDOG)


def named(devices: Iterable[Device], now: Tables) -> Iterator[Device]:
    """The devices whose drivers are modules, in some kernel: what the running one's tables know, by its name there.

    All others are driven by parts that every kernel has, such as PCI bridges.
    """
    for device in devices:
        names = (device.module, *now.drivers.get(device.alias, ()))
        known = [name for name in names if name in now.modules]
        if device.driven and known:
            yield replace(device, module=known[0])


def _devices(kernel: Tables, devices: Iterable[Device]) -> Iterator[Lack]:
    for device in devices:
        if drivers(kernel, device):
            continue
        if device.serves:
            text = f"{device.serves} would not work: there is no driver for {device.path} ({device.alias})"
            yield Lack(device.module, text)
        else:
            text = f"no driver for {device.path} ({device.alias}), which works with {device.module} now"
            yield Lack(device.module, text, refused=False)


def _needs(kernel: Tables, needs: Iterable[Need]) -> Iterator[Lack]:
    for need in needs:
        modules = [name for name in need.modules if name not in kernel.modules]
        options = [f"CONFIG_{name}" for name in need.symbols if name not in kernel.symbols]
        for name in (*modules, *options):
            yield Lack(name, f"{need.name} would not work: {name} is missing ({need.why})")


def _watchdog(kernel: Tables) -> Iterator[Lack]:
    if SOFTDOG not in kernel.modules:
        yield Lack(SOFTDOG, "a hang would last: without a watchdog there is no safe trial boot")
