"""Unit tests touch nothing outside: no program is started, no network socket opened."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

FORBIDDEN = {
    "subprocess.Popen",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
}
NETWORK = {"socket.connect", "socket.bind", "socket.sendto"}


class TouchedTheSystem(BaseException):
    """A unit test did what only an integration test may. No `except Exception` can hide it."""


class Guard:
    """Watches Python's audit events; raises while it is on duty."""

    def __init__(self) -> None:
        self.on_duty = False
        # An audit hook can't be removed, hence the switch.
        sys.addaudithook(self._watch)

    def _watch(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on_duty:
            return
        if event in FORBIDDEN or (event in NETWORK and self._is_network(arguments)):
            raise TouchedTheSystem(f"{event}{arguments[:2]}: it belongs in tests/integration")

    @staticmethod
    def _is_network(arguments: tuple[object, ...]) -> bool:
        return getattr(arguments[0], "family", None) != socket.AF_UNIX

    @contextmanager
    def duty(self) -> Iterator[None]:
        """On duty for a while."""
        self.on_duty = True
        try:
            yield
        finally:
            self.on_duty = False


GUARD = Guard()


@pytest.fixture(autouse=True)
def system_guard() -> Iterator[None]:
    """Forbids programs and network sockets. tests/unit/tools replaces it: programs are its subject."""
    with GUARD.duty():
        yield
