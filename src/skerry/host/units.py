"""What systemd says of units without being asked: the names of those whose state has changed."""

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skerry.host.manager import Signals

_ESCAPED = re.compile(r"_([0-9a-f]{2})")
_PATH = "/org/freedesktop/systemd1/unit/"
_AGAIN = 1.0  # seconds until a lost connection is tried again
_LOOK = 20.0  # seconds until one that says nothing is asked whether it is lost
_log = logging.getLogger(__name__)


def name_of(path: str) -> str:
    """The name of the unit with that object path (sd_bus_path_encode(3))."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), path.removeprefix(_PATH))


class Listener:
    """Tells the names of units as their states change, from a thread of its own."""

    def __init__(self, changed: Callable[[str], None], anew: Callable[[], None]) -> None:
        """Args:
        changed: called with the name of a unit whose active or sub state may be another one now.
        anew: called when listening has begun, and again after a connection was lost: anything may have changed before.
        """
        self._changed, self._anew = changed, anew
        self._loop: asyncio.AbstractEventLoop
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="units", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """End; returns when nothing is told any more."""
        self._ended = True
        self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join()
        self._loop.close()

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    def _run(self) -> None:
        from skerry.host import manager  # noqa: PLC0415 - sdbus is on hosts only, and costs 60 ms

        asyncio.set_event_loop(self._loop)
        while not self._ended:
            try:
                self._loop.run_until_complete(self._listen(manager.Signals()))
            except asyncio.CancelledError:
                continue
            except (manager.DbusError, OSError) as error:
                _log.warning("systemd cannot be listened to, the next try follows: %s", error)
                self._loop.run_until_complete(self._pause())

    async def _pause(self) -> None:
        try:
            await asyncio.sleep(_AGAIN)
        except asyncio.CancelledError:
            return

    async def _listen(self, signals: "Signals") -> None:
        """Hand on what comes, until the connection is lost."""
        try:
            await signals.subscribe(self._heard)
            self._anew()
            while True:
                await asyncio.sleep(_LOOK)
                await signals.ask()
        finally:
            signals.close()

    def _heard(self, path: str, values: dict[str, Any]) -> None:
        if "ActiveState" in values or "SubState" in values:
            self._changed(name_of(path))
