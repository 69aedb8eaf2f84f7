"""Our partitions on the disks of a machine, found by the names that the installation gave them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ...core.errors import SkerryError
from ...core.run import run
from ...storage.disks.model import UNFINISHED

_LABEL = re.compile(r"skerry-(bios|esp|boot|swap|tmp|crash|root)([01])")
# Only with NAME does lsblk list what lies on a device below it.
_COLUMNS = "NAME,PATH,TYPE,PARTLABEL,PARTUUID,FSTYPE,UUID"

Node = dict[str, Any]
"""A device as lsblk prints it."""


@dataclass(frozen=True)
class Part:
    """One of our partitions, on the disk with this index.

    Attributes:
        content: what lies in it: ext4, vfat, crypto_LUKS, linux_raid_member.
        uuid: of that content.
        array: the array that runs on it; empty where none does.
        array_content: what lies in that.
    """

    role: str
    index: int
    disk: str
    path: str
    part_uuid: str
    content: str
    uuid: str
    array: str = ""
    array_content: str = ""


@dataclass(frozen=True)
class Parts:
    """All of them."""

    all: tuple[Part, ...]

    def of(self, role: str) -> tuple[Part, ...]:
        """Those of a role, by the index of their disk."""
        return tuple(sorted((part for part in self.all if part.role == role), key=lambda part: part.index))

    @property
    def mirrored(self) -> bool:
        """Whether the root lies on an array."""
        return any(part.content == "linux_raid_member" for part in self.of("root"))


def look() -> Parts:
    """Our partitions on this machine.

    Raises:
        SkerryError: there is no finished installation, or more than one.
    """
    listing = run(["lsblk", "--json", "--output", _COLUMNS])
    return parse(json.loads(listing)["blockdevices"])


def parse(disks: Iterable[Node]) -> Parts:
    """As `look`, from what lsblk prints."""
    devices = list(disks)
    labels = [node["partlabel"] or "" for disk in devices for node in disk.get("children", ())]
    parts = tuple(_parts(devices))
    roots = [part for part in parts if part.role == "root"]
    if not roots and any(label.startswith(UNFINISHED) for label in labels):
        raise SkerryError(
            "the installation on these disks was never brought to its end",
            "Run playbooks/install.yml again: it starts over.",
        )
    if not roots:
        raise SkerryError(
            f"no disk of this machine has a partition called skerry-root0; there are: {_list(devices)}",
            "Is it the right server? Are its disks there? `lsblk -o NAME,SIZE,SERIAL,PARTLABEL` shows them.",
        )
    twice = {part.index for part in roots if sum(part.index == other.index for other in roots) > 1}
    if twice:
        paths = ", ".join(part.path for part in roots)
        raise SkerryError(
            f"several disks hold an installation: {paths}", "Unplug what does not belong to this server."
        )
    return Parts(parts)


def _parts(disks: Iterable[Node]) -> Iterator[Part]:
    for disk in disks:
        for node in disk.get("children", ()):
            named = _LABEL.fullmatch(node["partlabel"] or "")
            if named and node["type"] == "part":
                array: Node = next(
                    (one for one in node.get("children", ()) if one["type"].startswith("raid")), {}
                )
                yield Part(
                    named[1], int(named[2]), disk["path"], node["path"], node["partuuid"] or "",
                    node["fstype"] or "", node["uuid"] or "", array.get("path", ""), array.get("fstype") or "",
                )  # fmt: skip


def _list(disks: Iterable[Node]) -> str:
    return ", ".join(disk["path"] for disk in disks if disk["type"] == "disk") or "none"
