"""How much one token may ask, at a time and over time: the slip of one program keeps nobody else waiting."""

import collections
import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

from skerry_api.problems import ProblemError

AT_ONCE = 16  # requests of a token that are being answered
BURST, PER_SECOND = 200, 50  # requests of a token: how many in a row, and how many over time
_KNOWN = 10_000  # tokens that are remembered; those that asked longest ago go


@dataclasses.dataclass
class _Use:
    left: float = BURST
    when: float = 0.0
    under_way: int = 0


class Limits:
    """What each token has asked lately, by its digest.

    Args:
        clock: the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._uses: collections.OrderedDict[str, _Use] = collections.OrderedDict()

    @contextlib.contextmanager
    def asking(self, digest: str) -> Iterator[None]:
        """Within it, a request of a token is answered.

        Raises:
            ProblemError: the token asks too much.
        """
        use = self._uses.setdefault(digest, _Use(when=self._clock()))
        self._uses.move_to_end(digest)
        now = self._clock()
        use.left, use.when = min(BURST, use.left + (now - use.when) * PER_SECOND), now
        if use.under_way >= AT_ONCE:
            raise _too_many(f"{AT_ONCE} requests of this token are under way", "Wait for one of them")
        if use.left < 1:
            raise _too_many(f"this token asks more than {PER_SECOND} times a second", "Ask more slowly")
        use.left -= 1
        use.under_way += 1
        try:
            yield
        finally:
            use.under_way -= 1
            self._forget()

    def _forget(self) -> None:
        """Forget the one that asked longest ago, where they are too many; unless it is being answered."""
        if len(self._uses) > _KNOWN:
            digest = next(iter(self._uses))
            if self._uses[digest].under_way:
                self._uses.move_to_end(digest)
            else:
                del self._uses[digest]


def _too_many(message: str, hint: str) -> ProblemError:
    return ProblemError("too_many", message, hint)
