"""Start programs: argument lists only, no standard input unless given, ``LC_ALL=C``, always a time limit."""

import subprocess
from collections.abc import Sequence
from typing import Any

from skerry.model.errors import Code, SkerryError


class ProgramError(SkerryError):
    """A program failed.

    Attributes:
        argv: the command.
        status: its exit code, or None where it ran into the time limit.
        stderr: what it wrote there.
    """

    def __init__(self, argv: Sequence[str], status: int | None, stderr: str) -> None:
        how = "took too long and was ended" if status is None else f"ended with status {status}"
        last = stderr.strip().splitlines()[-1] if stderr.strip() else "it said nothing"
        super().__init__(Code.FAILED, f"{' '.join(argv[:4])} {how}: {last}")
        self.argv, self.status, self.stderr = tuple(argv), status, stderr


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30.0) -> str:
    """Run ``argv`` and return its standard output.

    Args:
        argv: program and arguments.
        stdin: what the program reads; secrets go here, never into ``argv``.
        timeout: seconds after which it is ended.

    Raises:
        ProgramError: it could not be started, failed, or took longer than ``timeout``.
    """
    found = run_bytes(argv, None if stdin is None else stdin.encode(), timeout)
    return (
        found.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    )  # a container's log may be any bytes


def run_bytes(argv: Sequence[str], stdin: bytes | None, timeout: float = 30.0) -> bytes:
    """As :func:`run`, for a program that reads and writes any bytes."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    source: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    try:
        done = subprocess.run(
            list(argv), env=env, capture_output=True, timeout=timeout, check=False, **source
        )
    except FileNotFoundError as error:
        raise ProgramError(argv, 127, f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramError(argv, None, "") from error
    if done.returncode != 0:
        raise ProgramError(argv, done.returncode, done.stderr.decode(errors="replace"))
    return bytes(done.stdout)
