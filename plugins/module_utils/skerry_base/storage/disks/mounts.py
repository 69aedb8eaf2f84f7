"""What is mounted, as the kernel lists it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LIST = Path("/proc/self/mountinfo")
_OVERLAID = re.compile(r"(?:lowerdir\+?|upperdir|datadir\+?)=([^,]*)")


@dataclass(frozen=True)
class Mounted:
    """One mount."""

    place: str
    device: str
    """Major and minor number of what is mounted: 259:1."""
    kind: str
    options: str
    """Those of the file system, as opposed to those of the mount."""


def read() -> tuple[Mounted, ...]:
    """Everything that is mounted, in the order it was mounted."""
    return tuple(parse(_LIST.read_text(encoding="utf-8")))


def parse(listing: str) -> Iterable[Mounted]:
    """The mounts of a mountinfo file: see proc_pid_mountinfo(5)."""
    for line in listing.splitlines():
        before, _dash, after = line.partition(" - ")
        _id, _parent, device, _root, place, *_more = before.split(" ")
        kind, _source, *options = after.split(" ")
        yield Mounted(_unescaped(place), device, kind, _unescaped(" ".join(options)))


def root(mounts: Iterable[Mounted]) -> Mounted:
    """What is seen at the top: of several mounts on each other the last one."""
    return [mounted for mounted in mounts if mounted.place == "/"][-1]


def below(mounts: Iterable[Mounted], target: str) -> tuple[str, ...]:
    """The places at the target and below it, in the order they were mounted."""
    return tuple(
        one.place for one in mounts if one.place == target or one.place.startswith(f"{target.rstrip('/')}/")
    )


def layers(mounts: Iterable[Mounted]) -> frozenset[str]:
    """The device numbers of what the running root is made of: its own, and of an overlay those of its folders."""
    every = list(mounts)
    top = root(every)
    folders = [folder for named in _OVERLAID.findall(top.options) for folder in named.split(":") if folder]
    return frozenset({top.device, *(device for folder in folders for device in _covering(every, folder))})


def _covering(mounts: list[Mounted], folder: str) -> list[str]:
    """The device of the mount that a folder of an overlay lies in.

    The overlay was made before it became the top, so its folders may have been moved: /medium to /run/live/medium. The
    top itself is no answer.
    """
    within = [one for one in mounts if one.place != "/" and f"{folder}/".startswith(f"{one.place}/")]
    moved = [one for one in mounts if one.place != "/" and one.place.endswith(folder)]
    found = within or moved
    return [max(found, key=lambda one: len(one.place)).device] if found else []


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
