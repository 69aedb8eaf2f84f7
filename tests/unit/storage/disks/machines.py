"""Machines for the tests of what is refused and planned."""

from dataclasses import replace

from skerry_base.storage.disks.model import GIB, Found, FoundDisk, Partition, Sizes, Wanted, WantedDisk

SIZES = Sizes(esp=GIB // 4, boot=GIB, swap=GIB, tmp=GIB)


def disk(letter: str = "a", **changes) -> FoundDisk:
    """A blank disk of 16 GiB; its serial is S and its letter."""
    return replace(FoundDisk(path=f"/dev/sd{letter}", serial=f"S{letter}", size=16 * GIB), **changes)


def used(letter: str, label: str, **changes) -> FoundDisk:
    """A disk that an installation of ours has divided; `label` is what its root partition is called."""
    path = f"/dev/sd{letter}"
    parts = (Partition(f"{path}3", 3, "skerry-boot0"), Partition(f"{path}7", 7, label))
    return disk(letter, partitions=parts, signs=(f"{path}: gpt",), table=f"TABLE-{letter}", **changes)


def wanted(*letters: str, wipe: tuple[str, ...] = (), **changes) -> Wanted:
    """These disks, by name and serial."""
    disks = tuple(WantedDisk(f"/dev/disk/by-id/ata-S{letter}", f"S{letter}") for letter in letters or "a")
    return replace(Wanted(disks, frozenset(wipe), SIZES), **changes)


def rescue(*disks: FoundDisk | None, **changes) -> Found:
    """A rescue system with 4 GiB of RAM that has found these disks."""
    return replace(Found(root="overlay", memory=4 * GIB, disks=disks or (disk(),)), **changes)
