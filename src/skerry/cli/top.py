"""The table of what containers use, and its repetition on a terminal: ``skerry top``."""

import sys
from collections.abc import Callable
from typing import Any

from skerry.table import table
from skerry.text import printable

_CLEAR = "\x1b[H\x1b[J"
_COLUMNS = ("name", "project", "state", "cpu", "memory", "pids", "disk", "in", "out")
Row = dict[str, Any]


def shown(rows: list[Row]) -> str:
    """Use and limit of each container, the busiest first."""
    busiest = sorted(rows, key=lambda one: (-(one["cpu_used"] or 0), -(one["memory_used"] or 0)))
    return table([_row(one) for one in busiest], _COLUMNS) if rows else "no containers"


def _row(one: Row) -> Row:
    return {
        "name": one["name"],
        "project": one["project"],
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


def repeat(ask: Callable[[], dict[str, Any]]) -> int:
    """Show the table anew each time ``ask`` answers, until interrupted; once where nobody watches a terminal."""
    try:
        while True:
            text = printable(shown(ask()["stats"]))
            live = sys.stdout.isatty()
            print(f"{_CLEAR if live else ''}{text}", flush=True)
            if not live:
                return 0
    except KeyboardInterrupt:
        return 0
