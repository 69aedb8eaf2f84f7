"""Power cuts in the change of a passphrase, on a machine in its rescue system."""

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from skerry_lab import mitogen
from tests.install.in_rescue import VOLUME, Rescued, lab
from tests.install.rescue_lab import ROOT

ROTATE = "playbooks/keys/rotate.yml"
STORES, DESTROYS = "luks[A]ddKey", "luks[K]illSlot"
"""What cryptsetup is told when it stores the new key, and when it destroys the old one."""
_PATIENCE_S = 300


@dataclass(frozen=True)
class Cut:
    """What a cut left.

    Attributes:
        after: seconds since the new key began to be stored.
        slots: so many keys are in the header.
        old, new: whether that passphrase opens it.
    """

    after: float
    slots: int
    old: bool
    new: bool


def given(**values: object) -> list[str]:
    """The options of a playbook of the keys."""
    return ["--extra-vars", json.dumps({"keys_device": VOLUME, **values})]


def slots(rescued: Rescued) -> set[str]:
    """The numbers of the keys in the header."""
    listing = rescued.machine.run(f"cryptsetup luksDump --dump-json-metadata {VOLUME}")
    return set(json.loads(listing)["keyslots"])


@contextmanager
def begun(rescued: Rescued, new: str, until: str) -> Iterator[subprocess.Popen[bytes]]:
    """A rotation, from when a cryptsetup with such a word in its command runs on the machine."""
    settings = {**os.environ, **mitogen.environment(), "SKERRY_LAB": rescued.machine.lab.name}
    command = ["ansible-playbook", ROTATE, *given(keys_new_passphrase=new)]
    wait = f"until grep -qs '{until}' /proc/[0-9]*/cmdline; do sleep 0.1; done"
    with subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL) as rotation:
        try:
            rescued.machine.lab.login.run(["sh", "-eu"], stdin=wait, timeout=_PATIENCE_S)
            yield rotation
        finally:
            rotation.terminate()


def cut(rescued: Rescued, new: str, until: str, after: float = 0.0) -> Cut:
    """Begin a rotation, cut the power so many seconds after ``until``, and look what is left, in the rescue system."""
    with begun(rescued, new, until):
        time.sleep(after)
        rescued.lose_power()
    return Cut(after, len(slots(rescued)), rescued.opens(rescued.passphrase()), rescued.opens(new))


def seconds_of_a_rotation(rescued: Rescued, new: str) -> float:
    """How long an undisturbed one takes, from when the new key begins to be stored."""
    with begun(rescued, new, STORES) as rotation:
        start = time.monotonic()
        assert rotation.wait(_PATIENCE_S) == 0
    return time.monotonic() - start


def random_cuts(rescued: Rescued, label: str, new: str, times: int, choose: random.Random) -> Iterator[Cut]:
    """Cut so many rotations at random moments, each on the disks saved under ``label``, and bring each to its end.

    Yields:
        what a cut left; by then the next run has gone on from it, and only the new passphrase opens the volume.
    """
    name = rescued.machine.lab.name
    span = seconds_of_a_rotation(rescued, new)
    for _ in range(times):
        lab("power", name, "cut")
        lab("restore", name, label)
        lab("rescue", name)
        left = cut(rescued, new, STORES, choose.uniform(0, span))
        assert left.old or left.new, left
        next_run = rescued.play(ROTATE, *given(keys_new_passphrase=new))
        assert next_run.returncode == 0, next_run.stdout
        assert len(slots(rescued)) == 1
        assert rescued.opens(new)
        assert not rescued.opens(rescued.passphrase())
        yield left
