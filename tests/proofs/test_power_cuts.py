"""Power lost at random moments, in installations and in updates of the initramfs: what is there then boots and unlocks.

CUTS of each (10); SEED=… repeats the moments of a run that has printed it.
"""

import os
import random
import re
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.conftest import play_on
from tests.install.installing import in_rescue, install, start
from tests.install.rescue_lab import Machine, command, machine

CUTS = int(os.environ.get("CUTS", "10"))
SEED = int(os.environ.get("SEED", secrets.randbelow(10**6)))
PAUSE_S, PATIENCE_S, BOOT_S = 0.1, 3600, 2000
# Of an installation: its last moments are those of one that is done, and waits for its reboot.
UNFINISHED = 0.95
TASK = re.compile(r"^TASK \[(.*)\]", re.MULTILINE)
UPDATE = "setsid --fork update-initramfs -u </dev/null >/run/update 2>&1"
IMAGE = "stat --format='%i %Y' /boot/initrd.img-*-amd64"


def moments(of: str, length: float) -> list[float]:
    """Random ones before the end, in order; the seconds are those of the machine's processor."""
    chosen = random.Random(f"{SEED} {of}")
    return sorted(chosen.uniform(0, length) for _ in range(CUTS))


def switch(machine: Machine, *words: str) -> None:
    subprocess.run(command(words[0], machine.lab.name, *words[1:]), check=True)


def wait(machine: Machine, begin: float, seconds: float) -> None:
    """Until the machine has taken so much processor time."""
    until = time.monotonic() + PATIENCE_S
    while machine.lab.cpu_seconds() - begin < seconds:
        assert time.monotonic() < until
        time.sleep(PAUSE_S)


def unlocks(machine: Machine) -> None:
    """It starts, waits for its passphrase, takes it and runs without a fault."""
    answer = play_on(machine, "playbooks/unlock.yml", f"--extra-vars=unlock_timeout={BOOT_S}")
    assert answer.returncode == 0, answer.stdout
    assert machine.run("systemctl is-system-running").strip() == "running"
    assert "good: initrd.img-" in machine.run("skerry-boot check")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    print(f"\nSEED={SEED} CUTS={CUTS}")
    with machine("cuts", tmp_path_factory.mktemp("cuts"), ["--firmware", "uefi", "--disks", "1"]) as found:
        switch(found, "power", "cut")
        switch(found, "save", "blank")
        switch(found, "rescue")
        yield found


@pytest.fixture(scope="module")
def install_s(bare: Machine) -> float:
    """The processor seconds of an installation that nobody disturbs; it is there then."""
    done = install(bare)
    assert done.code == 0, done.output[-4000:]
    return done.cpu_seconds


def test_power_lost_in_updates_of_the_initramfs(bare: Machine, install_s: float) -> None:
    unlocks(bare)
    begin = bare.lab.cpu_seconds()
    bare.lab.login.run(["update-initramfs", "-u"], timeout=PATIENCE_S)
    length = bare.lab.cpu_seconds() - begin
    print(f"installed in {install_s:.0f} processor seconds, its initramfs updated in {length:.0f}")
    for number, moment in enumerate(moments("update", length), 1):
        before = bare.run(IMAGE)
        begin = bare.lab.cpu_seconds()
        bare.run(UPDATE)
        wait(bare, begin, moment)
        switch(bare, "power", "disks")
        unlocks(bare)
        state = "old" if bare.run(IMAGE) == before else "new"
        print(f"update {number}: power lost after {moment:.1f} s: boots and unlocks with the {state} image")


def test_power_lost_in_installations(bare: Machine, install_s: float) -> None:
    """In the order of their moments: each run begins with what the one before has left, the last one goes to its end."""
    switch(bare, "power", "cut")
    switch(bare, "restore", "blank")
    switch(bare, "rescue")
    for number, moment in enumerate(moments("install", install_s * UNFINISHED), 1):
        task = lose_power_while_installing(bare, moment)
        print(f"installation {number}: power lost after {moment:.1f} s, in: {task}")
        switch(bare, "rescue")
    done = install(bare)
    assert done.code == 0, done.output[-4000:]
    unlocks(bare)
    print(f"then one to its end, over what they left, in {done.cpu_seconds:.0f} s: boots and unlocks")


def lose_power_while_installing(bare: Machine, moment: float) -> str:
    """The task in which it was lost."""
    with tempfile.NamedTemporaryFile() as log:
        begin = bare.lab.cpu_seconds()
        with start(bare, log.fileno()) as process:
            wait(bare, begin, moment)
            assert process.poll() is None
            assert in_rescue(bare)
            switch(bare, "power", "cut")
            process.terminate()
        return str(TASK.findall(Path(log.name).read_text())[-1])
