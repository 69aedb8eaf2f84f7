"""A program in a container with this process's own streams, signals and terminal: ``skerry exec`` and ``skerry shell``."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import termios
import time
import tty
from collections.abc import Iterator
from typing import TYPE_CHECKING

from skerry import attach

if TYPE_CHECKING:
    import subprocess

_PASSED_ON = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
_PATIENCE = 5.0  # seconds that a program has to end after its client has gone
_LOOK = 0.005  # seconds between two looks whether lxc-attach has taken its terminal over
_BLOCK = 65536  # bytes that are copied at a time
_OUTPUT_MODES, _LOCAL_MODES = 1, 3  # where termios.tcgetattr has them


def run(ticket: attach.Ticket) -> int:
    """Run the program with this process's own streams, and signals; its exit code, 128 + N where signal N ended it.

    Raises:
        AttachError: the container is none to run a program in.
    """
    if os.isatty(0):
        return _run_at_terminal(ticket)
    with attach.started(ticket) as process, _signals_passed_on(process):
        return attach.exit_code(_wait(process))


def _run_at_terminal(ticket: attach.Ticket) -> int:
    """The same at a terminal. lxc-attach throws away what was typed before it took its own over: so that is one of ours."""
    number, of_program = os.openpty()
    with open(number, "rb", buffering=0) as terminal, open(of_program, "rb", buffering=0) as its:
        termios.tcsetattr(its, termios.TCSANOW, termios.tcgetattr(0))
        its_or_same = [its if os.isatty(stream) else None for stream in range(3)]
        streams = (its_or_same[0], its_or_same[1], its_or_same[2])
        with _raw_terminal(), attach.started(ticket, streams, terminal=True) as process, _size_kept(number):
            its.close()
            with _signals_passed_on(process):
                return attach.exit_code(_Relay(process, terminal.fileno()).run())


class _Relay:
    """Copies between this process's terminal and the one that it has made.

    Args:
        process: the program, or what brings it in.
        terminal: the end of the terminal that is not the program's.
    """

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self._process, self._terminal = process, terminal
        self._listens, self._typed = False, b""
        self._screen = next(stream for stream in (1, 2, 0) if os.isatty(stream))
        self._watched = True
        os.set_blocking(terminal, False)

    def run(self) -> int:
        """Copy until the program has ended; its exit code, as subprocess says it."""
        ended = os.pidfd_open(self._process.pid)
        try:
            while True:
                self._listens = self._listens or self._is_taken_over()
                reads = [ended, self._terminal]
                if self._listens and not self._typed:
                    reads.append(0)
                ready, _, _ = select.select(
                    reads, [self._terminal] if self._typed else [], [], None if self._listens else _LOOK
                )
                if ended in ready:
                    while self._show():
                        pass
                    return self._process.wait()
                if self._terminal in ready:
                    self._show()
                if not self._watched or (0 in ready and not self._read()):
                    _hang_up(self._process)
                self._type()
        finally:
            os.close(ended)

    def _is_taken_over(self) -> bool:
        """Whether lxc-attach passes on each byte as it is typed: then it has thrown away all that it ever will.

        From then on each byte of the program's is shown as it is, too: its own terminal has ended the lines.
        """
        modes = termios.tcgetattr(self._terminal)
        if modes[_LOCAL_MODES] & termios.ICANON:
            return False
        modes[_OUTPUT_MODES] &= ~termios.OPOST
        termios.tcsetattr(self._terminal, termios.TCSANOW, modes)
        return True

    def _show(self) -> bool:
        """Show what the program has said, where anybody sees it; false where that was all, for now or for ever."""
        try:
            said = os.read(self._terminal, _BLOCK)
        except OSError:
            return False
        try:
            while said and self._watched:
                said = said[os.write(self._screen, said) :]
        except OSError:  # the terminal is gone
            self._watched = False
        return True

    def _read(self) -> bool:
        """Read what was typed; false where nobody is there any more."""
        with contextlib.suppress(OSError):
            self._typed = os.read(0, _BLOCK)
        return bool(self._typed)

    def _type(self) -> None:
        """Give the program as much of what was typed as it takes."""
        with contextlib.suppress(OSError):
            self._typed = self._typed[os.write(self._terminal, self._typed) :]


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Within it, this process's terminal passes on each byte; afterwards it is as before, whatever happens."""
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSADRAIN)  # which keeps what has been typed already
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _size_kept(terminal: int) -> Iterator[None]:
    """Within it, a terminal has the size of this process's own."""

    def copy(*_about: object) -> None:
        with contextlib.suppress(OSError):
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))

    before = signal.signal(signal.SIGWINCH, copy)
    try:
        copy()
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


@contextlib.contextmanager
def _signals_passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Within it, a signal to this process goes to the program."""
    before = {}
    for name in _PASSED_ON:
        number = getattr(signal, name)
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
            before[number] = signal.signal(number, lambda number, _frame: _send(process, number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to the program; while lxc-attach has not started it, to lxc-attach."""
    for pid in attach.inside(process.pid) or [process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end. A client whose output nobody reads any more has gone, and its program is ended."""
    ended, readers = os.pidfd_open(process.pid), {1, 2}
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    for descriptor in readers:
        poll.register(descriptor, 0)
    try:
        while True:
            for descriptor, events in poll.poll():
                if descriptor == ended:
                    return process.wait()
                poll.unregister(descriptor)
                readers -= {descriptor} if events & (select.POLLERR | select.POLLHUP) else set()
                if not readers:
                    _hang_up(process)
    finally:
        os.close(ended)


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    _send(process, signal.SIGHUP)
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None:
        if time.monotonic() > deadline:
            attach.end(process)
        time.sleep(0.02)
