"""What the user sees while something takes long: the stage, and how long it has taken."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

HEARTBEAT_S = 15.0


@dataclass
class Progress:
    """Prints one line a stage, with the seconds since the start, and remembers how long each stage took."""

    out: TextIO = field(default_factory=lambda: sys.stderr)
    began: float = field(default_factory=time.monotonic)
    taken: list[tuple[str, float]] = field(default_factory=list)

    def say(self, text: str) -> None:
        """One line, with the elapsed time in front."""
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", file=self.out, flush=True)

    @contextmanager
    def stage(self, name: str, detail: Callable[[], str] | None = None) -> Iterator[None]:
        """Announce a stage, show a sign of life every 15 s, and note its seconds when it ends well.

        Args:
            name: the stage.
            detail: how far it is, for the sign of life.
        """
        self.say(name)
        start, ended = time.monotonic(), threading.Event()
        pulse = threading.Thread(target=self._pulse, args=(name, start, ended, detail), daemon=True)
        pulse.start()
        try:
            yield
        finally:
            ended.set()
            pulse.join()
        self.taken.append((name, time.monotonic() - start))

    def _pulse(
        self, name: str, start: float, ended: threading.Event, detail: Callable[[], str] | None
    ) -> None:
        while not ended.wait(HEARTBEAT_S):
            so_far = f"{detail()}, " if detail else ""
            self.say(f"… {name}: {so_far}{time.monotonic() - start:.0f} s so far")

    def parts(self, taken: Iterable[tuple[str, float]]) -> None:
        """What the last stage was made of, with the seconds of each."""
        self.taken += [(f"  {name}", seconds) for name, seconds in taken]

    def table(self) -> str:
        """The stages and their seconds, one a line, and the sum."""
        width = max((len(name) for name, _seconds in self.taken), default=0)
        rows = [f"  {name:<{width}}  {seconds:7.1f} s" for name, seconds in self.taken]
        total = f"  {'all':<{width}}  {time.monotonic() - self.began:7.1f} s"
        return "\n".join([*rows, total])
