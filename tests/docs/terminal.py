"""A shell that commands are typed into, one after the other: it keeps its folder and its variables, as a terminal does."""

import contextlib
import os
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CLOSE_S = 20


@dataclass(frozen=True)
class Answer:
    """What came of a command: its exit code, or why there is none, and all that it said."""

    code: int | str
    output: str


class Terminal:
    """A shell behind a pipe; what is behind it may be another computer."""

    def __init__(self, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, command: str, seconds: float) -> Answer:
        """Type a command and wait for its end; at the time limit the terminal is closed with all that runs in it."""
        mark = secrets.token_hex(12)
        # The command reads nothing: what is typed after it is not for it. Its comment ends with its line.
        text = f"{{ {command}\n}} </dev/null\nprintf '\\n{mark} %s\\n' $?\n"
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(text.encode())
            stdin.flush()
        except BrokenPipeError:
            return Answer("the terminal is closed", "")
        return self._answer(mark, time.monotonic() + seconds)

    def _answer(self, mark: str, until: float) -> Answer:
        assert self._process.stdout is not None
        pipe, said = self._process.stdout.fileno(), b""
        begin, end = f"\n{mark} ".encode(), b"\n"
        while begin not in said or end not in said.partition(begin)[2]:
            ready, _, _ = select.select([pipe], [], [], max(until - time.monotonic(), 0))
            if not ready:
                self.kill()
                return Answer("out of time", said.decode(errors="replace"))
            chunk = os.read(pipe, 65536)
            if not chunk:
                return Answer("the terminal was closed", said.decode(errors="replace"))
            said += chunk
        output, _, rest = said.partition(begin)
        return Answer(int(rest.split()[0]), output.decode(errors="replace"))

    def close(self) -> int | str:
        """Log out; the exit code of the shell."""
        try:
            self._process.communicate(b"exit\n", CLOSE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return "out of time"
        return self._process.returncode

    def kill(self) -> None:
        """End the shell and what runs in it."""
        with self._process, contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
