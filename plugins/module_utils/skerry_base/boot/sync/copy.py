"""Keep /boot, and the EFI system partition below it, the same on both disks of a mirror."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from ...core.errors import SkerryError
from ...core.files import sync_folder
from ...core.locks import locked
from ...storage.disks.model import boot_place
from ...storage.disks.mounted_boot import Boot, find
from ...storage.layers import root_layers
from ..initramfs.checks import check
from ..initramfs.image import read_image
from ..initramfs.machine import Machine, probe
from ..initramfs.needs import needs_of
from .plan import ASIDE, MENU, Copy, Entry, Remove, is_shared, menu, steps

_LOCK = Path("/run/skerry-boot.lock")
_IMAGE = "initrd.img-"
_LEAST = ("vmlinuz-", _IMAGE, MENU)
"""What a /boot has at least, by the beginning of its name."""

Steps: TypeAlias = "tuple[Copy | Remove, ...]"


def synchronise(first: int = 0) -> Steps | None:
    """Bring the other disk's /boot to what that of the disk with the index ``first`` is.

    Returns:
        What was done; None where there are no two of them: a single disk, or half a mirror.

    Raises:
        SkerryError: the first is not fit to be copied, or the copy failed; the other one still boots as before.
    """
    source, target = find(boot_place(first)), find(boot_place(1 - first))
    if source is None or target is None or source.uuid == target.uuid:
        return None
    members = {layer.name for layer in root_layers(Path("/")) if layer.kind == "disk"}
    if source.disk not in members:
        raise SkerryError(
            f"{source.path} lies on {source.disk}, which is no part of the mirror now: it may be out of date",
            "Nothing was copied. playbooks/disk/replace.yml takes the disk into the mirror again.",
        )
    with locked(_LOCK):  # a kernel's hook and a change of the menu may come at once
        return copy(source, target)


def copy(source: Boot, target: Boot) -> Steps:
    """Make ``target`` equal to ``source``; returns what was done.

    Raises:
        SkerryError: the source is not fit to be copied, or the copy failed.
    """
    # An EFI system partition that is not mounted is not an empty one.
    esp = all(os.path.ismount(boot.path / "efi") for boot in (source, target))
    with _reading(source):
        names = list(_names(source.path, esp))
    if lacking := [least for least in _LEAST if not any(name.startswith(least) for name in names)]:
        raise SkerryError(f"{source.path} has no {lacking[0]}…: it does not boot, and was not copied")
    with _reading(source):
        wanted = {name: _entry(source, name, target.uuid) for name in names}
    with _reading(target):
        there = {name: _entry(target, name, target.uuid) for name in _names(target.path, esp)}
    todo = steps(wanted, there)
    _refuse_bad(source, [step.name for step in todo if isinstance(step, Copy)])
    shutil.copymode(source.path, target.path)
    for step in todo:
        try:
            _carry_out(step, source, target)
        except OSError as error:
            full = error.errno == errno.ENOSPC
            raise SkerryError(
                f"{target.path}: could not {step} from {source.path}: {error.strerror}",
                "Remove old kernels: apt autoremove --purge." if full else "It boots as before.",
            ) from error
    return todo


@contextmanager
def _reading(boot: Boot) -> Iterator[None]:
    """A /boot that can't be read is never taken for one that lacks something."""
    try:
        yield
    except OSError as error:
        raise SkerryError(
            f"{boot.path}: could not read {error.filename}: {error.strerror}",
            f"Nothing was copied. `dmesg` tells whether its disk {boot.disk} fails.",
        ) from error


def _names(boot: Path, esp: bool) -> Iterator[str]:
    """The names, below a /boot, of what should be the same on both.

    Raises:
        OSError: a folder can't be read.
    """

    def stop(error: OSError) -> None:
        raise error

    for folder, folders, files in os.walk(boot, onerror=stop):
        folders[:] = [name for name in folders if esp or Path(folder, name) != boot / "efi"]
        for name in files:
            below = str(Path(folder, name).relative_to(boot))
            if is_shared(below):
                yield below


def _entry(boot: Boot, name: str, uuid: str) -> Entry:
    path = boot.path / name
    if path.is_symlink():
        return Entry(0, f"to {path.readlink()}")
    if name == MENU:
        digest = hashlib.blake2b(menu(path.read_bytes(), boot.uuid, uuid)).hexdigest()
    else:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "blake2b").hexdigest()
    return Entry(path.stat().st_mode, digest)


def _refuse_bad(source: Boot, names: Sequence[str]) -> None:
    """Never copy an initramfs that could not be unlocked: the other disk still has the one before it."""
    images = [name for name in names if name.startswith(_IMAGE)]
    machine = probe(Path("/")) if images else None
    if machine:
        for name in images:
            _refuse_bad_image(machine, source.path / name)


def _refuse_bad_image(machine: Machine, image: Path) -> None:
    version = image.name.removeprefix(_IMAGE)
    for defect in check(read_image(image), needs_of(machine, Path("/"), version)):
        raise SkerryError(
            f"{image} is bad ({defect.name}: {defect.text}), and was not copied",
            "The other disk still boots as before. `skerry-boot check` tells all of it.",
        )


def _carry_out(step: Copy | Remove, source: Boot, target: Boot) -> None:
    goal = target.path / step.name
    if isinstance(step, Remove):
        goal.unlink()
    else:
        goal.parent.mkdir(parents=True, exist_ok=True)
        aside = goal.with_name(f"{ASIDE}{goal.name}")
        aside.unlink(missing_ok=True)
        _write(source.path / step.name, aside, (source.uuid, target.uuid) if step.name == MENU else None)
        aside.replace(goal)
    sync_folder(goal.parent)


def _write(source: Path, aside: Path, uuids: tuple[str, str] | None) -> None:
    """A copy that lies on the disk, whole, before it takes its name."""
    if source.is_symlink():
        aside.symlink_to(source.readlink())
        return
    aside.touch(mode=0o600, exist_ok=False)
    with source.open("rb") as old, aside.open("wb") as new:
        if uuids:
            new.write(menu(old.read(), *uuids))
        else:
            shutil.copyfileobj(old, new)
        new.flush()
        shutil.copymode(source, aside)
        os.fsync(new.fileno())
