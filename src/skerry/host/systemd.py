"""systemd over D-Bus: transient units, their properties, their state, their journal."""

import contextlib
import dataclasses
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from skerry.host import files, journals
from skerry.host.run import run
from skerry.host.waiting import pause
from skerry.model.errors import Code, SkerryError
from skerry.text import printable

if TYPE_CHECKING:
    from types import ModuleType

    from skerry.host.manager import Manager

Properties = list[tuple[str, tuple[str, Any]]]
_free: "list[Manager]" = []
_LONGEST_FORGOTTEN = 5.0  # seconds until a unit that has ended is forgotten, on a very busy host
_RESTARTING = "auto-restart"  # in its sub state, such as failed-before-auto-restart


class BusError(SkerryError):
    """systemd refused a call, or could not be asked."""


def _manager() -> "ModuleType":
    from skerry.host import manager  # noqa: PLC0415 - sdbus is on hosts only, and costs 60 ms

    return manager


@contextlib.contextmanager
def _bus() -> "Iterator[Manager]":
    """A connection that nobody else uses meanwhile, since none is to be shared by threads. Those that are free are kept.

    Raises:
        BusError: a call in the body was refused.
    """
    manager = _manager()
    connection = next(filter(manager.is_open, iter(_take_free, None)), None) or manager.connect()
    try:
        yield connection
    except manager.DbusError as error:
        raise BusError(Code.HOST, str(error)) from error
    _free.append(connection)


def _take_free() -> "Manager | None":
    try:
        return _free.pop()
    except IndexError:
        return None


def _failure(unit: str, what: str, error: BusError) -> SkerryError:
    return SkerryError(Code.FAILED, f"systemd could not {what} {unit}: {error}", journal=journal(unit))


def states(pattern: str) -> dict[str, str]:
    """The active state of each loaded unit whose name matches the glob ``pattern``.

    ``restarting`` is ours: the unit failed and systemd is about to try it again.
    """
    with _bus() as manager:
        units = manager.list_units_by_patterns([], [pattern])
    return {unit[0]: "restarting" if _RESTARTING in unit[4] else unit[3] for unit in units}


def state(unit: str) -> str:
    """The active state of ``unit``; ``inactive`` where systemd does not know it."""
    return states(unit).get(unit, "inactive")


@dataclasses.dataclass(frozen=True)
class Restarts:
    """What systemd knows of a service's restarts.

    Attributes:
        count: how often it has started the service again since that was last forgotten.
        again: when it does so next, in seconds since the epoch; 0 where it waits for nothing.
        since: when it came into its state, in seconds since the epoch.
    """

    count: int = 0
    again: float = 0.0
    since: float = 0.0


def restarts(unit: str) -> Restarts:
    """How often ``unit`` was started again by systemd, and when it is next; zeros where it is not loaded.

    Raises:
        BusError: systemd could not be asked.
    """
    with _bus() as manager:
        found = manager.list_units_by_patterns([], [unit])
        if not found:
            return Restarts()
        count, pause, since = _manager().restarts(manager, found[0][6])
        waits = _RESTARTING in found[0][4]
        return Restarts(count, (since + pause) / 1e6 if waits else 0.0, since / 1e6)


def reset_restarts(unit: str) -> None:
    """Let systemd forget how often it started ``unit`` again: the next pause is the first one again."""
    _forget(unit)


def start_transient(unit: str, properties: Properties) -> None:
    """Make and start a transient unit; returns when the job is queued.

    One of its name that has just ended is known to systemd for some moments more.

    Raises:
        SkerryError: systemd refused it.
    """
    begun = time.monotonic()
    while True:
        try:
            with _bus() as manager:
                # Not "fail": the journal that it logs to may just be ending, since the one before was its last user.
                manager.start_transient_unit(unit, "replace", properties, [])
        except BusError as error:
            if "UnitExists" not in str(error) or time.monotonic() > begun + _LONGEST_FORGOTTEN:
                raise _failure(unit, "start", error) from error
            pause(begun)
        else:
            return


def set_properties(unit: str, properties: Properties) -> None:
    """Change properties of a unit: of a running one until it stops, of a slice until the host is started anew.

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


def stop(unit: str, timeout: float = 10.0) -> None:
    """Stop ``unit`` and what is in it, and forget it. Nothing happens where it is not active.

    Raises:
        SkerryError: systemd refused, or it was not over after ``timeout`` seconds.
    """
    if state(unit) != "inactive":
        _end(unit, lambda manager: manager.stop_unit(unit, "replace"))
        wait_gone(unit, timeout)


def forget_properties(unit: str) -> None:
    """Take away what :func:`set_properties` has set of a unit that is not active any more."""
    files.remove_tree(f"/run/systemd/system.control/{unit}.d")


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
    """The newest lines that ``unit`` logged, up to now: what it said last may not be written yet.

    They are a container's words: what a terminal would obey is written as its number (`skerry.text`).
    """
    for namespace in ("", *journals.active()):
        with contextlib.suppress(
            SkerryError
        ):  # one that is idle or flooded; what it has written is read all the same
            run(["journalctl", "--sync", *([f"--namespace={namespace}"] if namespace else [])], timeout=2.0)
    argv = ["journalctl", "--no-pager", "--namespace=*", "--output=cat", f"--lines={lines}", f"--unit={unit}"]
    return printable(run(argv))


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
