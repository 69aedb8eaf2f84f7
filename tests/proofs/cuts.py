"""What the proofs of power cuts share: random moments, and a machine that comes back."""

import os
import random
import secrets
import subprocess
import time
from collections.abc import Callable

from tests.install.conftest import play_on
from tests.install.rescue_lab import Machine, command

CUTS = int(os.environ.get("CUTS", "10"))
SEED = int(os.environ.get("SEED", secrets.randbelow(10**6)))
PAUSE_S, PATIENCE_S, BOOT_S = 0.1, 3600, 2000


def chooser(of: str) -> random.Random:
    """Chooses the moments; SEED=… repeats those of a run that has printed it."""
    print(f"\nSEED={SEED} CUTS={CUTS}")
    return random.Random(f"{SEED} {of}")


def switch(machine: Machine, *words: str) -> None:
    """Turn a switch of it: ``switch(machine, "power", "cut")``."""
    subprocess.run(command(words[0], machine.lab.name, *words[1:]), check=True)


def wait(
    machine: Machine, begin: float, seconds: float, ended: Callable[[], bool], look_s: float = PAUSE_S
) -> bool:
    """Until the machine has taken so much processor time since ``begin``; false where what runs on it has ended before.

    It is looked every ``look_s`` seconds whether that has ended.
    """
    until, looked = time.monotonic() + PATIENCE_S, time.monotonic()
    while machine.lab.cpu_seconds() - begin < seconds:
        assert time.monotonic() < until
        if time.monotonic() - looked >= look_s:
            looked = time.monotonic()
            if ended():
                return False
        time.sleep(PAUSE_S)
    return not ended()


def unlocks(machine: Machine) -> None:
    """It starts, waits for its passphrase, takes it and runs without a fault."""
    answer = play_on(machine, "playbooks/unlock.yml", f"--extra-vars=unlock_timeout={BOOT_S}")
    assert answer.returncode == 0, answer.stdout
    assert machine.run("systemctl is-system-running").strip() == "running"
    assert "good: initrd.img-" in machine.run("skerry-boot check")
