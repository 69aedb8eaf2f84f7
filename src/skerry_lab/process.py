"""A process known for sure: its id alone may have been given to another since."""

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process id, the moment it started (clock ticks since boot) and the boot it belongs to."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int, proc: Path = _PROC) -> "ProcessIdentity":
        """The identity of a running process.

        Raises:
            ProcessLookupError: there is none with this id.
        """
        started = start_ticks(pid, proc)
        if started is None:
            raise ProcessLookupError(f"no process {pid}")
        return cls(pid, started, boot_id(proc))

    @classmethod
    def load(cls, path: Path) -> "ProcessIdentity | None":
        """What `save` wrote; None where nothing (whole) is there."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None

    def save(self, path: Path) -> None:
        """Write it down for a later run."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def alive(self, proc: Path = _PROC) -> bool:
        """Whether this very process still runs."""
        return self.boot == boot_id(proc) and start_ticks(self.pid, proc) == self.started

    def kill(self, wait_s: float = 10.0) -> None:
        """Kill it, if it is still the one, and wait until it is gone.

        Raises:
            TimeoutError: it is still there after `wait_s` seconds.
        """
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)
        if not self.wait_gone(wait_s):
            raise TimeoutError(f"process {self.pid} does not end")

    def wait_gone(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        until = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


def boot_id(proc: Path = _PROC) -> str:
    """The running kernel's boot."""
    return (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def start_ticks(pid: int, proc: Path = _PROC) -> int | None:
    """When a process started, or None if there is none.

    A zombie counts as none, but not while other threads of it still end: they hold its files and ports.
    """
    folder = proc / str(pid)
    try:
        stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        threads = len(list((folder / "task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before may hold spaces and parentheses
    state, started = fields[0], fields[19]
    return None if state in "ZX" and threads < 2 else int(started)


def cpu_seconds(pid: int, proc: Path = _PROC) -> float:
    """Processor time of a process, of its children that have ended, and of those that still run; 0 if there is none."""
    return sum(_cpu_ticks(each, proc) for each in (pid, *children(pid, proc))) / os.sysconf("SC_CLK_TCK")


def _cpu_ticks(pid: int, proc: Path) -> int:
    try:
        stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(field) for field in stat[stat.rindex(")") + 2 :].split()[11:15])


def children(pid: int, proc: Path = _PROC) -> list[int]:
    """The direct children of a process's first thread."""
    try:
        text = (proc / str(pid) / "task" / str(pid) / "children").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in text.split()]
