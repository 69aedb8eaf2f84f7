"""The machine as far as its kernels go: what is read of it, and what changes what it starts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ...core.files import aside_of, sha256, write_whole
from ...core.run import run, run_or_empty
from ...storage.disks.model import boot_place
from ...storage.disks.mounted_boot import Boot, find
from ..initramfs.machine import INSTALLED
from . import plan
from .tables import installed_kernels

MENU = Path("/boot/grub/grub.cfg")
PROVEN = Path("/run/skerry-boot-proven")
"""Says to the guard of a trial boot that it may go."""
_TOP_LEVEL = Path("/etc/default/grub.d/zz-skerry-kernel.cfg")
_PROTECTION = Path("/etc/apt/apt.conf.d/53skerry-kernels")
_SECURE_BOOT = Path("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
_TRIAL_ENTRY, _NOTE = f"grub/{plan.ENTRY}.cfg", "skerry-trial"
"""Below a /boot: the menu's entry for a trial boot, and how far that came."""
_UPDATE_S = 600.0


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def look() -> plan.Found:
    """The machine as it is."""
    root = Path("/")
    return plan.Found(
        running=os.uname().release,
        installed={name: sha256(root / f"boot/vmlinuz-{name}") for name in installed_kernels(root)},
        boot=Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        on_trial="skerry.trial=" in Path("/proc/cmdline").read_text(),
        secure_boot=_SECURE_BOOT.exists() and _SECURE_BOOT.read_bytes()[4:] == b"\1",
        ours=(root / INSTALLED).exists(),
        followed=plan.followed(_packages("${db:Status-Status}\t${Package}\t${Depends}\n", "linux-image*")),
    )


def packages(version: str) -> list[str]:
    """The installed packages that hold a kernel's files: one, or several in newer editions of Debian's."""
    # One pattern: of several names dpkg-query fails where one of them is unknown.
    return plan.holders(_packages("${db:Status-Status}\t${Package}\n", f"linux-*-{version}"), version)


def stages() -> list[str]:
    """How far a trial came, as each /boot has it."""
    notes = [boot.path / _NOTE for boot in boots()]
    return [note.read_text().strip() for note in notes if note.exists()]


def boots() -> Iterator[Boot]:
    """Each mounted /boot: one, or two in a mirror."""
    first, second = find(boot_place(0)), find(boot_place(1))
    yield from (boot for boot in (first,) if boot)
    yield from (boot for boot in (second,) if boot and not (first and first.uuid == boot.uuid))


def offer(version: str, unlock: int, watchdog: int, modules: tuple[str, ...]) -> None:
    """Have the next boot, and only that one, be a trial of this kernel.

    Raises:
        SkerryError: GRUB's menu has no entry for it, or GRUB's environment can't be written.
    """
    for boot in boots():
        menu = (boot.path / "grub/grub.cfg").read_text()
        text = plan.entry(menu, version, plan.words(boot.uuid, unlock, watchdog, modules))
        (boot.path / _NOTE).unlink(missing_ok=True)
        write_whole(boot.path / _TRIAL_ENTRY, text)
        run(["grub-editenv", str(boot.path / "grub/grubenv"), "set", f"next_entry={plan.ENTRY}"])
    os.sync()


def offered(places: Iterable[Boot]) -> bool:
    """Whether any /boot has a trial: as its next boot, as an entry of its menu, or as a note of the last one."""
    return any(
        (boot.path / _TRIAL_ENTRY).exists()
        or (boot.path / _NOTE).exists()
        or f"next_entry={plan.ENTRY}\n" in _text(boot.path / "grub/grubenv")
        for boot in places
    )


def withdraw() -> None:
    """No trial boot any more, neither the next one nor a note of the last one."""
    for boot in boots():
        # First what a full disk takes, too: without its entry, a trial that is named does not start.
        for name in (_TRIAL_ENTRY, aside_of(Path(_TRIAL_ENTRY)), _NOTE):
            (boot.path / name).unlink(missing_ok=True)
        run(["grub-editenv", str(boot.path / "grub/grubenv"), "unset", "next_entry"])
    os.sync()


def leave_trial(version: str) -> None:
    """The boot goes on as one that is none of a trial: nothing guards it, and it bears what the kernel itself bears."""
    PROVEN.touch()
    if "\nCONFIG_PANIC_ON_OOPS=y\n" not in _text(Path(f"/boot/config-{version}")):
        Path("/proc/sys/kernel/panic_on_oops").write_text("0")


def set_default(version: str, kept: Iterable[str]) -> None:
    """Have GRUB's menu, when it is next written, begin with this kernel, and apt leave those that are to be kept alone."""
    for path, text in ((_TOP_LEVEL, plan.top_level(version)), (_PROTECTION, plan.protection(kept))):
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)


def write_menu() -> None:
    """Write GRUB's menu anew."""
    run(["update-grub"], timeout=_UPDATE_S)


def menu_is_right(default: str) -> bool:
    """Whether GRUB's menu begins with this kernel, and takes up a trial's entry."""
    menu = MENU.read_text()
    return plan.first(menu) == default and f"{plan.ENTRY}.cfg" in menu


def _packages(columns: str, pattern: str) -> str:
    """What dpkg knows of packages; nothing where it knows none."""
    return run_or_empty(["dpkg-query", "--show", f"--showformat={columns}", pattern])


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
