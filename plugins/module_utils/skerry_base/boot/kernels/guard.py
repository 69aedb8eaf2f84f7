"""On a trial boot: feed the watchdog until the kernel has proven itself, and go back to the old one if it does not."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ...core.errors import SkerryError
from ...core.run import run
from . import machine, plan, record, trial

_WATCHDOG = Path("/dev/watchdog0")
_PAUSE_S, _DISARM = 2.0, b"V"


def guard() -> int:
    """Feed it until the kernel has proven itself: 0, with the watchdog stopped.

    Where it has not within its time: say why, ask for a reboot and feed no more, so that the watchdog comes where the
    reboot hangs, too. Returns 1.

    Raises:
        SkerryError: this boot is no trial.
    """
    limit = plan.on_trial(record.load(), machine.look()).prove
    end = time.monotonic() + limit
    watchdog = _watchdog()
    while time.monotonic() < end:
        if machine.PROVEN.exists():
            if watchdog is not None:
                os.write(watchdog, _DISARM)
                os.close(watchdog)
            return 0
        if watchdog is not None:
            os.write(watchdog, b"\0")
        time.sleep(_PAUSE_S)
    trial.give_up(f"it did not prove itself within {limit} s after it was unlocked")
    reboot()
    return 1


def _watchdog() -> int | None:
    """None where there is none, or where systemd has it (RuntimeWatchdogSec): the limit is kept without it."""
    try:
        return os.open(_WATCHDOG, os.O_WRONLY)
    except OSError:
        return None


def reboot() -> None:
    """Ask for a reboot, and where systemd does not take it, do it without systemd."""
    try:
        run(["systemctl", "--no-block", "reboot"])
    except SkerryError:
        run(["systemctl", "reboot", "--force"])
