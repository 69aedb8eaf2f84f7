"""Durations, written as people say them: ``30m``, ``12h``, ``7d``, ``4w``."""

import re

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_PATTERN = re.compile(r"([1-9][0-9]{0,4})([mhdw])")


def parse_duration(value: str | int) -> int:
    """Seconds of ``value``.

    Raises:
        ValueError: it is not a duration; the message says what would be.
    """
    match = _PATTERN.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not a duration; give a number with m, h, d or w, such as 7d")
    return int(match[1]) * _UNITS[match[2]]


def format_duration(seconds: int) -> str:
    """The shortest exact way to write it: 604800 is ``1w``."""
    unit = next(unit for unit in ("w", "d", "h", "m") if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
