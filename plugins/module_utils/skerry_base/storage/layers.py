"""What a mounted root lies on, from its file system down to the disks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.run import run, run_or_empty


@dataclass(frozen=True)
class Layer:
    """A block device: its kernel name, what kind it is (crypt, raid1, part, disk), what lies in it, and that one's UUID."""

    name: str
    kind: str
    content: str
    uuid: str

    @property
    def is_luks(self) -> bool:
        """Whether it holds a LUKS header."""
        return self.content == "crypto_LUKS"

    @property
    def is_mirror(self) -> bool:
        """Whether it is an md array."""
        return self.kind.startswith("raid")


def root_layers(root: Path) -> tuple[Layer, ...]:
    """The layers below the file system mounted on ``root``, its own first; none where no block device is mounted there."""
    wanted = ["--noheadings", "--nofsroot", "--output", "SOURCE", "--mountpoint", str(root)]
    source = run_or_empty(["findmnt", *wanted]).strip()
    if not source.startswith("/dev/"):
        return ()
    found = run(["lsblk", "--json", "--inverse", "--output", "KNAME,TYPE,FSTYPE,UUID", source])
    layers = _flat(json.loads(found)["blockdevices"])
    # In a mirror lsblk lists what both disks carry before what lies on it.
    own = Path(source).resolve().name
    return tuple(sorted(layers, key=lambda layer: layer.name != own))


def _flat(devices: list[dict[str, Any]]) -> Iterator[Layer]:
    for one in devices:
        yield Layer(one["kname"], one["type"], one["fstype"] or "", one["uuid"] or "")
        yield from _flat(one.get("children", []))
