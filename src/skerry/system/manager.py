"""The methods of systemd's manager that Skerry calls. Apart from systemd.py, since sdbus is there on hosts only."""

from typing import Any

from sdbus import DbusInterfaceCommon, dbus_method, sd_bus_open_system
from sdbus.exceptions import SdBusBaseError as DbusError

Properties = list[tuple[str, tuple[str, Any]]]

__all__ = ["DbusError", "Manager", "connect"]


def connect() -> "Manager":
    """A connection of its own to the system bus."""
    return Manager("org.freedesktop.systemd1", "/org/freedesktop/systemd1", sd_bus_open_system())


class Manager(DbusInterfaceCommon, interface_name="org.freedesktop.systemd1.Manager"):  # type: ignore[misc, call-arg]
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
