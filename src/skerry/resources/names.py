"""Names in messages: the first of many, and the nearest to one that nobody has."""

import difflib
from collections.abc import Sequence

from skerry.model.base import DEFAULT


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def meant(name: str, names: Sequence[str]) -> str:
    """What ``name`` may have been meant for, as the beginning of a hint; empty where none is near."""
    return "".join(f"Did you mean {near}? " for near in difflib.get_close_matches(name, names, 1))


def place(realm: str, project: str) -> str:
    """The options of a command that say where something is, with a blank before each; none for the default ones."""
    named = {"realm": realm, "project": project}.items()
    return "".join(f" --{option} {given}" for option, given in named if given != DEFAULT)
