"""Carry a plan out: the only room here that writes to disks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ...core.errors import SkerryError
from ...core.run import CommandError, run
from .model import CRYPT_NAME, MIB, ROOT
from .plan import (
    Close,
    Divide,
    Encrypt,
    Finish,
    Format,
    Mirror,
    Mount,
    Step,
    Stop,
    Subvolumes,
    Unmount,
    Wipe,
)

_SLOW = 900.0
"""Seconds for what takes minutes on slow storage or under emulation."""
_NODES_APPEAR = 20.0
_MAKERS = {
    "vfat": ["mkfs.vfat", "-F", "32"],
    "ext4": ["mkfs.ext4", "-q", "-F"],
    "btrfs": ["mkfs.btrfs", "--quiet", "--force"],
}


def carry_out(steps: Sequence[Step], passphrase: str = "") -> None:
    """Carry out the steps of a plan, in order.

    Args:
        steps: what `plan` decided for the machine as it is now.
        passphrase: of the encrypted volume; needed where one is made. It goes to cryptsetup's standard input only.

    Raises:
        SkerryError: a step failed. What was done so far stays, and the next run starts over.
    """
    for step in steps:
        if isinstance(step, Unmount):
            # What is unmounted below a shared bind mount (/dev) would vanish from the rescue system too.
            run(["mount", "--make-private", step.place])
    for step in steps:
        try:
            _carry_out(step, passphrase)
        except CommandError as error:
            raise SkerryError(f"could not {step}: {error}") from error


def _carry_out(step: Step, passphrase: str) -> None:
    match step:
        case Unmount():
            _unmount(step.place)
        case Divide():
            _divide(step)
        case Mirror():
            _mirror(step)
        case Encrypt():
            _encrypt(step, passphrase)
        case Subvolumes():
            _subvolumes(step)
        case _:
            for argv in _commands(step):
                run(argv, timeout=_SLOW)
            _settle()


def _commands(step: Close | Stop | Wipe | Format | Mount | Finish) -> list[list[str]]:
    """The steps that are nothing but programs."""
    match step:
        case Close():
            return [["cryptsetup", "close", CRYPT_NAME]]
        case Stop():
            return [["mdadm", "--quiet", "--stop", step.array]]
        case Wipe():
            return [
                ["wipefs", "--quiet", "--all", "--force", place] for place in (*step.partitions, step.disk)
            ]
        case Format():
            return [[*_MAKERS[step.kind], step.device]]
        case Mount():
            options = f"{step.options},X-mount.mkdir"
            return [["mount", "-t", step.kind, "-o", options, step.source, step.place]]
        case Finish():
            return [["sgdisk", f"--change-name={ROOT}:{step.label}", step.disk]]


def _unmount(place: str) -> None:
    try:
        run(["umount", place], timeout=_SLOW)
    except CommandError as error:
        raise SkerryError(
            f"could not unmount {place}: {error.stderr.strip()}",
            f"A process still works there: end it (`fuser --verbose --mount {place}` names it), then start again.",
        ) from error


def _divide(step: Divide) -> None:
    disk = step.disk
    words = ["sgdisk", "--clear", f"--set-alignment={MIB // disk.logical}", "--align-end"]
    for slot in step.slots:
        end = f"+{slot.size // MIB}M" if slot.size else "-1M"
        words += [
            f"--new={slot.number}:0:{end}",
            f"--typecode={slot.number}:{slot.code}",
            f"--change-name={slot.number}:{slot.label(step.index)}",
        ]
    run([*words, disk.path])
    for slot in step.slots:
        place = disk.partition(slot.number)
        _await(place)
        # What began at the same place in an older table would be found again.
        run(["wipefs", "--quiet", "--all", "--force", place])
    _settle()


def _mirror(step: Mirror) -> None:
    options = ["--run", "--level=1", "--metadata=1.2", "--bitmap=internal", "--homehost=any"]
    members = [f"--raid-devices={len(step.members)}", *step.members]
    run(["mdadm", "--create", step.path, *options, f"--name={step.name}", *members])
    _await(step.path)
    # The first comparison of the disks would fight the installation for them; it begins at the next boot.
    array = Path(step.path).resolve().name
    Path(f"/sys/block/{array}/md/sync_action").write_text("frozen", encoding="ascii")


def _encrypt(step: Encrypt, passphrase: str) -> None:
    if not passphrase:
        raise SkerryError("no passphrase was given", "Give luks_root_passphrase.")
    kind = ["--type", "luks2", "--cipher", "aes-xts-plain64", "--key-size", "512"]
    sector = ["--sector-size", str(step.sector_size)]
    key = ["--pbkdf", "argon2id", "--pbkdf-memory", str(step.memory // 1024), "--key-file", "-"]
    run(
        ["cryptsetup", "luksFormat", "--batch-mode", *kind, *sector, *key, step.device],
        stdin=passphrase, timeout=_SLOW,
    )  # fmt: skip
    run(["cryptsetup", "open", "--key-file", "-", step.device, CRYPT_NAME], stdin=passphrase, timeout=_SLOW)


def _subvolumes(step: Subvolumes) -> None:
    top = Path("/run/skerry-top")
    top.mkdir(mode=0o700, exist_ok=True)
    run(["mount", "-t", "btrfs", "-o", "subvolid=5", step.device, str(top)])
    try:
        for name in step.names:
            run(["btrfs", "subvolume", "create", str(top / name)])
        for name in step.plain:
            run(["btrfs", "property", "set", str(top / name), "compression", "none"])
    finally:
        run(["umount", str(top)])
        top.rmdir()


def _settle() -> None:
    """Wait until udev has made its links, and has let go of the disks."""
    run(["udevadm", "settle", "--timeout=60"], timeout=90)


def _await(place: str) -> None:
    """Wait for a device.

    Raises:
        SkerryError: it does not appear.
    """
    _settle()
    end = time.monotonic() + _NODES_APPEAR
    while not Path(place).is_block_device():
        if time.monotonic() > end:
            raise SkerryError(
                f"{place} did not appear", "The kernel may still use the old table: reboot the rescue system."
            )
        time.sleep(0.1)
