"""Whether a command answered what its page prints: words as printed, in that order; figures may differ."""

import re
from collections.abc import Sequence

ANYTHING = "…"
# What differs from run to run becomes the same on both sides, in this order.
UNSTABLE = [
    (re.compile(r"\b[0-9a-f]{8,}\b"), "ID"),
    (re.compile(r"(?<![\w.:/])(?:/[\w.+@-]+)*/(?=[\w.+@-])"), "/"),
    (re.compile(r"(?<!\w)(?:[0-9a-f]{1,4}:){2,}[0-9a-f:]*"), "ADDRESS"),
    (re.compile(r"(?<![a-z])\d+(?:\.\d+)*"), "0"),
]


def stable(line: str) -> str:
    """A line without what differs from run to run: ids, folders, addresses, figures, width of columns."""
    for pattern, same in UNSTABLE:
        line = pattern.sub(same, line)
    return " ".join(line.split())


def missing(printed: Sequence[str], said: str) -> str | None:
    """The first printed line that was not said, or not in that order; None where all were.

    Args:
        printed: the answer as the page prints it; `…` in it stands for anything.
        said: what the command said; more lines may stand between.
    """
    lines = iter([stable(line) for line in said.splitlines()])
    for line in printed:
        pieces = [re.escape(stable(piece)) for piece in line.split(ANYTHING)]
        wanted = re.compile(r"\s*.*?\s*".join(pieces))
        if line.strip() and not any(wanted.fullmatch(found) for found in lines):
            return line
    return None
