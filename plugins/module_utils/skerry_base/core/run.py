"""THE seam: start programs. Argument lists only, no standard input unless given, always a time limit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from .errors import SkerryError
from .files import read_text

_PLAIN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_TAIL_LINES = 25

Environment: TypeAlias = "Mapping[str, str] | None"


class CommandError(SkerryError):
    """A program failed. What it was given on standard input is never part of it.

    Attributes:
        argv: the command.
        code: its exit code, 127 where it is not installed, or None where it ran into the time limit.
        stderr: what it said there.
    """

    def __init__(self, argv: Sequence[str], code: int | None, stderr: str, *, lines: int = 1) -> None:
        how = "took too long and was ended" if code is None else f"ended with code {code}"
        shown = f" {_last(stderr)}" if lines == 1 else f"\n{tail(stderr, lines)}"
        super().__init__(f"`{' '.join(argv)}` {how}:{shown}")
        self.argv, self.code, self.stderr = tuple(argv), code, stderr


def run(argv: Sequence[str], *, stdin: str = "", timeout: float = 60.0) -> str:
    """Run a program on a server to its end and return its standard output. It sees PATH and ``LC_ALL=C``, no more.

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
        done = _run(argv, stdin, timeout, _PLAIN)
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, None, "") from error
    if done.returncode != 0:
        raise CommandError(argv, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout


def run_or_empty(argv: Sequence[str]) -> str:
    """As `run`, for a program that ends with code 1 where it finds nothing: then its output is empty.

    Args:
        argv: program and arguments.

    Raises:
        CommandError: it ended with another code than 0 and 1, or as for `run`.
    """
    try:
        return run(argv)
    except CommandError as error:
        if error.code != 1:
            raise
        return ""


def run_here(argv: Sequence[str], *, stdin: str = "", timeout: float = 60.0, env: Environment = None) -> str:
    """As `run`, on the user's own computer: it sees the user's environment, and an error shows the end of what it said.

    Args:
        argv: program and arguments.
        stdin: what the program reads.
        timeout: seconds after which it is killed.
        env: added to the environment.

    Raises:
        CommandError: as for `run`.
    """
    try:
        done = _run(argv, stdin.encode(), timeout, inherited(env))
    except subprocess.TimeoutExpired as error:
        said = (error.stderr or b"").decode(errors="replace")
        raise CommandError(argv, None, said, lines=_TAIL_LINES) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace")
        raise CommandError(argv, done.returncode, said, lines=_TAIL_LINES)
    return done.stdout.decode(errors="replace")


def run_logged(argv: Sequence[str], log: Path, *, timeout: float, env: Environment = None) -> None:
    """As `run_here`, for what takes long: its output goes to a file; it and its children die with this process.

    Args:
        argv: the program and its arguments.
        log: gets its standard output and error, appended.
        timeout: seconds after which it is killed.
        env: added to the environment.

    Raises:
        CommandError: as for `run`; the end of the log is in the message.
    """
    with log.open("a", encoding="utf-8") as out:
        try:
            done = subprocess.run(
                dies_with_us(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=timeout,
                check=False, env=inherited(env),
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise CommandError(argv, None, read_text(log), lines=_TAIL_LINES) from error
    if done.returncode != 0:
        raise CommandError(argv, done.returncode, read_text(log), lines=_TAIL_LINES)


def dies_with_us(argv: Sequence[str]) -> list[str]:
    """The same command in a process namespace that ends when its starter ends, even by `kill -9`.

    As a plain user there is no namespace to be had without root: then only the program itself dies with us.
    """
    guard = ["setpriv", "--pdeathsig", "KILL"]
    if os.geteuid() != 0:
        return [*guard, *argv]
    return [*guard, "unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", *argv]


def inherited(extra: Environment = None) -> dict[str, str]:
    """The user's environment with more in it; programs speak English there."""
    return {**os.environ, "LC_ALL": "C.UTF-8", **(extra or {})}


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of a program's output, indented to stand below a message."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:]) or "    (it said nothing)"


def _last(stderr: str) -> str:
    return stderr.strip().splitlines()[-1].strip() if stderr.strip() else "it said nothing"


def _run(
    argv: Sequence[str], stdin: bytes, timeout: float, env: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            list(argv), env=env, input=stdin, capture_output=True, timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        raise CommandError(argv, 127, f"{argv[0]} is not installed") from error
