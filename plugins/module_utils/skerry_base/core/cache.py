"""A folder of things that are dear to make, each named by the hash of its recipe."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .locks import locked
from .progress import Progress
from .run import run


@dataclass(frozen=True)
class Cache:
    """Entries are whole or not there: each is built aside and moved into place at the end."""

    home: Path
    progress: Progress

    def entry(self, name: str, key: str, build: Callable[[Path], None], *, goes_on: bool = False) -> Path:
        """The folder `name-key`, built if it is not there yet.

        Of several at once one builds and the others wait. What a killed build left is taken away first.

        Args:
            name: what it is, for people.
            key: the hash of all that decides its content.
            build: fills an empty folder.
            goes_on: `build` takes what a killed one left, and goes on from there.
        """
        place = self.home / f"{name}-{key}"
        waiting = f"wait: another run is making {name}"
        with locked(self._lock(place), lambda: self.progress.stage(waiting)):
            if not place.is_dir():
                self._build(place, build, goes_on)
        os.utime(place)  # the time of its last use, for `drop_unused`
        return place

    @staticmethod
    def _build(place: Path, build: Callable[[Path], None], goes_on: bool) -> None:
        aside = _aside(place)
        if aside.exists() and not goes_on:
            shutil.rmtree(aside)
        aside.mkdir(parents=True, exist_ok=True)
        build(aside)
        run(["sync", "--file-system", str(aside)], timeout=600)
        aside.rename(place)

    def drop_unused(self, days: float) -> list[str]:
        """Take away what was not used for so many days, and what killed builds left; returns the names."""
        before, dropped = time.time() - days * 86400, []
        for lock in sorted(self.home.glob("*.lock")):
            place = lock.with_suffix("")
            with locked(lock):
                for path in (place, _aside(place)):
                    if path.is_dir() and path.stat().st_mtime <= before:
                        shutil.rmtree(path)
                        dropped.append(path.name)
        return dropped

    @staticmethod
    def _lock(place: Path) -> Path:
        return place.with_name(f"{place.name}.lock")


def _aside(place: Path) -> Path:
    return place.with_name(f"{place.name}.part")
