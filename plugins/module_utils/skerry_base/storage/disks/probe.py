"""What is there: lsblk, wipefs, the mount list, the kernel. Reads only; a disk that was probed is as it was."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...core.run import run
from . import mounts
from .model import CRYPT_NAME, GIB, MIB, Found, FoundDisk, Partition, Wanted

BY_ID = Path("/dev/disk/by-id")
_COLUMNS = (
    "NAME,PATH,TYPE,SIZE,SERIAL,MODEL,LOG-SEC,PHY-SEC,RO,PTTYPE,PTUUID,PARTLABEL,FSTYPE,MOUNTPOINTS,MAJ:MIN"
)
_SAMPLES, _SAMPLE = 256, 4096

Node = dict[str, Any]
"""A device as lsblk prints it."""


def look(wanted: Wanted) -> Found:
    """What the machine and the wanted disks are like now.

    Raises:
        CommandError: lsblk or wipefs failed.
    """
    mounted = mounts.read()
    system = mounts.layers(mounted) | _booted_from()
    trees = [_tree(disk.id) for disk in wanted.disks]
    nodes = [node for tree in trees if tree for node in walk(tree)]
    return Found(
        root=mounts.root(mounted).kind,
        memory=_memory(),
        disks=tuple(_look_at(tree, system) if tree else None for tree in trees),
        here=tuple(_named()),
        target_mounts=mounts.below(mounted, wanted.target),
        mapped=any(_is(node, "crypt") and node["name"] == CRYPT_NAME for node in nodes),
        arrays=tuple(dict.fromkeys(node["path"] for node in nodes if _is(node, "raid"))),
    )


def walk(tree: Node) -> Iterator[Node]:
    """A device and all that is built on it."""
    yield tree
    for child in tree.get("children", ()):
        yield from walk(child)


def disk(tree: Node, signs: Sequence[str], system: frozenset[str], busy: bool) -> FoundDisk:
    """A disk, from what lsblk prints of it and what else was seen."""
    nodes = list(walk(tree))
    partitions = [node for node in tree.get("children", ()) if node["type"] == "part"]
    held = [node for node in nodes if node is not tree and node["type"] != "part"]
    return FoundDisk(
        path=tree["path"],
        serial=(tree["serial"] or "").strip(),
        size=int(tree["size"]),
        kind=tree["type"],
        model=(tree["model"] or "").strip(),
        logical=int(tree["log-sec"]),
        physical=int(tree["phy-sec"]),
        read_only=bool(tree["ro"]),
        table=tree["ptuuid"] or "",
        partitions=tuple(_partition(node, tree["path"]) for node in partitions),
        signs=tuple(signs),
        mounts=tuple(dict.fromkeys(place for node in nodes for place in node["mountpoints"] if place)),
        holders=tuple(dict.fromkeys(f"{node['name']} ({node['type']})" for node in held)),
        carries_system=busy and any(node["maj:min"] in system for node in nodes),
        busy=busy,
    )


def signs(tree: Node, wiped: Sequence[Node], blank: bool) -> list[str]:
    """What says that a disk holds something.

    Args:
        tree: the disk, as lsblk prints it.
        wiped: what wipefs would take from it and its partitions.
        blank: whether samples of it read as erased storage.
    """
    found = [f"{one['device']}: {one['type']}" for one in wiped]
    known = {one["device"] for one in wiped}
    found += [
        f"{node['name']}: a partition" for node in tree.get("children", ()) if node["name"] not in known
    ]
    if not found and tree["pttype"]:
        found = [f"{tree['name']}: {tree['pttype']}"]
    if not found and not blank:
        found = [f"{tree['name']}: data of no kind that is known, perhaps encrypted"]
    return list(dict.fromkeys(found))


def _tree(name: str) -> Node | None:
    if not Path(name).is_block_device():
        return None
    path = os.path.realpath(name)
    listing: list[Node] = json.loads(run(["lsblk", "--json", "--bytes", "--output", _COLUMNS, path]))[
        "blockdevices"
    ]
    return listing[0]


def _look_at(tree: Node, system: frozenset[str]) -> FoundDisk:
    path = tree["path"]
    places = [path, *(node["path"] for node in tree.get("children", ()) if node["type"] == "part")]
    listing = run(["wipefs", "--no-act", "--json", *places])
    wiped = json.loads(listing)["signatures"] if listing.strip() else []
    return disk(tree, signs(tree, wiped, _is_blank(path, int(tree["size"]))), system, _is_busy(path))


def _partition(node: Node, path: str) -> Partition:
    number = int(node["path"].removeprefix(path).removeprefix("p"))
    return Partition(
        node["path"], number, node["partlabel"] or "", node["fstype"] or "", int(node.get("size") or 0)
    )


def _is(node: Node, kind: str) -> bool:
    return str(node["type"]).startswith(kind)


def _is_busy(path: str) -> bool:
    """Whether something has the disk or a partition of it for itself: mounts, arrays, mappings, guests."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_EXCL))
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return True
    return False


def _is_blank(path: str, size: int) -> bool:
    """Whether the first and last MiB and samples between them are erased."""
    places = [(0, MIB), (max(0, size - MIB), MIB)]
    places += [(size * index // _SAMPLES // _SAMPLE * _SAMPLE, _SAMPLE) for index in range(1, _SAMPLES)]
    with Path(path).open("rb", buffering=0) as device:
        for place, length in places:
            device.seek(place)
            if not _is_erased(device.read(length) or b""):
                return False
    return True


def _is_erased(data: bytes) -> bool:
    """Erased storage reads as zeros, or as ones."""
    return data in {bytes(len(data)), b"\xff" * len(data)}


def _memory() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:"))


def _booted_from() -> frozenset[str]:
    """The device that the kernel was told to take as root, where the running root was made from it and hides it."""
    for word in Path("/proc/cmdline").read_text(encoding="utf-8").split():
        key, _equals, value = word.partition("=")
        if key == "root":
            kind, _equals, name = value.rpartition("=")
            path = Path(f"/dev/disk/by-{kind.lower()}/{name}" if kind else name)
            if path.is_block_device():
                number = path.stat().st_rdev
                return frozenset({f"{os.major(number)}:{os.minor(number)}"})
    return frozenset()


def _named() -> Iterator[str]:
    """Each whole disk by the stable name that holds its serial, or the first one."""
    listing = run(["lsblk", "--json", "--bytes", "--nodeps", "--output", "PATH,TYPE,SIZE,SERIAL"])
    links = [(link, os.path.realpath(link)) for link in sorted(BY_ID.glob("*"))]
    for node in json.loads(listing)["blockdevices"]:
        names = [str(link) for link, path in links if path == node["path"]]
        if names and node["type"] == "disk":
            serial = node["serial"] or "none"
            name = next((name for name in names if name.endswith(serial)), names[0])
            yield f"{name} ({int(node['size']) / GIB:.1f} GiB, serial {serial})"
