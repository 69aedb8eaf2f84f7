"""A new disk in a dead one's place: look, and carry out what was planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...core.errors import SkerryError
from ...core.run import CommandError, run
from ..disks import carry, probe
from ..disks.identify import identify
from ..disks.model import BOOT, ESP, Found, Layout, Wanted, boot_place
from ..disks.mounted_boot import Boot, find
from . import arrays
from .replace_plan import Bootable, Forget, Join, Leave, Remount, Step

_PLACE = Path("/run/skerry-mirror")
"""Where the new disk's /boot is mounted until it boots."""
_SLOW = 900.0

CopyBoot = Callable[[Boot, Boot], object]


def look(wanted: Wanted) -> tuple[Found, tuple[arrays.Array, ...]]:
    """The disks that are named, and the arrays that run."""
    return probe.look(wanted), arrays.look()


def layout(wanted: Wanted) -> Layout:
    """What is on the mirror's disks now."""
    return identify(wanted, probe.look(wanted))


def mounted() -> list[str]:
    """UUIDs of what is mounted as the /boot of each disk; empty where nothing is."""
    found = (find(boot_place(index)) for index in (0, 1))
    return [one.uuid if one else "" for one in found]


def carry_out(steps: Sequence[Step], copy_boot: CopyBoot) -> None:
    """Carry out the steps of a plan, in order.

    Args:
        steps: what `replace_plan` decided for the machine as it is now.
        copy_boot: makes a /boot, the second, equal to another one.

    Raises:
        SkerryError: a step failed. The mirror runs on as before, and the next run starts over.
    """
    for step in steps:
        try:
            match step:
                case Forget() | Leave() | Join() | Remount():
                    for argv in _commands(step):
                        run(argv, timeout=_SLOW)
                case Bootable():
                    _make_bootable(step, copy_boot)
                case _:
                    carry.carry_out([step])
        except CommandError as error:
            raise SkerryError(f"could not {step}: {error}") from error


def _commands(step: Forget | Leave | Join | Remount) -> list[list[str]]:
    match step:
        case Forget():
            return [["mdadm", "--quiet", step.array, "--remove", which] for which in ("failed", "detached")]
        case Leave():
            leave = ["mdadm", "--quiet", step.array]
            return [[*leave, "--fail", step.partition], [*leave, "--remove", step.partition]]
        case Join():
            return [["mdadm", "--quiet", step.array, "--add", step.partition]]
        case Remount():
            away = [["umount", "--recursive", "--lazy", step.place]] if Path(step.place).is_mount() else []
            return [
                *away,
                ["systemctl", "daemon-reload"],
                ["mount", step.place],
                ["mount", f"{step.place}/efi"],
                # It watches the file that was there.
                ["systemctl", "restart", "skerry-boot-sync.path"],
            ]


def _make_bootable(step: Bootable, copy_boot: CopyBoot) -> None:
    source = find(step.source)
    if source is None:
        raise SkerryError(
            f"{step.source} is not mounted: nothing to copy from", f"Mount it: mount {step.source}."
        )
    options = ["-o", "nodev,nosuid,X-mount.mkdir"]
    run(["mount", "-t", "ext4", *options, step.disk.partition(BOOT), str(_PLACE)])
    try:
        run(["mount", "-t", "vfat", *options, "-o", "umask=0077", step.disk.partition(ESP), f"{_PLACE}/efi"])
        folder = f"--boot-directory={_PLACE}"
        run(["grub-install", "--target=i386-pc", folder, step.disk.path], timeout=_SLOW)
        efi = ["--target=x86_64-efi", "--removable", "--no-nvram", f"--efi-directory={_PLACE}/efi"]
        run(["grub-install", *efi, folder], timeout=_SLOW)
        target = find(str(_PLACE))
        if target:
            copy_boot(source, target)
    finally:
        run(["umount", "--recursive", str(_PLACE)], timeout=_SLOW)
        _PLACE.rmdir()
