"""Run a program in a container for a client that is not root of the host: the work of ``skerry-checks.service``.

The engine has checked who asks, and sends an order with the ends of sockets and pipes whose other ends the client has. So
the client is given a program's streams, and nothing of the host. Standard library only.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Iterator
from typing import Any, BinaryIO

from skerry import attach

PIPES = ("stdin", "stdout", "stderr")
MOST = 2 + len(PIPES)  # descriptors beside an order
SIGNALS = ("HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "WINCH", "TSTP", "CONT")
_LARGEST = 1000  # rows or columns
_LONGEST = 1024  # bytes of what a client says
_BLOCK = 64 * 1024
_LOOK = 5  # milliseconds between two looks whether lxc-attach has taken its terminal over
_LAST_WORDS = 5.0  # seconds that a client has to read the last of what a program at a terminal said
_OUTPUT_MODES, _LOCAL_MODES = 1, 3  # where termios.tcgetattr has them
Order = dict[str, Any]


def run(order: Order, group: str, descriptors: list[int]) -> dict[str, Any]:
    """Run a program until it ends or nobody is there any more.

    Args:
        order: ``ticket``, as the engine answers to ``exec``; ``terminal``, rows and columns, or null.
        group: the cgroup that it is to be in.
        descriptors: who waits (a socket), where a client says more (a socket), and the program's streams.

    Raises:
        AttachError: the container is none to run a program in.
        OSError: its cgroup is not there: it is ending.
    """
    caller, control, *streams = descriptors
    if order["terminal"] is None:
        stdin, stdout, stderr = streams
        with attach.started(order["ticket"], (stdin, stdout, stderr), group) as process:
            for one in streams:
                os.close(one)
            return _Program(process, caller, control).wait()
    with (
        _terminal(*order["terminal"]) as (ours, its),
        attach.started(order["ticket"], (its, its, its), group, terminal=True) as process,
    ):
        its.close()
        return _AtTerminal(process, caller, control, ours.fileno(), streams[0]).wait()


@contextlib.contextmanager
def _terminal(rows: int, columns: int) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    number, of_program = os.openpty()
    with open(number, "rb", buffering=0) as ours, open(of_program, "rb", buffering=0) as its:
        _resize(number, rows, columns)
        yield ours, its


def _resize(terminal: int, rows: int, columns: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@dataclasses.dataclass
class _Program:
    """A program that runs, who waits for it, and who may send it signals."""

    process: subprocess.Popen[bytes]
    caller: int
    control: int

    def wait(self) -> dict[str, Any]:
        """Its status; or ``ended``, where nobody waits any more. Then the caller kills what is left of it."""
        ended, poll = os.pidfd_open(self.process.pid), select.poll()
        for one in (ended, self.caller, self.control, *self.watched()):
            poll.register(one, select.POLLIN)
        try:
            while True:
                ready = dict(poll.poll(self.patience()))
                if self.caller in ready or not self.copy(poll, ready):
                    attach.end(self.process)
                    return {"ended": "unasked"}
                if ended in ready:
                    self.finish()
                    return {"status": attach.exit_code(self.process.wait())}
                if self.control in ready and not self._obey():
                    poll.unregister(self.control)
        finally:
            os.close(ended)

    def watched(self) -> list[int]:
        """What else is waited for."""
        return []

    def patience(self) -> int | None:
        """Milliseconds to wait at most."""
        return None

    def copy(self, _poll: select.poll, _ready: dict[int, int]) -> bool:
        """Copy what is there; False where nobody is there any more."""
        return True

    def finish(self) -> None:
        """Copy what is left when the program has ended."""

    def resize(self, rows: int, columns: int) -> None:
        """Nothing here has a size."""

    def _obey(self) -> bool:
        """Do what the client says. What is no order is none; False where it will say no more."""
        try:
            said = os.read(self.control, _LONGEST)
        except OSError:
            return False
        if not said:
            return False
        try:
            match json.loads(said):
                case {"signal": str(name)} if name in SIGNALS:
                    self._send(signal.Signals[f"SIG{name}"])
                case {"rows": int(rows), "columns": int(columns)}:
                    if 1 <= rows <= _LARGEST and 1 <= columns <= _LARGEST:
                        self.resize(rows, columns)
        except (ValueError, RecursionError):
            pass
        return True

    def _send(self, number: signal.Signals) -> None:
        """Send a signal to the program; while lxc-attach has not started it, to lxc-attach."""
        for pid in attach.inside(self.process.pid) or [self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


class _AtTerminal(_Program):
    """A program at a terminal of the host's, which is copied to a socket. The terminal itself goes to nobody."""

    def __init__(
        self, process: subprocess.Popen[bytes], caller: int, control: int, terminal: int, client: int
    ) -> None:
        super().__init__(process, caller, control)
        self._terminal, self._client = terminal, client
        self._typed, self._said = b"", b""
        self._listens = self._silent = self._over = False
        for one in (terminal, client):
            os.set_blocking(one, False)

    def watched(self) -> list[int]:
        """The terminal and the client."""
        return [self._terminal, self._client]

    def patience(self) -> int | None:
        """lxc-attach throws away what is typed before it has taken its terminal over: so nothing is typed before."""
        return None if self._listens or self._over else _LOOK

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size; the kernel tells lxc-attach, and that the program."""
        _resize(self._terminal, rows, columns)

    def copy(self, poll: select.poll, ready: dict[int, int]) -> bool:
        """Copy in both directions as much as there is room for; False where the client has closed its end."""
        if ready.get(self._client, 0) & select.POLLHUP:
            return False
        self._listens = self._listens or self._is_taken_over()
        if not self._over and not self._said:
            self._said = self._read(self._terminal)
        self._said = self._write(self._client, self._said)
        if self._listens and not self._typed and not self._silent and self._client in ready:
            self._typed = self._read(self._client)
            self._silent = not self._typed
        self._typed = self._write(self._terminal, self._typed)
        reads = bool(self._listens and not self._typed and not self._silent)
        poll.modify(self._client, select.POLLIN * reads | select.POLLOUT * bool(self._said))
        terminal = select.POLLIN * (not self._said) | select.POLLOUT * bool(self._typed)
        if self._over:
            with contextlib.suppress(KeyError):
                poll.unregister(self._terminal)
        else:
            poll.modify(self._terminal, terminal)
        return True

    def finish(self) -> None:
        """Send the rest of what it said, as long as somebody reads."""
        os.set_blocking(self._client, True)
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._client)) as client:
            client.settimeout(_LAST_WORDS)
            while self._said or not self._over:
                client.sendall(self._said)
                self._said = self._read(self._terminal)
                if not self._said:
                    return

    def _is_taken_over(self) -> bool:
        """Whether lxc-attach passes on each byte as it is typed. From then on each byte is shown as it is, too."""
        try:
            modes = termios.tcgetattr(self._terminal)
        except termios.error:
            return False
        if modes[_LOCAL_MODES] & termios.ICANON:
            return False
        modes[_OUTPUT_MODES] &= ~termios.OPOST
        termios.tcsetattr(self._terminal, termios.TCSANOW, modes)
        return True

    def _read(self, number: int) -> bytes:
        try:
            return os.read(number, _BLOCK)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno == errno.EIO and number == self._terminal:
                self._over = True
            return b""

    @staticmethod
    def _write(number: int, data: bytes) -> bytes:
        """What is left of ``data`` when as much of it is written as there is room for."""
        try:
            return data[os.write(number, data) :] if data else data
        except BlockingIOError:
            return data
        except OSError:
            return b""
