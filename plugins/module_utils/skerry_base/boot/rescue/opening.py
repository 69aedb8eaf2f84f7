"""Open and mount an installed server below a folder, and close it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import SkerryError
from ...core.run import CommandError, run
from ...storage.disks import mounts, safe
from ...storage.disks.carry import carry_out
from ...storage.disks.model import ARRAYS, CRYPT_NAME, MAPPED, ROOT, boot_place
from ...storage.disks.plan import SUBVOLUMES, Close, Stop, Unmount
from ...storage.luks import cryptsetup
from .parts import Part, Parts

_SLOW = 900.0


@dataclass(frozen=True)
class Place:
    """Where something is mounted."""

    source: str
    place: str
    kind: str
    options: str


def refuse_running() -> None:
    """Refuse to work on anything but a rescue system.

    Raises:
        SkerryError: the running root is a disk's.
    """
    kind = mounts.root(mounts.read()).kind
    if kind not in safe.IN_MEMORY:
        raise SkerryError(
            f"this is not a rescue system: its root is {kind}, on a disk",
            "A server that runs is mended from within: `skerry-boot check` says what is wrong with its initramfs.",
        )


def places(parts: Parts, target: str, *, write: bool) -> Iterator[Place]:
    """What is mounted where, in this order."""
    only = "" if write else ",ro"
    for volume in SUBVOLUMES:
        yield Place(MAPPED, f"{target}{volume.place}".rstrip("/"), "btrfs", f"{volume.mount_options}{only}")
    for boot in parts.of("boot"):
        place = f"{target}{boot_place(boot.index)}"
        yield Place(boot.path, place, "ext4", f"noatime{only or ',rw'}")
        for esp in parts.of("esp"):
            if esp.index == boot.index:
                yield Place(esp.path, f"{place}/efi", "vfat", f"umask=0077{only or ',rw'}")


def volume(parts: Parts) -> str:
    """The device that holds the encrypted volume; an array is started.

    Raises:
        SkerryError: it can't be started, or there is no LUKS header.
    """
    roots = parts.of("root")
    if not parts.mirrored:
        return _with_header(roots[0].path, roots[0].content)
    running = next((part for part in roots if part.array and part.array_content), None)
    if running:
        return _with_header(running.array, running.array_content)
    array = f"/dev/md/{ARRAYS[ROOT]}"
    members = [part.path for part in roots if part.content == "linux_raid_member"]
    for half in {part.array for part in roots if part.array}:
        run(["mdadm", "--quiet", "--stop", half])
    # --run: half a mirror is as good as a whole one to be opened.
    run(["mdadm", "--quiet", "--assemble", "--run", array, *members])
    run(["udevadm", "settle", "--timeout=60"], timeout=90)
    return _with_header(array, "crypto_LUKS" if cryptsetup.uuid(array) else "")


def unlock(device: str, passphrase: str, *, write: bool) -> None:
    """Open the encrypted volume.

    Raises:
        SkerryError: the passphrase is wrong.
    """
    only = [] if write else ["--readonly"]
    try:
        words = ["cryptsetup", "open", *only, "--key-file", "-", device, CRYPT_NAME]
        run(words, stdin=passphrase, timeout=_SLOW)
    except CommandError as error:
        if error.code != cryptsetup.NO_KEY:
            raise
        raise SkerryError(f"the passphrase does not open {device}", "Nothing was changed.") from error


def mount(parts: Parts, target: str, *, write: bool) -> list[str]:
    """Mount everything; what could not be mounted of /boot and the ESPs, in words.

    Raises:
        SkerryError: the root can't be mounted.
    """
    wrong = []
    for one in places(parts, target, write=write):
        try:
            made = ["-o", f"{one.options},X-mount.mkdir"]
            run(["mount", "-t", one.kind, *made, one.source, one.place], timeout=_SLOW)
        except CommandError as error:
            if one.source == MAPPED:
                raise SkerryError(f"could not mount the root file system: {error}") from error
            wrong.append(f"{one.source} can't be mounted at {one.place.removeprefix(target)}: {error}")
    return wrong


def close(parts: tuple[Part, ...], target: str) -> None:
    """Unmount everything, close the volume, stop the arrays; what is not open stays as it is."""
    found = mounts.below(mounts.read(), target)
    steps: list[Unmount | Close | Stop] = [Unmount(place, "done") for place in reversed(found)]
    if Path(MAPPED).exists():
        steps.append(Close("done"))
    steps += [Stop(array, "done") for array in dict.fromkeys(part.array for part in parts if part.array)]
    carry_out(steps)


def _with_header(device: str, content: str) -> str:
    if content != "crypto_LUKS":
        raise SkerryError(
            f"{device} holds no LUKS header",
            "If there is a backup of it: playbooks/keys/restore.yml -e keys_device=" + device,
        )
    return device
