"""The table of what containers use, and its repetition on a terminal: ``skerry top``."""

import sys
from collections.abc import Callable
from typing import Any

from skerry.table import table
from skerry.text import printable

_CLEAR = "\x1b[H\x1b[J"
_FIRST = 0.1  # seconds that the first table measures, or a person would look at nothing until then
_COLUMNS = ("name", "project", "state", "cpu", "memory", "pids", "disk", "in", "out")
Row = dict[str, Any]


def shown(rows: list[Row]) -> str:
    """Use and limit of each container, the busiest first."""
    busiest = sorted(rows, key=lambda one: (-(one["cpu_used"] or 0), -(one["memory_used"] or 0)))
    return table([_row(one) for one in busiest], _COLUMNS) if rows else "no containers"


def _row(one: Row) -> Row:
    return {
        "name": one["name"],
        "project": one["project"]
        if one.get("realm", "default") == "default"
        else f"{one['realm']}/{one['project']}",
        "state": one["state"],
        "cpu": _of(one["cpu_used"], one["cpu"], lambda value: f"{value:.2f}".rstrip("0").rstrip(".")),
        "memory": _of(one["memory_used"], one["memory"], size),
        "pids": _of(one["pids_used"], one["pids"], str),
        "disk": _of(one["disk_used"], one["disk"], size),
        "in": _per_second(one["received_per_second"]),
        "out": _per_second(one["sent_per_second"]),
    }


def _of(used: Any, limit: Any, words: Callable[[Any], str]) -> str:
    return f"{'-' if used is None else words(used)}/{words(limit)}"


def _per_second(found: float | None) -> str:
    return "-" if found is None else f"{size(round(found))}/s"


def size(found: int) -> str:
    """A size for people: three digits and a unit."""
    value, units = float(found), ["", "K", "M", "G", "T"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.3g}{units[0]}"


def repeat(ask: Callable[[Row], Row]) -> int:
    """Show the table anew each time ``ask`` answers, until interrupted; once where nobody watches a terminal.

    Args:
        ask: asks with these fields of the request in place of its own.
    """
    live = sys.stdout.isatty()
    changed = {"interval": _FIRST} if live else {}
    try:
        while True:
            text = printable(shown(ask(changed)["stats"]))
            print(f"{_CLEAR if live else ''}{text}", flush=True)
            if not live:
                return 0
            changed = {}
    except KeyboardInterrupt:
        return 0
