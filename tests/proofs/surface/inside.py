"""What root of a container can reach of the kernel below it. Runs inside, as root, with Python's standard library.

``python3 inside.py`` leaves found.json beside itself: the system calls and the entries of /proc and /sys that it
reached. It asks for every module it can think of as well (asking.py); what came of that, the host sees.

A call counts as reachable when it gets past the container's filter into a function of the kernel. Every number is called
in a child of its own, first with -1 for every argument, then, where that was refused, with 0 and with 1: a filter may
look at arguments, and some calls are many in one, told apart by the first. ENOSYS is a call that is not there, whether
kernel or filter says so. A child that did not come back from the call (it ended, it sleeps) reached it. EPERM and EACCES
may be the filter's or the kernel's. Who said so is found out by a second filter, put below that of the container: it hands
the call to a tracer, and as there is none, the kernel answers ENOSYS. Of two filters the stricter one wins, and to refuse
is stricter than to trace: if EPERM stays, the container's filter said it.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import asking

LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = range(550)
PATIENCE_S = 3.0
X32 = 0x40000000
# Some of these act when they are opened.
LEFT_OUT = {"/sys/kernel/debug", "/sys/kernel/tracing"}
NOT_YET, CALLED = 1 << 40, 1 << 41
EXIT = bytes.fromhex("b83c000000 31ff 0f05")  # mov eax, 60; xor edi, edi; syscall
# All arguments are the second one; `system` for programs of 64 bits, `int 0x80` for those of 32.
SYSCALL = bytes.fromhex("89f8 4889f7 4889f2 4989f2 4989f0 4989f1 0f05")
INT_80 = bytes.fromhex("5355 89f8 89f3 89f1 89f2 89f7 89f5 cd80 4898")
TRACE, ALLOW = 0x7FF00000, 0x7FFF0000
NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2


class Filter(ctypes.Structure):
    """A program that a seccomp filter is."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


class Caller:
    """Calls by number. What a call answers is stored, and its process ended, without another step of Python's.

    So the calls that return twice (fork, vfork, clone), or forbid all others, do no harm.
    """

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the children
        self._slot = ctypes.c_long.from_buffer(self._page)
        store = b"\x48\xa3" + ctypes.addressof(self._slot).to_bytes(8, "little")  # mov [address], rax
        self._code = mmap.mmap(
            -1,
            mmap.PAGESIZE,
            mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
            mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC,
        )
        self._ways = {}
        for place, code in ((0, SYSCALL), (512, INT_80)):
            whole = code + store + EXIT
            self._code[place : place + len(whole)] = whole
            address = ctypes.addressof(ctypes.c_char.from_buffer(self._code, place))
            self._ways[code] = ctypes.CFUNCTYPE(None, ctypes.c_uint, ctypes.c_long)(address)

    def answer(self, way: bytes, number: int, value: int, traced: bool = False) -> int | None:
        """What the call answers; nothing when it did not come back."""
        self._slot.value = NOT_YET
        child = os.fork()
        if child == 0:
            os.setsid()
            if traced:
                trace(number)
            self._slot.value = CALLED
            self._ways[way](number, value)
        ended_by = self._end(child)
        assert self._slot.value != NOT_YET
        if ended_by == signal.SIGSYS:  # the filter kills who calls it
            return -errno.ENOSYS
        return None if self._slot.value == CALLED else self._slot.value

    def _end(self, child: int) -> int:
        """Wait for a child, and kill one that sleeps in its call; the signal that ended it."""
        until = float("inf")
        while True:
            found, status = os.waitpid(child, os.WNOHANG)
            if found and (os.WIFSIGNALED(status) or os.WIFEXITED(status)):
                return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            if self._slot.value == CALLED and until == float("inf"):
                until = time.monotonic() + PATIENCE_S
            if time.monotonic() > until:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.001)

    def reaches(self, way: bytes, number: int) -> bool:
        """Whether a call gets into the kernel."""
        for value in (-1, 0, 1):
            said = self.answer(way, number, value)
            if said == -errno.ENOSYS:
                continue
            if (
                said in {-errno.EPERM, -errno.EACCES}
                and self.answer(way, number, value, True) != -errno.ENOSYS
            ):
                continue
            return True
        return False

    def reachable(self, way: bytes, first: int, getpid: int) -> list[int]:
        """The numbers of one table of calls that get into the kernel; none when there is no such table."""
        if (self.answer(way, first + getpid, 0) or -1) < 0:
            return []
        return [number for number in NUMBERS if self.reaches(way, first + number)]


def trace(number: int) -> None:
    """From now on, let a tracer that is not there decide on this call."""

    def step(code: int, yes: int, no: int, value: int) -> bytes:
        return code.to_bytes(2, "little") + bytes([yes, no]) + value.to_bytes(4, "little")

    code = step(0x20, 0, 0, 0) + step(0x15, 0, 1, number) + step(0x06, 0, 0, TRACE) + step(0x06, 0, 0, ALLOW)
    program = Filter(4, code)
    if LIBC.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) or LIBC.prctl(SET_SECCOMP, FILTER, ctypes.byref(program)):
        os._exit(1)


def system_calls() -> dict[str, list[int]]:
    """The calls that are reachable, by the way they are called."""
    caller = Caller()
    # The filter of our own does what the docstring says: a call that went through is not there any more.
    assert (caller.answer(SYSCALL, 110, 0) or 0) > 0
    assert caller.answer(SYSCALL, 110, 0, True) == -errno.ENOSYS
    return {
        "64 bits": caller.reachable(SYSCALL, 0, 39),
        "32 bits": caller.reachable(INT_80, 0, 20),
        "x32": caller.reachable(SYSCALL, X32, 39),
    }


def writable(top: str) -> Iterator[str]:
    """Files below a folder that open for writing; nothing is written. No process' own ones."""
    for folder, folders, names in os.walk(top):
        folders[:] = [one for one in folders if not one.isdigit() and f"{folder}/{one}" not in LEFT_OUT]
        for path in (f"{folder}/{name}" for name in names):
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW))
                    yield path
            except OSError:
                continue


def main() -> None:
    """All of it, to a file beside this one; then sleep, as whoever started it may look at what runs."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    here = Path(__file__).parent
    report = {"entries": sorted([*writable("/proc"), *writable("/sys")]), "calls": system_calls()}
    report["asked"] = asking.ask_for_all(here / "modules.alias")
    (here / "found.new").write_text(json.dumps(report))
    (here / "found.new").rename(here / "found.json")


if __name__ == "__main__":
    main()
