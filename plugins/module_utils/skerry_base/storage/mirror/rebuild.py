"""Wait for a mirror that is being rebuilt, and tell how far it is."""

from __future__ import annotations

import time

from ...core.errors import SkerryError
from . import arrays

_PAUSE = 2.0
_BEGINS = 60.0
"""Seconds within which a rebuilding begins, once a disk was taken in."""


def wait(until: float) -> str:
    """Wait until so many percent of the mirror are on both disks; tells how it stands then.

    Raises:
        SkerryError: half of it is missing, and nothing rebuilds it.
    """
    end = time.monotonic() + _BEGINS
    while True:
        found = arrays.look()
        now, percent = arrays.state(found), arrays.percent(found)
        if now in {"whole", "none"}:
            return now
        if percent >= until:
            return f"{percent} %"
        if now == "rebuilding":
            end = time.monotonic() + _BEGINS
        elif time.monotonic() > end:
            raise SkerryError(
                f"half of the mirror is missing, and nothing rebuilds it ({percent} % are on both disks)",
                "playbooks/disk/replace.yml takes a new disk into it; `dmesg` tells whether one failed.",
            )
        time.sleep(_PAUSE)
