"""The methods of systemd's manager that Skerry calls. Apart from systemd.py, since sdbus is there on hosts only."""

import select
from collections.abc import Callable
from typing import Any

from sdbus import DbusInterfaceCommon, dbus_method, dbus_property, sd_bus_open_system
from sdbus.exceptions import SdBusBaseError as DbusError

Properties = list[tuple[str, tuple[str, Any]]]

__all__ = ["DbusError", "Manager", "Signals", "connect", "is_open", "restarts"]
_SYSTEMD = "org.freedesktop.systemd1"


def connect() -> "Manager":
    """A connection of its own to the system bus."""
    bus = sd_bus_open_system()
    found = Manager(_SYSTEMD, "/org/freedesktop/systemd1", bus)
    found.bus = bus
    return found


def is_open(manager: "Manager") -> bool:
    """Whether the bus is still at the other end of a connection."""
    poll = select.poll()
    poll.register(manager.bus.get_fd(), 0)  # POLLHUP and POLLERR come unasked
    return not poll.poll(0)


class Manager(DbusInterfaceCommon, interface_name="org.freedesktop.systemd1.Manager"):  # type: ignore[misc, call-arg]
    """The part of org.freedesktop.systemd1(5) that Skerry uses; sdbus fills the bodies in."""

    bus: Any

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


class Signals:
    """A connection by which systemd tells of each change of a unit. To be used in one event loop, with no other thread."""

    def __init__(self) -> None:
        self._bus = sd_bus_open_system()
        self._slots: list[Any] = []

    async def subscribe(self, heard: Callable[[str, dict[str, Any]], None]) -> None:
        """Have ``heard`` called with the object path of a unit and its properties that changed.

        Raises:
            DbusError: systemd refused, or could not be asked.
        """

        def take(message: Any) -> None:
            _interface, values, _invalidated = message.get_contents()
            heard(message.path, values)

        place = ("org.freedesktop.DBus.Properties", "PropertiesChanged")
        self._slots.append(await self._bus.match_signal_async(_SYSTEMD, None, *place, take))
        await self._call("org.freedesktop.systemd1.Manager", "Subscribe")

    async def ask(self) -> None:
        """Ask for any answer.

        Raises:
            DbusError: the connection is lost.
        """
        await self._call("org.freedesktop.DBus.Peer", "Ping")

    async def _call(self, interface: str, method: str) -> None:
        path = "/org/freedesktop/systemd1"
        await self._bus.call_async(self._bus.new_method_call_message(_SYSTEMD, path, interface, method))

    def close(self) -> None:
        """End the connection."""
        self._slots.clear()
        self._bus.close()


class _Service(DbusInterfaceCommon, interface_name="org.freedesktop.systemd1.Service"):  # type: ignore[misc, call-arg]
    """What is read of a service."""

    @dbus_property(property_signature="u", property_name="NRestarts")
    def restarts(self) -> int:
        """How often systemd has started it again."""
        raise AssertionError

    @dbus_property(property_signature="t", property_name="RestartUSecNext")
    def pause(self) -> int:
        """Microseconds from its end to its next start."""
        raise AssertionError


class _Unit(DbusInterfaceCommon, interface_name="org.freedesktop.systemd1.Unit"):  # type: ignore[misc, call-arg]
    """What is read of any unit."""

    @dbus_property(property_signature="t", property_name="StateChangeTimestamp")
    def since(self) -> int:
        """Microseconds since the epoch when it came into its state."""
        raise AssertionError


def restarts(manager: Manager, path: str) -> tuple[int, int, int]:
    """Of the service at ``path``: how often it was started again, microseconds to the next time, since when it waits."""
    service, unit = _Service(_SYSTEMD, path, manager.bus), _Unit(_SYSTEMD, path, manager.bus)
    return service.restarts, service.pause, unit.since
