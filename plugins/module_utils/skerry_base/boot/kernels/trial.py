"""A kernel's trial: begin it, take it back, settle how it ended, and have the kernel that proved itself stay."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ...core.errors import SkerryError
from ...core.run import run
from ..initramfs.checks import check
from ..initramfs.image import read_image
from ..initramfs.machine import probe
from ..initramfs.needs import needs_of
from ..sync.copy import synchronise
from . import devices, fit, machine, plan, record
from .platform import MIRROR, NEEDS
from .tables import read_tables

_APT_S = 900.0
_BROUGHT = Path("/var/cache/skerry/kernels")
_GUARD = "usr/lib/skerry/initramfs/trial"


def fits(version: str, root: Path = Path("/")) -> tuple[list[fit.Lack], tuple[str, ...]]:
    """What a kernel and its initramfs lack, and the modules that may drive a watchdog, the best first. Reads only.

    Raises:
        SkerryError: it, or the running kernel, is not installed whole, or its initramfs can't be read.
    """
    present = devices.present(root=root)
    aliases = [device.alias for device in present]
    kernel, now = read_tables(root, version, aliases), read_tables(root, os.uname().release, aliases)
    locked = probe(root)
    needs = (*NEEDS, MIRROR) if locked and locked.mirrored else NEEDS
    found = fit.lacking(kernel, fit.named(present, now), needs)
    image = read_image(root / f"boot/initrd.img-{version}")
    if locked:
        defects = check(image, needs_of(locked, root, version))
        # A full /boot says nothing of this kernel, and a trial that goes well makes room.
        bad = [one for one in defects if one.name != "boot-full"]
        found += [fit.Lack(one.name, f"initramfs: {one.text}. {one.hint}") for one in bad]
    found += fit.unguarded(kernel, image, (root / _GUARD).read_bytes())
    return found, fit.watchdogs(kernel, present)


def settle(*, before_menu: bool = False) -> record.Record:
    """Write down what is known of the kernels, and have GRUB's menu begin with the one that has proven itself.

    Args:
        before_menu: something else writes the menu right after this.

    Raises:
        SkerryError: the machine is not ours; nothing was changed.
    """
    found, old = machine.look(), record.load()
    plan.refuse_foreign(found)
    if not found.installed:
        raise SkerryError("/boot holds no kernel, so nothing can be said of them", "Is it mounted?")
    settled = plan.settle(old, found, machine.stages(), machine.now())
    if settled != old:
        record.save(settled)
    # Also what a disk of a mirror still has that was out when its trial ended.
    if not settled.trial and machine.offered(machine.boots()):
        machine.withdraw()
    if settled.default:
        machine.set_default(settled.default, plan.keep(settled, found))
        if not before_menu and not machine.menu_is_right(settled.default):
            machine.write_menu()
    return settled


def begin(version: str, *, unlock: int, prove: int, watchdog: int, older: bool) -> record.Trial:
    """Have the next boot, and only that one, be a trial of a kernel.

    Args:
        version: of the kernel.
        unlock: seconds within which somebody must unlock the machine.
        prove: seconds within which the kernel must have proven itself after that.
        watchdog: seconds without a sign of life after which the machine is reset.
        older: whether it may be older than the running one.

    Raises:
        SkerryError: it is refused; nothing was changed but what `settle` does, and a mirror's /boot made equal.
    """
    current, found = settle(), machine.look()
    plan.refuse(version, current, found, older=older)
    if not current.default:
        raise SkerryError(
            f"there is no proven kernel to come back to: the running {found.running} is not installed"
        )
    lacks, modules = fits(version)
    if refused := [lack for lack in lacks if lack.refused]:
        raise SkerryError(
            "\n    ".join([f"kernel {version} does not fit this machine", *(one.text for one in refused)])
        )
    # The firmware may choose either disk of a mirror: its menu must have the kernel.
    synchronise()
    trial = record.Trial(version, current.default, machine.now(), found.boot, prove, tuple(failed_units()))
    record.save(replace(current, trial=trial))
    try:
        machine.offer(version, unlock, watchdog, modules)
    except (SkerryError, OSError) as error:
        _forget()
        raise SkerryError(f"no trial was begun: {error}") from error
    return trial


def cancel() -> None:
    """Take a trial back that was not booted yet.

    Raises:
        SkerryError: it runs, or the machine is not ours.
    """
    found = machine.look()
    plan.refuse_foreign(found)
    current = record.load()
    if found.on_trial and current.trial:
        raise SkerryError(
            f"kernel {found.running} is on trial, and runs",
            "A reboot ends it: the old kernel is the default.",
        )
    if current.trial:
        _forget()


def _forget() -> None:
    record.save(replace(record.load(), trial=None))
    machine.withdraw()


def choose(version: str) -> None:
    """Have GRUB start a kernel that has proven itself, from the next boot on.

    Raises:
        SkerryError: it has not, a trial is under way, the machine is not ours, or GRUB's menu could not be written.
    """
    done = plan.choose(version, settle())
    record.save(done)
    _start(done)


def accept() -> None:
    """The kernel on trial has proven itself: it is the default from now on.

    Raises:
        SkerryError: it is not on trial, or GRUB's menu could not be written.
    """
    found = machine.look()
    done = plan.promote(record.load(), found, machine.now())
    record.save(done)
    machine.leave_trial(done.default)
    machine.withdraw()
    _start(done)


def _start(done: record.Record) -> None:
    """Have GRUB's menu begin with the default kernel."""
    machine.set_default(done.default, plan.keep(done, machine.look()))
    machine.write_menu()
    if not machine.menu_is_right(done.default):
        raise SkerryError(
            f"{machine.MENU} does not begin with kernel {done.default}", "`update-grub` there says why."
        )


