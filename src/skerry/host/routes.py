"""The proxy's routes: as the store has them, as a file for HAProxy, and the lock around every change.

Standard library only: this also runs when the proxy starts, before and without the engine.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from skerry.host.haproxy import UNIT, ProxyDownError
from skerry.model.errors import Code, SkerryError

# HAProxy answers 503 to everybody until it finds this key: an empty map means "not loaded yet", not "no such
# container". It cannot be a host name of ours: those end with the domain.
READY = ("ready", "1")
_LOCK_SECONDS = 15.0


def read(database: str) -> dict[str, str]:
    """Every route, host name to map value, and the mark that this is all. No store means no routes.

    Raises:
        SkerryError: the store is there but cannot be read.
    """
    routes = dict([READY])
    if not Path(database).exists():
        return routes
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
        ) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'route_map'").fetchone():
                routes.update(connection.execute("SELECT host, value FROM route_map").fetchall())
    except sqlite3.Error as error:
        raise SkerryError(
            Code.HOST, f"{database} cannot be read: {error}", "The proxy needs its routes"
        ) from error
    return routes


def write(map_path: str, routes: Mapping[str, str]) -> None:
    """Write the file that HAProxy reads when it starts or reloads: whole, or not at all."""
    temporary = Path(f"{map_path}.new")
    temporary.write_text("".join(f"{host} {value}\n" for host, value in routes.items()), encoding="ascii")
    temporary.replace(map_path)


@contextlib.contextmanager
def lock(map_path: str) -> Iterator[None]:
    """One change of the live routes at a time, on this host.

    A reload holds it from reading the store until the new worker serves: a route that is removed meanwhile
    is removed from that worker too, and none comes back.

    Raises:
        ProxyDownError: the proxy was never installed here.
        SkerryError: somebody held it for too long.
    """
    path = Path(map_path).with_name("lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_CREAT, 0o600)
    except FileNotFoundError as error:
        raise ProxyDownError(
            Code.HOST, f"{path.parent} is missing", "Run the role proxy on this host"
        ) from error
    try:
        _wait_for(handle, path)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                hint = f"See 'systemctl status {UNIT}' and 'fuser {path}' on this host"
                raise SkerryError(
                    Code.BUSY, f"the proxy has been reloading for {_LOCK_SECONDS:.0f} s", hint
                ) from error
            time.sleep(0.002)
        else:
            return
