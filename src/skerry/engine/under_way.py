"""Requests that tokens are being answered: each is ended when its token is none any more."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from skerry.engine.admission import Asker
from skerry.protocol.core import PlanOnly, Request

_LOOK = 1.0  # seconds between two looks: a token may end by its time
Asked = Request | PlanOnly
IsGood = Callable[[Asked, Asker], bool]


class UnderWay:
    """The connections on which a token's request is being answered.

    Args:
        is_good: whether a token may still ask that.
    """

    def __init__(self, is_good: IsGood) -> None:
        self._is_good = is_good
        self._lock = threading.Lock()
        self._open: dict[socket.socket, tuple[Asked, Asker]] = {}
        self._over = threading.Event()

    @contextlib.contextmanager
    def entered(self, channel: socket.socket, asked: Asked, asker: Asker | None) -> Iterator[None]:
        """Within it, the connection is ended when the token is revoked. Root's own never is."""
        if asker is None:
            yield
            return
        with self._lock:
            self._open[channel] = (asked, asker)
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(channel, None)

    def end_revoked(self) -> None:
        """End each connection whose token may no longer ask what it is being answered. What was begun is carried out."""
        with self._lock:
            found = dict(self._open)
        for channel, (asked, asker) in found.items():
            if not self._is_good(asked, asker):
                with self._lock:
                    if self._open.pop(channel, None) is None:
                        continue
                    with contextlib.suppress(OSError):
                        channel.shutdown(socket.SHUT_RDWR)

    def watch(self) -> None:
        """Look again and again, until :meth:`stop`."""
        while not self._over.wait(_LOOK):
            self.end_revoked()

    def stop(self) -> None:
        """End :meth:`watch`."""
        self._over.set()
