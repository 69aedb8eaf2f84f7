"""Run programs in containers for the engine: health checks, and those of clients that are not root. Standard library only.

The engine's own sandbox may enter no namespace, so this does it for the engine, which starts it and holds the other end of
its one socket. It reads orders there, each with a socket for the answer, and has a process of its own for each. It ends
with the engine, and everything that it has started with it.

It is the program of ``skerry-checks.service``. What a client asks for is done by :mod:`skerry.programs`.

A command runs as one of ``skerry exec``: brought in by ``lxc-attach``, and told inside what it is. It has a cgroup below
that of the container's processes: the limits and the freezer of these hold it, and whatever it has started, however often
that forked, is killed at once at the end of the check. A container can reach no cgroup.
"""

import contextlib
import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from skerry import attach, programs

CONTROL = 3  # the descriptor of the socket to the engine, as systemd hands it over
LONGEST = 128 * 1024  # bytes of an order; JSON has six for some of the 16 KiB that a command may have
KEPT = 4096  # bytes of what a command has written, the last ones
FLOOD = 16 * 1024**2  # bytes that it may write; reading more would be the host's own time
_CGROUPS = "/sys/fs/cgroup"
_BLOCK = 64 * 1024
_PATIENCE = (
    2.0  # seconds until what was killed is gone; what waits for a disk takes longer, and is not waited for
)
Order = dict[str, Any]
Answer = dict[str, Any]


def main() -> int:
    """Serve until the engine is gone."""
    control = socket.socket(fileno=CONTROL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a check's own process ended
    for text, descriptors in _orders(control):
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _serve(text, descriptors)
            os._exit(0)
        for one in descriptors:
            os.close(one)
    with contextlib.suppress(ChildProcessError):  # each of them hears that the engine is gone, and cleans up
        os.wait()
    return 0


def _orders(control: socket.socket) -> Iterator[tuple[bytes, list[int]]]:
    while True:
        text, descriptors, _flags, _address = socket.recv_fds(control, LONGEST, programs.MOST)
        if not text:
            return
        yield text, descriptors


def _serve(text: bytes, descriptors: list[int]) -> None:
    """Carry out an order. The first descriptor is that of whoever waits for the answer."""
    caller = socket.socket(fileno=descriptors[0])
    try:
        order = json.loads(text)
        answer = run(order, descriptors) if "terminal" in order else check(order, caller)
    except (attach.AttachError, OSError, subprocess.SubprocessError) as error:
        answer = {"error": str(error)}
    with contextlib.suppress(OSError):
        caller.send(json.dumps(answer).encode())


def check(order: Order, caller: socket.socket) -> Answer:
    """Run a command to its end, or to the end of its time.

    Args:
        order: ``ticket`` (as the engine answers to ``exec``), ``group`` (the cgroup to make for it, from the root) and
            ``timeout`` (seconds).
        caller: who waits for the answer. When its other end is closed, nobody does, and the command is killed.

    Returns:
        ``status``, its exit code; or ``ended``: why it was ended, ``timeout``, ``flood`` or ``unasked``. And ``output``:
        the last of what it wrote.

    Raises:
        AttachError: the container is none to run a program in.
        OSError: its cgroup is not there: it is ending.
    """
    deadline = time.monotonic() + order["timeout"]
    with (
        _group(f"{_CGROUPS}/{order['group']}") as group,
        _pipe() as (stdin, nothing),
        _pipe() as (read, write),
    ):
        nothing.close()
        with attach.started(order["ticket"], (stdin, write, write), group) as process:
            write.close()
            try:
                return _watch(process, read.fileno(), caller.fileno(), deadline)
            finally:
                _kill(group)


def run(order: Order, descriptors: list[int]) -> Answer:
    """Run a client's program; when it has ended, so has all that it started.

    Args:
        order: ``ticket``, ``group`` and ``terminal`` (:func:`skerry.programs.run`).
        descriptors: who waits, and those of the client.

    Raises:
        AttachError: the container is none to run a program in.
        OSError: its cgroup is not there: it is ending.
    """
    with _group(f"{_CGROUPS}/{order['group']}") as group:
        try:
            return programs.run(order, group, descriptors)
        finally:
            _kill(group)


@dataclasses.dataclass
class _Output:
    """What a command has written: how many bytes, and the last of them."""

    descriptor: int
    count: int = 0
    last: bytes = b""

    def read(self) -> bool:
        """Take what is there now; False at the end of it."""
        try:
            block = os.read(self.descriptor, _BLOCK)
        except BlockingIOError:
            return False
        self.count, self.last = self.count + len(block), (self.last + block)[-KEPT:]
        return bool(block)

    def answer(self, how: Answer) -> Answer:
        return how | {"output": self.last.decode(errors="replace")}


def _watch(process: subprocess.Popen[bytes], descriptor: int, caller: int, deadline: float) -> Answer:
    os.set_blocking(descriptor, False)
    output, ended = _Output(descriptor), os.pidfd_open(process.pid)
    poll = select.poll()
    for one in (descriptor, ended, caller):
        poll.register(one, select.POLLIN)
    try:
        while output.count <= FLOOD:
            ready = {one for one, _events in poll.poll(max(deadline - time.monotonic(), 0) * 1000)}
            if not ready:
                return output.answer({"ended": "timeout"})
            if caller in ready:
                return output.answer({"ended": "unasked"})
            if ended in ready:  # what it left running may still write: that is not waited for
                while output.count <= FLOOD and output.read():
                    pass
                return output.answer({"status": attach.exit_code(process.wait())})
            if not output.read():  # it closed its output, and goes on
                poll.unregister(descriptor)
    finally:
        os.close(ended)
    return output.answer({"ended": "flood"})


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    read, write = os.pipe()
    with open(read, "rb", buffering=0) as reader, open(write, "wb", buffering=0) as writer:
        yield reader, writer


@contextlib.contextmanager
def _group(path: str) -> Iterator[str]:
    """A cgroup with nothing in it; what is in it at the end is killed."""
    try:
        os.mkdir(path)
    except FileExistsError:  # of one that was killed itself
        _kill(path)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):  # its container has ended, or something in it cannot be killed yet
            os.rmdir(path)


def _kill(group: str) -> None:
    """Kill every process of a cgroup, frozen ones as well; returns when they are gone, or soon."""
    deadline = time.monotonic() + _PATIENCE
    with contextlib.suppress(OSError):
        with open(f"{group}/cgroup.kill", "w", encoding="ascii") as file:
            file.write("1")
        while "populated 1" in _text(f"{group}/cgroup.events") and time.monotonic() < deadline:
            time.sleep(0.002)


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main())
