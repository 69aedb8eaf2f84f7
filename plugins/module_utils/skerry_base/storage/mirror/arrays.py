"""The arrays of a mirror, as the kernel shows them. Reads only."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..disks.model import ARRAYS

_SECTOR, _KIB = 512, 1024
_NAMED = Path("/dev/md")


@dataclass(frozen=True)
class Array:
    """An md array."""

    number: int
    """Of the partitions that it is made of: SWAP, TMP, ROOT."""
    device: str
    """Its kernel name: md127."""
    disks: int
    """How many it should have."""
    missing: int
    """How many of them it lacks; one that is being rebuilt still counts as missing."""
    members: tuple[str, ...]
    """The partitions in it by their kernel names, those that are being rebuilt too, and no dead ones."""
    whole: tuple[str, ...]
    """Those of them that hold everything."""
    size: int
    """Bytes that it takes of each partition, with what md keeps before them."""
    rebuilt: float | None = None
    """How much of the rebuilding is done, 0 to 1; None where none runs or waits."""


def look(sys: Path = Path("/sys")) -> tuple[Array, ...]:
    """The arrays of our mirror that run; none without a mirror."""
    named = {number: _NAMED / name for number, name in ARRAYS.items()}
    return tuple(read(number, path.resolve().name, sys) for number, path in named.items() if path.exists())


def read(number: int, device: str, sys: Path = Path("/sys")) -> Array:
    """An array, by its kernel name."""
    folder = sys / "class/block" / device / "md"
    states = {member: _states(member) for member in sorted(folder.glob("dev-*"))}
    alive = [member for member, state in states.items() if "faulty" not in state]
    whole = [member for member in alive if "in_sync" in states[member]]
    missing = int(_word(folder / "degraded"))
    before = max((int(_word(member / "offset")) for member in alive), default=0) * _SECTOR
    return Array(
        number=number,
        device=device,
        disks=int(_word(folder / "raid_disks")),
        missing=missing,
        members=tuple(member.name.removeprefix("dev-") for member in alive),
        whole=tuple(member.name.removeprefix("dev-") for member in whole),
        size=int(_word(folder / "component_size")) * _KIB + before,
        rebuilt=_done(_word(folder / "sync_completed")) if missing and len(alive) > len(whole) else None,
    )


def state(arrays: Iterable[Array]) -> str:
    """In a word: none, whole, half, or rebuilding where every missing half is on its way."""
    lacking = [array for array in arrays if array.missing]
    if not lacking:
        return "whole" if arrays else "none"
    return "half" if any(array.rebuilt is None for array in lacking) else "rebuilding"


def percent(arrays: Iterable[Array]) -> float:
    """How much of all that the mirror holds is on both disks; 100 only where nothing is missing."""
    every = list(arrays)
    done = sum(array.size * (1 - array.missing * (1 - (array.rebuilt or 0))) for array in every)
    if not any(array.missing for array in every):
        return 100.0
    # Not rounded up: of a large disk the last twentieth of a percent takes longer than a look.
    return min(99.9, math.floor(1000 * done / sum(array.size for array in every)) / 10)


def _states(member: Path) -> set[str]:
    return set(_word(member / "state").split(","))


def _done(progress: str) -> float:
    """Of "done / all" in sectors; 0 where it has not begun and says something else ("none", "delayed")."""
    done, _slash, total = progress.partition(" / ")
    return int(done) / int(total) if total else 0.0


def _word(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()
