"""THE seam: start programs. Argument lists only, no standard input unless given, ``LC_ALL=C``, always a time limit."""

import subprocess
from collections.abc import Sequence

from .errors import BootError

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class CommandError(BootError):
    """A program failed. What it was given on standard input is never part of it.

    Attributes:
        argv: the command.
        code: its exit code, 127 where it is not installed, or None where it ran into the time limit.
        stderr: what it wrote there.
    """

    def __init__(self, argv: Sequence[str], code: int | None, stderr: str) -> None:
        how = "took too long and was ended" if code is None else f"ended with code {code}"
        last = stderr.strip().splitlines()[-1].strip() if stderr.strip() else "it said nothing"
        super().__init__(f"`{' '.join(argv)}` {how}: {last}")
        self.argv, self.code, self.stderr = tuple(argv), code, stderr


def run(argv: Sequence[str], *, stdin: str = "", timeout: float = 60.0) -> str:
    """Run a program to its end and return its standard output.

    Args:
        argv: program and arguments; no shell is involved, and no secret stands here.
        stdin: what the program reads; secrets go here.
        timeout: seconds after which it is killed.

    Raises:
        CommandError: it is not installed, ended with a code other than 0, or took longer than ``timeout``.
    """
    return run_bytes(argv, stdin=stdin.encode(), timeout=timeout).decode(errors="replace")


def run_bytes(argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0) -> bytes:
    """As `run`, for what is no text."""
    try:
        done = subprocess.run(
            list(argv), env=_ENVIRONMENT, input=stdin, capture_output=True, timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        raise CommandError(argv, 127, f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, None, "") from error
    if done.returncode != 0:
        raise CommandError(argv, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout
