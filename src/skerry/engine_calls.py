"""What calls of the engine share, by whichever way they go. Standard library only: modules carry it."""

import contextlib
from collections.abc import Callable
from typing import Any

SILENCE = 300.0  # seconds without a word after which the engine counts as hung
_LONGEST_WAIT = 3600.0  # seconds that a request may ask for: Seconds in protocol/core.py

Event = dict[str, Any]
OnEvent = Callable[[Event], None]


class EngineError(Exception):
    """The engine refused, failed, or could not be reached.

    Attributes:
        code: the class of error: invalid, not_found, exists, busy, host, failed, forbidden,
            unauthorized, stale; of the API alone too_many.
        message: what was wrong, and where.
        hint: what would be right, or what to do next.
        journal: the log of the unit that failed, if one did.
    """

    def __init__(self, code: str, message: str, hint: str = "", journal: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.journal = code, message, hint, journal

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


def own_waits(args: dict[str, Any]) -> float:
    """Seconds that a request itself allows the engine to wait."""
    fields: dict[str, Any] = args | dict(args.get("of", {}))
    waits = 0.0
    for name in ("timeout", "grace", "grace_now"):
        with contextlib.suppress(TypeError, ValueError):  # the engine says what is wrong with it
            given = float(fields.get(name, 0))
            waits += given if 0 <= given <= _LONGEST_WAIT else 0
    return waits
