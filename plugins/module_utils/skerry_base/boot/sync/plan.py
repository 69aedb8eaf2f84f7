"""What one disk's /boot lacks to be equal to the other's. Pure.

Each disk boots from itself alone, whatever became of the other one. So its GRUB image, which names its own /boot, and its
grubenv are its own; its menu is the other's with the UUID of its own /boot in it; everything else is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MENU = "grub/grub.cfg"
_TRIAL = ("grub/skerry-trial.cfg", "skerry-trial")
_OWN = ("lost+found/", "grub/grubenv", "grub/i386-pc/", "grub/x86_64-efi/", "efi/EFI/BOOT/", *_TRIAL)
"""What grub-install makes for one disk, what GRUB writes while it boots, a kernel's trial; folders end with a slash."""
ASIDE = ".skerry-new-"
"""How the name of a file begins that is being copied."""
_UNFINISHED = (".new", ".dpkg-new", ".dpkg-tmp")


@dataclass(frozen=True)
class Entry:
    """A file or a symbolic link, as far as it matters whether two of them are the same."""

    mode: int
    digest: str


@dataclass(frozen=True)
class Copy:
    """Bring a file, by its name below /boot."""

    name: str

    def __str__(self) -> str:
        return f"copy {self.name}"


@dataclass(frozen=True)
class Remove:
    """Take a file away that the other one does not have."""

    name: str

    def __str__(self) -> str:
        return f"remove {self.name}"


def is_shared(name: str) -> bool:
    """Whether a file, by its name below /boot, should be the same on both disks."""
    last = name.rpartition("/")[2]
    own = name.startswith(tuple(folder for folder in _OWN if folder.endswith("/"))) or name in _OWN
    return not own and not last.endswith(_UNFINISHED) and not last.startswith(ASIDE)


def steps(source: Mapping[str, Entry], target: Mapping[str, Entry]) -> tuple[Copy | Remove, ...]:
    """What makes ``target`` equal to ``source``, in an order in which each step leaves a /boot that boots.

    Kernels and initramfs come first, then the menu that names them, and last what no menu names any more.
    """
    return (*_copies(source, target), *(Remove(name) for name in sorted(target) if name not in source))


def menu(text: bytes, source_uuid: str, target_uuid: str) -> bytes:
    """The menu of the disk whose /boot has ``target_uuid``, from the other one's."""
    return text.replace(source_uuid.encode(), target_uuid.encode())


def _copies(source: Mapping[str, Entry], target: Mapping[str, Entry]) -> Iterator[Copy]:
    changed = (name for name in source if source[name] != target.get(name))
    yield from (Copy(name) for name in sorted(changed, key=lambda name: (name == MENU, name)))
