"""systemd over D-Bus: transient units, their properties, their state, their journal."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from skerry.model.errors import Code, SkerryError
from skerry.system.run import run
from skerry.system.waiting import pause

if TYPE_CHECKING:
    from skerry.system.manager import Manager

Properties = list[tuple[str, tuple[str, Any]]]
_local = threading.local()


class BusError(Exception):
    """systemd refused a call, or could not be asked."""


@contextlib.contextmanager
def _bus() -> "Iterator[Manager]":
    """This thread's own connection, since a bus connection is not to be shared by threads.

    Raises:
        BusError: a call in the body was refused.
    """
    from skerry.system import manager  # noqa: PLC0415 - sdbus is on hosts only, and costs 60 ms

    if not hasattr(_local, "manager"):
        _local.manager = manager.connect()
    try:
        yield _local.manager
    except manager.DbusError as error:
        raise BusError(str(error)) from error


def _failure(unit: str, what: str, error: BusError) -> SkerryError:
    return SkerryError(Code.FAILED, f"systemd could not {what} {unit}: {error}", journal=journal(unit))


def states(pattern: str) -> dict[str, str]:
    """The active state of each loaded unit whose name matches the glob ``pattern``.

    ``restarting`` is ours: the unit failed and systemd is about to try it again.
    """
    with _bus() as manager:
        units = manager.list_units_by_patterns([], [pattern])
    return {unit[0]: "restarting" if unit[4].startswith("auto-restart") else unit[3] for unit in units}


def state(unit: str) -> str:
    """The active state of ``unit``; ``inactive`` where systemd does not know it."""
    return states(unit).get(unit, "inactive")


def start_transient(unit: str, properties: Properties) -> None:
    """Make and start a transient unit; returns when the job is queued.

    Raises:
        SkerryError: systemd refused it.
    """
    try:
        with _bus() as manager:
            manager.start_transient_unit(unit, "fail", properties, [])
    except BusError as error:
        raise _failure(unit, "start", error) from error


def set_properties(unit: str, properties: Properties) -> None:
    """Change properties of a running unit until it stops.

    Raises:
        SkerryError: systemd refused it.
    """
    try:
        with _bus() as manager:
            manager.set_unit_properties(unit, True, properties)
    except BusError as error:
        raise _failure(unit, "change", error) from error


def kill(unit: str, timeout: float = 10.0) -> None:
    """End every process of ``unit`` at once and forget the unit. Nothing happens where it is not loaded.

    Raises:
        SkerryError: it still had processes after ``timeout`` seconds.
    """
    if state(unit) == "inactive":
        return
    _end(unit, lambda manager: manager.kill_unit(unit, "all", signal.SIGKILL))
    _end(unit, lambda manager: manager.stop_unit(unit, "replace"))  # also where it is still starting
    wait_gone(unit, timeout)


def _end(unit: str, call: "Callable[[Manager], object]") -> None:
    """Make a call that ends ``unit``; that there was nothing to end is no failure."""
    try:
        with _bus() as manager:
            call(manager)
    except BusError as error:
        if state(unit) not in {"inactive", "failed", "restarting"}:
            raise _failure(unit, "stop", error) from error


def wait_gone(unit: str, timeout: float) -> None:
    """Wait until ``unit`` has ended, and let systemd forget it.

    Raises:
        SkerryError: it still had processes after ``timeout`` seconds.
    """
    begun = time.monotonic()
    while (now := state(unit)) not in {"inactive", "failed"}:
        if time.monotonic() > begun + timeout:
            raise SkerryError(Code.FAILED, f"{unit} did not end within {timeout:g} s", journal=journal(unit))
        pause(begun)
    if now == "failed":
        _forget(unit)


def _forget(unit: str) -> None:
    try:
        with _bus() as manager:
            manager.reset_failed_unit(unit)
    except BusError:
        if unit in states(unit):
            raise


def journal(unit: str, lines: int = 15) -> str:
    """The newest lines that ``unit`` logged, up to now: what it said last may not be written yet."""
    run(["journalctl", "--sync"])
    return run(["journalctl", "--no-pager", "--output=cat", f"--lines={lines}", f"--unit={unit}"])


def mount(source: str, target: str, kind: str, options: str) -> None:
    """Mount ``source`` at ``target`` by a transient mount unit: in the host's own mount namespace, which every unit sees.

    Raises:
        SkerryError: it could not be mounted.
    """
    unit = _mount_unit(target)
    if state(unit) == "failed":
        _forget(unit)
    start_transient(unit, [("What", ("s", source)), ("Type", ("s", kind)), ("Options", ("s", options))])
    if (found := _settled(unit)) != "active":
        log = journal(unit)
        if found == "failed":
            _forget(unit)
        raise SkerryError(Code.FAILED, f"{source} could not be mounted at {target}", "Its log says why", log)


def unmount(target: str) -> None:
    """Unmount what is mounted at ``target``, whoever mounted it; nothing happens where nothing is.

    Raises:
        SkerryError: it is in use, or systemd refused.
    """
    unit = _mount_unit(target)
    if state(unit) in {"inactive", "failed"}:
        return
    try:
        with _bus() as manager:
            manager.stop_unit(unit, "fail")
    except BusError as error:
        raise _failure(unit, "stop", error) from error
    if _settled(unit) not in {"inactive", "failed"}:
        raise SkerryError(Code.FAILED, f"{target} could not be unmounted", "Its log says why", journal(unit))


def _settled(unit: str, timeout: float = 90.0) -> str:
    """The active state of ``unit`` once its job is done; systemd itself ends a mount that takes 90 seconds."""
    begun = time.monotonic()
    while time.monotonic() < begun + timeout + 5:
        with _bus() as manager:
            found = manager.list_units_by_patterns([], [unit])
        if not found:
            return "inactive"
        if found[0][7] == 0:  # no job is left
            return str(found[0][3])
        pause(begun)
    return "unsettled"


def _mount_unit(target: str) -> str:
    """The name that systemd has for a mount there (systemd.unit(5), "String escaping")."""
    escaped = "".join(c if c.isalnum() or c in ":_./" else f"\\x{ord(c):02x}" for c in target.strip("/"))
    return escaped.replace("/", "-") + ".mount"


def notify(message: str) -> None:
    """Tell systemd how we are (sd_notify(3)); nothing happens where it did not ask."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(message.encode(), address.replace("@", "\0", 1))
