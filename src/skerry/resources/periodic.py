"""What observers of times have in common: one thread, patience with what fails, and caution with the host's clock."""

import abc
import datetime
import logging
import threading
import time

from skerry.model.errors import SkerryError
from skerry.resources.kind import Apply, Context, Still

_ROUND = 10.0  # seconds between two looks at most: what was made meanwhile is seen by then
_AFTER_ERROR = 60.0  # seconds after a look that failed
_FIRST_PAUSE, _LAST_PAUSE = 10.0, 3600.0  # seconds until one that failed is tried again; they double
_JUMP = 60.0  # seconds that a clock may be set by without a word
_STEADY = 600.0  # seconds that it is watched after that
_AFTER_BOOT = 120.0  # seconds in which a host finds out what time it is
_log = logging.getLogger(__name__)


def now() -> datetime.datetime:
    """The time, as the host has it."""
    return datetime.datetime.now(datetime.UTC)


def uptime() -> float:
    """Seconds since the host was started, which nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock:
    """Tells whether the host's clock can be relied on: what a wrong one has deleted does not come back."""

    def __init__(self) -> None:
        self._difference: float | None = None  # of the two clocks, at the last look
        self._from = _AFTER_BOOT

    def is_steady(self) -> bool:
        """Whether nobody has set it by more than a minute within the last ones."""
        up = uptime()
        difference, before = now().timestamp() - up, self._difference
        self._difference = difference
        if before is not None and abs(difference - before) > _JUMP:
            self._from = up + _STEADY
            _log.warning(
                "the clock was set by %d seconds: nothing expires, and no snapshot is taken by itself, for %d minutes",
                difference - before,
                _STEADY / 60,
            )
        return up >= self._from


class Tries:
    """When what failed is tried again: after ten seconds, then twice as many, and so on to an hour."""

    def __init__(self) -> None:
        self._pauses: dict[str, tuple[float, float]] = {}  # by id: the pause, and its end

    def is_time(self, one: str) -> bool:
        """Whether it has not failed, or is to be tried again."""
        return uptime() >= self._pauses.get(one, (0.0, 0.0))[1]

    def failed(self, one: str) -> float:
        """It has failed; seconds until it is tried again."""
        pause = min(2 * self._pauses[one][0], _LAST_PAUSE) if one in self._pauses else _FIRST_PAUSE
        self._pauses[one] = pause, uptime() + pause
        return pause

    def worked(self, one: str) -> None:
        """It has worked, or is not wanted any more."""
        self._pauses.pop(one, None)

    def keep(self, known: set[str]) -> None:
        """Forget all that is none of ``known``."""
        for one in self._pauses.keys() - known:
            del self._pauses[one]


class Periodic(abc.ABC):
    """An observer that does by itself what is due, one after the other, in one thread.

    Nothing waits for an operation of somebody else: what is busy is tried again like what failed.

    Args:
        context: the host and the store.
        apply: carries a request out.
    """

    name: str

    def __init__(self, context: Context, apply: Apply) -> None:
        self._context, self._apply = context, apply
        self._clock, self._tries, self._ended = Clock(), Tries(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin: what was due while no engine ran is done at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is being done."""
        self._ended.set()
        self._thread.join()

    @abc.abstractmethod
    def _look(self) -> float:
        """Do what is due; returns after how many seconds the next is."""

    def _run(self) -> None:
        pause = 0.0
        while not self._ended.wait(min(pause, _ROUND)):
            try:
                pause = self._look() if self._clock.is_steady() else _ROUND
            except Exception:  # noqa: BLE001 - a store that cannot be read now is read later
                _log.exception("%s could not be looked at", self.name)
                if self._ended.wait(_AFTER_ERROR):
                    return

    def _try(self, one: str, what: str, request: object, still: Still) -> Exception | None:
        """Carry a request out; returns why it failed. It is then tried again later, and the log says when."""
        try:
            self._apply(request, still, patience=0.0)
        except Exception as error:  # noqa: BLE001 - one that nobody can foresee keeps no others from their turn
            pause = self._tries.failed(one)
            known = isinstance(error, SkerryError)
            _log.warning("%s; again in %d seconds: %s", what, pause, error, exc_info=not known)
            return error
        self._tries.worked(one)
        return None
