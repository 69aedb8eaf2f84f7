"""How much one token and one realm may ask, at a time and over time: the slip of one program keeps nobody else waiting."""

import collections
import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

from skerry_api.problems import ProblemError

STREAMS, ALL_STREAMS = 16, 64  # that are open, of a token and of all: each is a connection of the proxy's
_KNOWN = 10_000  # tokens that are remembered; those that asked longest ago go


@dataclasses.dataclass(frozen=True)
class Limit:
    """How much may be asked: so many requests that are being answered, so many in a row, and so many over time."""

    whose: str
    at_once: int
    burst: int
    per_second: int


TOKEN = Limit("this token", 16, 200, 50)
REALM = Limit("the realm of this token", 32, 400, 100)  # of 400 that the process answers (__main__.py)


@dataclasses.dataclass
class Use:
    """What a token or a realm has asked lately.

    Attributes:
        realm: of a token that the engine has known, its realm, which never changes; empty for the operator's.
    """

    left: float
    when: float
    under_way: int = 0
    realm: str | None = None


class Limits:
    """What each token has asked lately, by its digest, and each realm.

    Args:
        clock: the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._streams: collections.Counter[str] = collections.Counter()
        self._uses: collections.OrderedDict[tuple[Limit, str], Use] = collections.OrderedDict()

    @contextlib.contextmanager
    def asking(self, name: str, limit: Limit = TOKEN) -> Iterator[Use]:
        """Within it, a request of a token is answered; or of a realm, by its limit.

        Raises:
            ProblemError: it asks too much.
        """
        now, key = self._clock(), (limit, name)
        use = self._uses.setdefault(key, Use(limit.burst, now))
        self._uses.move_to_end(key)
        use.left, use.when = min(limit.burst, use.left + (now - use.when) * limit.per_second), now
        if use.under_way >= limit.at_once:
            raise _too_many(
                f"{limit.at_once} requests of {limit.whose} are under way", "Wait for one of them"
            )
        if use.left < 1:
            raise _too_many(
                f"{limit.whose} asks more than {limit.per_second} times a second", "Ask more slowly"
            )
        use.left -= 1
        use.under_way += 1
        try:
            yield use
        finally:
            use.under_way -= 1
            self._forget()

    @contextlib.contextmanager
    def streaming(self, digest: str) -> Iterator[Use]:
        """Within it, a stream of a token goes on: as a request it counts at its beginning only.

        Raises:
            ProblemError: the token asks too much, or has as many streams as it may have, or all tokens together have.
        """
        with self.asking(digest) as use:
            if self._streams[digest] >= STREAMS or self._streams.total() >= ALL_STREAMS:
                raise _too_many(
                    f"{STREAMS} streams of a token, or {ALL_STREAMS} of all, are open", "End one of them"
                )
            self._streams[digest] += 1
        try:
            yield use
        finally:
            self._streams[digest] -= 1
            if not self._streams[digest]:
                del self._streams[digest]

    def _forget(self) -> None:
        """Forget what asked longest ago, where they are too many; unless it is being answered."""
        if len(self._uses) > _KNOWN:
            key = next(iter(self._uses))
            if self._uses[key].under_way:
                self._uses.move_to_end(key)
            else:
                del self._uses[key]


def _too_many(message: str, hint: str) -> ProblemError:
    return ProblemError("too_many", message, hint)
