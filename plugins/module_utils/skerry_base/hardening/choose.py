"""Which settings hold on a host: all but those that are turned off by name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ..core.errors import SkerryError
from .model import Kind, Setting


class UnknownSettingError(SkerryError):
    """A name that is turned off is no setting's."""


def choose(table: Sequence[Setting], off: Iterable[str]) -> tuple[Setting, ...]:
    """The settings that are on, in the table's order.

    Args:
        table: every setting.
        off: names, as "sysctl kernel.sysrq", or a kind for all of its settings, as "audit".

    Raises:
        UnknownSettingError: names that nothing has; all of them are told, each with the nearest one that there is.
    """
    refused = set(off)
    known = {setting.name for setting in table} | set(Kind)
    if unknown := sorted(refused - known):
        told = "; ".join(_told(name, sorted(known)) for name in unknown)
        raise UnknownSettingError(
            f"no setting has this name: {told}",
            "docs/reference/hardening.md lists them. Nothing was changed.",
        )
    return tuple(setting for setting in table if not {setting.name, str(setting.kind)} & refused)


def _told(name: str, known: Sequence[str]) -> str:
    """A wrong name with the nearest right one, or with the first that has it in its own."""
    near = get_close_matches(name, known, 1) or [right for right in known if name in right]
    return f'"{name}" (the nearest one is "{near[0]}")' if near else f'"{name}"'
