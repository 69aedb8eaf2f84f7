"""How much a request may have in it, whoever decodes it: what is wrong with each value is found out one by one."""

from collections.abc import Sequence
from typing import Any

MOST = 5_000  # values of one request: options, entries of lists, and all that is in these


def twice(pairs: Sequence[tuple[str, Any]]) -> str | None:
    """The first name that is there twice in an object of JSON, found in one pass: its sender chooses how many there are."""
    seen = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    return None


def measure(value: Any) -> tuple[int, int]:
    """How many levels a value has, and how many values are in it. No recursion: it may have more than Python's stack."""
    levels, number, here = 0, 0, [value]
    while here:
        levels, number = levels + 1, number + len(here)
        inner = [
            one.values() if isinstance(one, dict) else one for one in here if isinstance(one, dict | list)
        ]
        here = [one for group in inner for one in group]
    return levels, number