def old() -> tuple[str, ...]:
    """The kernels that `remove_old` would remove. One that is of no package was put there by hand, and stays.

    Raises:
        SkerryError: the machine is not ours.
    """
    found = machine.look()
    plan.refuse_foreign(found)
    return tuple(_removable(plan.prune(record.load(), found)))


def remove_old() -> tuple[str, ...]:
    """Remove the packages of kernels that are not kept, and what they were installed from; returns the versions.

    Raises:
        SkerryError: apt did not remove them, or the machine is not ours.
    """
    gone = _removable(plan.prune(settle(), machine.look()))
    if gone:
        packages = [name for names in gone.values() for name in names]
        quiet = [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-q",
            "-y",
            "-o",
            "DPkg::Lock::Timeout=300",
        ]
        run([*quiet, "purge", *packages], timeout=_APT_S)
        for version in gone:
            for package in _BROUGHT.glob(f"linux-image-{version}_*.deb"):
                package.unlink()
    return tuple(gone)


def _removable(versions: Iterable[str]) -> dict[str, list[str]]:
    """Those that are of packages, each with these."""
    held = {version: machine.packages(version) for version in versions}
    return {version: names for version, names in held.items() if names}


def give_up(reason: str) -> None:
    """Write down why the kernel on trial is given up; the next boot is that of the old one."""
    current = record.load()
    if current.trial:
        record.save(replace(current, trial=replace(current.trial, ended=reason)))


def failed_units() -> list[str]:
    """The units that failed."""
    listed = run(["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"])
    return sorted(line.split()[0] for line in listed.splitlines() if line.strip())


def told() -> dict[str, Any]:
    """What `skerry-boot status` says of kernels."""
    current, found = record.load(), machine.look()
    return {
        "default": current.default,
        "proven": [one.version for one in current.proven],
        "unproven": sorted(version for version in found.installed if not current.is_proven(version)),
        "untried": plan.untried(current, found),
        "failed": plan.failed(current, found),
        "candidate": plan.candidate(current, found),
        "trial": current.trial.version if current.trial else "",
        "last_trial": asdict(current.outcomes[-1]) if current.outcomes else None,
    }
