"""The errors of this package, for a person to act on."""


class BootError(Exception):
    """A refusal or failure.

    Args:
        message: what was wrong, and where; without a full stop.
        hint: what would be right, or what to do next; a sentence.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message
