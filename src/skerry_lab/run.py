"""The seam: the only module of the lab that starts programs."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from skerry_lab.errors import LabError

_TAIL_LINES = 25


class CommandFailed(LabError):
    """A program did not do its work: carries the command, its exit code and the end of what it said."""

    def __init__(self, argv: Sequence[str], code: int | str, said: str) -> None:
        super().__init__(f"`{' '.join(argv)}` failed ({code}):\n{tail(said)}")
        self.argv = list(argv)
        self.code = code
        self.said = said


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of a program's output, indented to stand below a message."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:]) or "    (it said nothing)"


Environment = Mapping[str, str] | None


def run(argv: Sequence[str], *, stdin: str = "", timeout: float = 60, env: Environment = None) -> str:
    """Run a program to its end and return its standard output.

    Args:
        argv: the program and its arguments; no shell is involved.
        stdin: what it reads.
        timeout: seconds after which it is killed.
        env: added to the environment.

    Raises:
        CommandFailed: it could not start, took too long, or ended with a code other than 0.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
            env=_environment(env),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise CommandFailed(argv, "not found", str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(argv, f"no end after {timeout:.0f} s", _text(error.stderr)) from error
    if done.returncode != 0:
        raise CommandFailed(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout


def run_logged(argv: Sequence[str], log: Path, *, timeout: float, env: Environment = None) -> None:
    """Run a long program with its output in a file; it and its children die with this process.

    Args:
        argv: the program and its arguments.
        log: gets its standard output and error, appended.
        timeout: seconds after which it is killed.
        env: added to the environment.

    Raises:
        CommandFailed: as for `run`; the end of the log is in the message.
    """
    with log.open("a", encoding="utf-8") as out:
        try:
            done = subprocess.run(
                dies_with_us(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=timeout,
                check=False, env=_environment(env),
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(argv, f"no end after {timeout:.0f} s", read_text(log)) from error
    if done.returncode != 0:
        raise CommandFailed(argv, done.returncode, read_text(log))


def dies_with_us(argv: Sequence[str]) -> list[str]:
    """The same command in a process namespace that ends when its starter ends, even by `kill -9`.

    As a plain user there is no namespace to be had without root: then only the program itself dies with us.
    """
    guard = ["setpriv", "--pdeathsig", "KILL"]
    if os.geteuid() != 0:
        return [*guard, *argv]
    return [*guard, "unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", *argv]


def start_detached(argv: Sequence[str], log: Path, *, cwd: Path, env: Environment = None) -> int:
    """Start a program that outlives this one, its output in a file; returns its process id."""
    with log.open("a", encoding="utf-8") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, start_new_session=True,
            env=_environment(env),
        )  # fmt: skip
    # Its end is followed by process identity, not by this object: tell Python so, or it warns.
    process.returncode = 0
    return process.pid


def start_beside(argv: Sequence[str], log: Path, pass_fds: Sequence[int] = ()) -> int:
    """Start a program in this process's own group, its output in a file; returns its process id."""
    with log.open("a", encoding="utf-8") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=pass_fds)
    process.returncode = 0
    return process.pid


def run_shown(argv: Sequence[str], *, env: Environment = None) -> int:
    """Run a program on the user's own terminal and return its exit code."""
    return subprocess.run(argv, check=False, env=_environment(env)).returncode


def become(argv: Sequence[str]) -> NoReturn:
    """Turn this process into another program: same process id, same start time."""
    os.execvp(argv[0], list(argv))  # noqa: S606 - that there is no shell is the point


def read_text(path: Path) -> str:
    """A log as far as it can be read; empty where it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _environment(extra: Environment) -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", **(extra or {})}


def _text(said: str | bytes | None) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""
