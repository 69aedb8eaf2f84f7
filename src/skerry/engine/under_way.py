"""Requests that are being answered: those of a token end when it is none any more, streams with the engine as well."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from skerry.engine.admission import Asker
from skerry.model.errors import Code, SkerryError
from skerry.protocol.core import PlanOnly, Request

_LOOK = 1.0  # seconds between two looks: a token may end by its time
Asked = Request | PlanOnly
IsGood = Callable[[Asked, Asker], bool]
MOST_STREAMS = 32  # of a token at a time: each is a thread and a process of the host


class UnderWay:
    """The connections on which a token's request is being answered, or a stream goes on.

    Args:
        is_good: whether a token may still ask that.
        goes_on: whether a request is answered by a stream.
    """

    def __init__(self, is_good: IsGood, goes_on: Callable[[Asked], bool] = lambda _asked: False) -> None:
        self._is_good, self._goes_on = is_good, goes_on
        self._lock = threading.Lock()
        self._open: dict[socket.socket, tuple[Asked, Asker | None]] = {}
        self._over = threading.Event()

    @contextlib.contextmanager
    def entered(self, channel: socket.socket, asked: Asked, asker: Asker | None) -> Iterator[None]:
        """Within it, the connection is ended when the token is revoked, and a stream when the engine ends.

        Raises:
            SkerryError: the token has as many streams as it may have.
        """
        stream = self._goes_on(asked)
        if asker is None and not stream:
            yield
            return
        with self._lock:
            if stream:
                self._check_room(asker)
            self._open[channel] = (asked, asker)
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(channel, None)

    def _check_room(self, asker: Asker | None) -> None:
        """Refuse one stream more than a token may have, and any while the engine ends."""
        if self._over.is_set():
            raise SkerryError(Code.BUSY, "the engine is being stopped", "Ask again when it runs")
        if asker is None:
            return
        digests = [other.digest for asked, other in self._open.values() if other and self._goes_on(asked)]
        if digests.count(asker.digest) >= MOST_STREAMS:
            raise SkerryError(
                Code.BUSY,
                f"{MOST_STREAMS} streams of this token are open, and more are not allowed",
                "End one of them",
            )

    def end_revoked(self) -> None:
        """End each connection whose token may no longer ask what it is being answered. What was begun is carried out."""
        with self._lock:
            found = dict(self._open)
        for channel, (asked, asker) in found.items():
            if asker is not None and not self._is_good(asked, asker):
                self._end(channel)

    def _end(self, channel: socket.socket) -> None:
        """End a connection, unless it has been answered meanwhile."""
        with self._lock, contextlib.suppress(OSError):
            if self._open.pop(channel, None) is not None:
                channel.shutdown(socket.SHUT_RDWR)

    def watch(self) -> None:
        """Look again and again, until :meth:`stop`."""
        while not self._over.wait(_LOOK):
            self.end_revoked()

    def stop(self) -> None:
        """End :meth:`watch`, and each stream: the engine ends, and would wait for it."""
        self._over.set()
        with self._lock:
            streams = [channel for channel, (asked, _) in self._open.items() if self._goes_on(asked)]
        for channel in streams:
            self._end(channel)
