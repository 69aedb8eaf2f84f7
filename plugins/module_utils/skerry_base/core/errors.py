"""The one error that Skerry raises on purpose, for a person to act on."""

from __future__ import annotations

from typing import Any


class SkerryError(Exception):
    """A refusal or failure.

    Args:
        message: what was wrong, and where; without a full stop where a hint follows.
        hint: what would be right, or what to do next; a sentence.
        facts: what a module that fails returns besides.
    """

    def __init__(self, message: str, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message, self.hint, self.facts = message, hint, facts

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message
