"""The one error that crosses the socket: what was wrong, where, and what would be right."""

from enum import StrEnum

from skerry.text import printable


class Code(StrEnum):
    """Why a request was refused or failed; clients branch on this, people read the message."""

    INVALID = "invalid"  # the request itself is wrong
    NOT_FOUND = "not_found"
    EXISTS = "exists"
    BUSY = "busy"  # another operation holds this resource
    HOST = "host"  # the host lacks something (fences, space, a service)
    FAILED = "failed"  # a step failed; everything it did was undone
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"  # the token is none, or none any more
    STALE = "stale"  # the resource is in another state than the request was made for
    REUSED = "reused"  # another request had this Idempotency-Key


class SkerryError(Exception):
    """A refusal or failure that a person can act on.

    Args:
        code: the class of error.
        message: what was wrong, and where.
        hint: what would be right, or what to do next.
        journal: the log of the unit that failed, if one did.
    """

    def __init__(self, code: Code, message: str, hint: str = "", journal: str = "") -> None:
        super().__init__(message)
        self.code = code
        # A program or an image may have said some of it, and it is printed on terminals.
        self.message, self.hint, self.journal = printable(message), printable(hint), printable(journal)

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


def invalid(where: str, found: object, expected: str) -> SkerryError:
    """The error for a bad value: ``where`` names the option, ``found`` is what came, ``expected`` what would be right."""
    return SkerryError(Code.INVALID, f"{where}: {found!r} is not allowed", f"Give {expected}")
