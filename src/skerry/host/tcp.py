"""Find out whether a TCP port answers."""

import socket
import time
from collections.abc import Callable


def accepts(address: str, port: int, timeout: float = 0.2) -> bool:
    """Whether a connection to ``address`` and ``port`` is accepted within ``timeout`` seconds."""
    try:
        with socket.create_connection((address, port), timeout=timeout):
            return True
    except OSError:
        return False


def wait_for(address: str, port: int, timeout: float, check: Callable[[], None]) -> bool:
    """Wait until the port accepts; False after ``timeout`` seconds. ``check`` raises where there is no point any more."""
    deadline, look = time.monotonic() + timeout, time.monotonic() + 0.3
    while not accepts(address, port):
        now = time.monotonic()
        if now > deadline:
            return False
        if now > look:
            look = now + 0.3
            check()
        time.sleep(0.004)
    return True
