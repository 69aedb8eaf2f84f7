"""A bare machine from power-on to power-off: the lab's process.

Where asked for, it starts in the rescue system and stays there until the guest reboots. From then on firmware finds
what is on its disks, and this process is QEMU itself: same id, same start time.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from skerry_base.core.files import write_whole
from skerry_lab import qemu
from skerry_lab.start import become, start_beside

PLAN, LOG, EVENTS = "power.json", "qemu.log", "events.sock"
RESCUE_CPU = "rescue-cpu"
"""A note of the seconds of processor time that the machine took in its rescue system, written when that ends."""
_PAUSE_S = 0.05


class Start(StrEnum):
    """What a machine starts in."""

    RESCUE = "rescue"
    DISKS = "disks"


@dataclass(frozen=True)
class Plan:
    """The two QEMU commands, read anew for each start: disks may have been changed in between."""

    rescue: list[str]
    disks: list[str]

    def save(self, home: Path) -> None:
        """Write it into a lab's folder, whole or not at all."""
        write_whole(home / PLAN, json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, home: Path) -> "Plan":
        """What `save` wrote."""
        return cls(**json.loads((home / PLAN).read_text(encoding="utf-8")))


def main() -> None:
    """`python -m skerry_lab.power START`, in the lab's folder."""
    here = Path()
    if Start(sys.argv[1]) is Start.RESCUE and _run(Plan.load(here).rescue, here) != "guest-reset":
        return
    become(Plan.load(here).disks)


def _run(argv: list[str], home: Path) -> str:
    """Run QEMU to its end; why it ended."""
    (home / EVENTS).unlink(missing_ok=True)
    pid = start_beside(["setpriv", "--pdeathsig", "KILL", *argv], home / LOG)
    while not (home / EVENTS).exists() and os.waitpid(pid, os.WNOHANG) == (0, 0):
        time.sleep(_PAUSE_S)
    with qemu.control(home, EVENTS, answer_s=None) as control:
        reason = control.why_it_ended()
    taken = os.wait4(pid, 0)[2]
    (home / RESCUE_CPU).write_text(f"{taken.ru_utime + taken.ru_stime:.1f}\n", encoding="ascii")
    return reason


if __name__ == "__main__":
    main()
