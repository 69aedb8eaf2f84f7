"""Ports on 127.0.0.1: chosen free, and the same ones for the same lab where they are."""

import hashlib
import socket
from collections.abc import Callable, Collection

from skerry_base.core.errors import SkerryError

# Below what Linux hands out for outgoing connections (from 32768 on), so nobody takes one by chance.
FIRST, LAST = 20000, 31999
LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(lab: str, purpose: str, taken: Collection[int], free: Callable[[int], bool] = is_free) -> int:
    """A free port for one purpose of a lab: the first free one from a place that its name decides.

    Args:
        lab: the lab's name.
        purpose: what for, for instance `ssh`.
        taken: ports promised to other labs, listening or not.
        free: tells whether a port can be had.

    Raises:
        SkerryError: none is left.
    """
    span = LAST - FIRST + 1
    start = int.from_bytes(hashlib.sha256(f"{lab}/{purpose}".encode()).digest()[:4], "big") % span
    for step in range(span):
        port = FIRST + (start + step) % span
        if port not in taken and free(port):
            return port
    raise SkerryError(f"no free port between {FIRST} and {LAST} on {LOOPBACK}; `lab list` shows who has them")
