"""Programs that are not waited for, and those on the user's own terminal."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from skerry_base.core.run import Environment, inherited


def start_detached(argv: Sequence[str], log: Path, *, cwd: Path, env: Environment = None) -> int:
    """Start a program that outlives this one, its output in a file; returns its process id."""
    with log.open("a", encoding="utf-8") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, start_new_session=True,
            env=inherited(env),
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
    return subprocess.run(argv, check=False, env=inherited(env)).returncode


def become(argv: Sequence[str]) -> NoReturn:
    """Turn this process into another program: same process id, same start time."""
    os.execvp(argv[0], list(argv))  # noqa: S606 - that there is no shell is the point
