"""systemd over D-Bus: transient units, their properties, their state, their journal."""

import functools
import os
import socket
import threading
import time
from typing import Any

from sdbus import DbusInterfaceCommon, SdBus, dbus_method, sd_bus_open_system
from sdbus.exceptions import SdBusBaseError

from skerry.model.errors import Code, SkerryError
from skerry.system.run import run

Properties = list[tuple[str, tuple[str, Any]]]
_local = threading.local()


class _Manager(DbusInterfaceCommon, interface_name="org.freedesktop.systemd1.Manager"):  # type: ignore[misc, call-arg]
    """The part of org.freedesktop.systemd1(5) that Skerry uses; sdbus fills the bodies in."""

    @dbus_method(input_signature="ssa(sv)a(sa(sv))", result_signature="o", method_name="StartTransientUnit")
    def start_transient_unit(self, name: str, mode: str, properties: Properties, aux: list[Any]) -> str:
        """Make and start a unit that exists until it stops."""
        raise AssertionError(name, mode, properties, aux)

    @dbus_method(input_signature="ss", result_signature="o", method_name="StopUnit")
    def stop_unit(self, name: str, mode: str) -> str:
        """Queue a stop."""
        raise AssertionError(name, mode)

    @dbus_method(input_signature="ssi", method_name="KillUnit")
    def kill_unit(self, name: str, who: str, number: int) -> None:
        """Send a signal to a unit's processes."""
        raise AssertionError(name, who, number)

    @dbus_method(input_signature="s", method_name="ResetFailedUnit")
    def reset_failed_unit(self, name: str) -> None:
        """Forget that a unit failed."""
        raise AssertionError(name)

    @dbus_method(input_signature="sba(sv)", method_name="SetUnitProperties")
    def set_unit_properties(self, name: str, runtime: bool, properties: Properties) -> None:
        """Change a running unit."""
        raise AssertionError(name, runtime, properties)

    @dbus_method(input_signature="asas", result_signature="a(ssssssouso)", method_name="ListUnitsByPatterns")
    def list_units_by_patterns(self, states: list[str], patterns: list[str]) -> list[tuple[Any, ...]]:
        """Units that are loaded now."""
        raise AssertionError(states, patterns)


def _manager() -> _Manager:
    """This thread's own connection: a bus connection is not to be shared by threads."""
    if not hasattr(_local, "manager"):
        bus: SdBus = sd_bus_open_system()
        _local.manager = _Manager("org.freedesktop.systemd1", "/org/freedesktop/systemd1", bus)
    manager: _Manager = _local.manager
    return manager


def _failure(unit: str, what: str, error: SdBusBaseError) -> SkerryError:
    return SkerryError(Code.FAILED, f"systemd could not {what} {unit}: {error}", journal=journal(unit))


def states(pattern: str) -> dict[str, str]:
    """The active state of each loaded unit whose name matches the glob ``pattern``."""
    return {entry[0]: entry[3] for entry in _manager().list_units_by_patterns([], [pattern])}


def state(unit: str) -> str:
    """The active state of ``unit``; ``inactive`` where systemd does not know it."""
    return states(unit).get(unit, "inactive")


def start_transient(unit: str, properties: Properties) -> None:
    """Make and start a transient unit; returns when the job is queued.

    Raises:
        SkerryError: systemd refused it.
    """
    try:
        _manager().start_transient_unit(unit, "fail", properties, [])
    except SdBusBaseError as error:
        raise _failure(unit, "start", error) from error


def set_properties(unit: str, properties: Properties) -> None:
    """Change properties of a running unit until it stops.

    Raises:
        SkerryError: systemd refused it.
    """
    try:
        _manager().set_unit_properties(unit, True, properties)
    except SdBusBaseError as error:
        raise _failure(unit, "change", error) from error


def kill(unit: str, timeout: float = 10.0) -> None:
    """End every process of ``unit`` at once and forget the unit. Nothing happens where it is not loaded.

    Raises:
        SkerryError: it still had processes after ``timeout`` seconds.
    """
    if state(unit) == "inactive":
        return
    manager = _manager()
    for call in (
        functools.partial(manager.kill_unit, unit, "all", 9),
        functools.partial(manager.stop_unit, unit, "fail"),
    ):
        try:
            call()
        except SdBusBaseError:
            if state(unit) in {"inactive", "failed"}:  # it ended between our look and our call
                break
    wait_gone(unit, timeout)


def wait_gone(unit: str, timeout: float) -> None:
    """Wait until ``unit`` has ended, and let systemd forget it.

    Raises:
        SkerryError: it still had processes after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while (now := state(unit)) not in {"inactive", "failed"}:
        if time.monotonic() > deadline:
            raise SkerryError(Code.FAILED, f"{unit} did not end within {timeout:g} s", journal=journal(unit))
        time.sleep(0.003)
    if now == "failed":
        _forget(unit)


def _forget(unit: str) -> None:
    try:
        _manager().reset_failed_unit(unit)
    except SdBusBaseError:
        if unit in states(unit):
            raise


def journal(unit: str, lines: int = 15) -> str:
    """The newest lines that ``unit`` logged."""
    return run(["journalctl", "--no-pager", "--output=cat", f"--lines={lines}", f"--unit={unit}"])


def notify(message: str) -> None:
    """Tell systemd how we are (sd_notify(3)); nothing happens where it did not ask."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(message.encode(), address.replace("@", "\0", 1))
