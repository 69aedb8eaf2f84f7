"""Starts a machine's process so that it is known from its first moment on.

The process notes its own identity in the lab's folder, then becomes the program: process id and start time stay.
So even a `kill -9` of `lab up` leaves no machine that nobody knows of.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from skerry_lab.process import ProcessIdentity
from skerry_lab.start import become, start_detached

SOURCES = Path(__file__).parent.parent
NOTE = "process.json"


def start(argv: Sequence[str], home: Path, log: Path) -> ProcessIdentity:
    """Start a program in a lab's folder; it outlives this process."""
    python = [sys.executable, "-m", "skerry_lab.launch", *argv]
    pid = start_detached(python, log, cwd=home, env={"PYTHONPATH": str(SOURCES)})
    return ProcessIdentity.of(pid)


def note_and_become(argv: Sequence[str]) -> NoReturn:
    """Note who we are in the working folder, then become the program."""
    ProcessIdentity.of(os.getpid()).save(Path(NOTE))
    become(argv)


if __name__ == "__main__":
    note_and_become(sys.argv[1:])
