"""One operation at a time: on one resource, or of one kind."""

import collections
import contextlib
import threading
import time
from collections.abc import Iterator

from skerry.model.errors import Code, SkerryError
from skerry.parts.base import Progress

_TOLD_EVERY = 1.0  # seconds between two lines of progress to whoever waits


class Locks:
    """Locks by name, made as they are asked for."""

    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = collections.defaultdict(threading.Lock)

    @contextlib.contextmanager
    def only(self, name: str, patience: float, progress: Progress) -> Iterator[None]:
        """Hold the lock called ``name``, which a person would understand; waits ``patience`` seconds for it.

        Raises:
            SkerryError: another operation still had it then.
        """
        lock, deadline = self._locks[name], time.monotonic() + patience
        while not lock.acquire(timeout=min(_TOLD_EVERY, patience)):
            if time.monotonic() > deadline:
                raise SkerryError(
                    Code.BUSY, f"{name}: another operation takes long", "Try again when it is done"
                )
            progress({"event": "progress", "stage": f"waiting for another operation on {name}"})
        try:
            yield
        finally:
            lock.release()
