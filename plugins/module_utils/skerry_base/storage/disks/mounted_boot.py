"""A mounted /boot: which one it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...core.run import CommandError, run


@dataclass(frozen=True)
class Boot:
    """A mounted /boot: its folder, the UUID of its file system, and the disk that it lies on, by the kernel's name."""

    path: Path
    uuid: str
    disk: str


def find(place: str) -> Boot | None:
    """The /boot mounted at ``place``; None where nothing is mounted there."""
    try:
        columns = ["--json", "--output", "SOURCE,UUID", "--nofsroot", "--mountpoint", place]
        # The last one is what is seen where one mount lies on another.
        mounted = json.loads(run(["findmnt", *columns]))["filesystems"][-1]
        disk = run(["lsblk", "--noheadings", "--nodeps", "--output", "PKNAME", mounted["source"]]).strip()
    except CommandError as error:
        if error.code not in {1, 32}:  # not mounted; its disk is gone
            raise
        return None
    return Boot(Path(place), mounted["uuid"], disk)
