"""What containers use now, as the kernel counts it: cgroup files, their interface, the pool's quota groups. Reads only."""

import dataclasses
import re
from pathlib import Path

from skerry.host.cgroups import ROOT


@dataclasses.dataclass(frozen=True)
class Used:
    """A container's counters at one moment; None where the kernel does not count it.

    Attributes:
        cpu: microseconds of processor time since its start.
        memory: bytes of RAM.
        pids: processes and threads.
        received: bytes that came to it.
        sent: bytes that it sent.
    """

    cpu: int | None = None
    memory: int | None = None
    pids: int | None = None
    received: int | None = None
    sent: int | None = None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def used(group: str, interface: str) -> Used:
    """The counters of a cgroup, named from the root, and of an interface of the bridge."""
    folder, link = ROOT / group, Path("/sys/class/net", interface, "statistics")
    try:
        stat = (folder / "cpu.stat").read_text(encoding="ascii")
    except OSError:
        stat = ""
    cpu = re.search(r"^usage_usec (\d+)$", stat, re.MULTILINE)
    return Used(
        cpu=int(cpu[1]) if cpu else None,
        memory=_number(folder / "memory.current"),
        pids=_number(folder / "pids.current"),
        received=_number(link / "tx_bytes"),  # what the bridge's side sends, the container receives
        sent=_number(link / "rx_bytes"),
    )
