"""The identities of what a plan made, read back from the disks. Reads only."""

from ..run import run
from .model import ARRAYS, BOOT, CRASH, ESP, MAPPED, ROOT, SWAP, TMP, DiskParts, Found, FoundDisk, Layout
from .plan import sector_size, source


def identify(found: Found) -> Layout:
    """What is on the disks, while root_crypt is open.

    Raises:
        CommandError: something of the layout is not there.
    """
    disks = [disk for disk in found.disks if disk]
    arrays = {name: _array(name) for name in ARRAYS.values()} if len(disks) == 2 else {}
    return Layout(
        luks=_uuid(source(disks, ROOT)),
        root=_uuid(MAPPED),
        swap=_stable(disks, SWAP, arrays),
        tmp=_stable(disks, TMP, arrays),
        sector_size=sector_size(disks),
        disks=tuple(_parts(disk) for disk in disks),
        arrays=arrays,
    )


def _parts(disk: FoundDisk) -> DiskParts:
    boot, esp = disk.partition(BOOT), disk.partition(ESP)
    crash = _part_uuid(disk.partition(CRASH)) if CRASH in disk.labels else ""
    return DiskParts(disk.path, _uuid(boot), _uuid(esp), _part_uuid(boot), _part_uuid(esp), crash)


def _stable(disks: list[FoundDisk], number: int, arrays: dict[str, str]) -> str:
    if arrays:
        return f"/dev/disk/by-id/md-uuid-{arrays[ARRAYS[number]]}"
    return f"PARTUUID={_part_uuid(disks[0].partition(number))}"


def _uuid(device: str) -> str:
    return _tag("UUID", device)


def _part_uuid(device: str) -> str:
    return _tag("PART_ENTRY_UUID", device)


def _tag(name: str, device: str) -> str:
    return run(["blkid", "--probe", "--match-tag", name, "--output", "value", device]).strip()


def _array(name: str) -> str:
    listing = run(["mdadm", "--detail", "--export", f"/dev/md/{name}"])
    values = dict(line.split("=", 1) for line in listing.splitlines() if "=" in line)
    return values["MD_UUID"]
