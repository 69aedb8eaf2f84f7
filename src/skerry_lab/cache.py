"""A folder of things that are dear to make, each named by the hash of its recipe."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skerry_lab.locks import locked
from skerry_lab.progress import Progress
from skerry_lab.run import run


@dataclass(frozen=True)
class Cache:
    """Entries are whole or not there: each is built aside and moved into place at the end."""

    home: Path
    progress: Progress

    def entry(self, name: str, key: str, build: Callable[[Path], None]) -> Path:
        """The folder `name-key`, built if it is not there yet.

        Of several at once one builds and the others wait. What a killed build left is taken away first.

        Args:
            name: what it is, for people.
            key: the hash of all that decides its content.
            build: fills an empty folder.
        """
        place = self.home / f"{name}-{key}"
        if place.is_dir():
            return place
        waiting = f"another run is making {name}; waiting for it"
        with locked(self.home / f"{place.name}.lock", on_wait=lambda: self.progress.say(waiting)):
            if not place.is_dir():
                self._build(place, build)
        return place

    def _build(self, place: Path, build: Callable[[Path], None]) -> None:
        aside = place.with_name(f"{place.name}.part")
        if aside.exists():
            shutil.rmtree(aside)
        aside.mkdir(parents=True)
        build(aside)
        run(["sync", "--file-system", str(aside)], timeout=600)
        aside.rename(place)

    def entries(self) -> list[Path]:
        """All whole entries, oldest first."""
        if not self.home.is_dir():
            return []
        whole = [path for path in self.home.iterdir() if path.is_dir() and path.suffix != ".part"]
        return sorted(whole, key=lambda path: path.stat().st_mtime)
