"""What the tests of an installed machine share: one installation for all of them."""

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from skerry_lab import mitogen
from tests.install.installing import Installation, install, lose_power_while_unpacking
from tests.install.rescue_lab import ROOT, Machine, machine

Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with UEFI and one disk."""
    hardware = ["--firmware", "uefi", "--disks", "1"]
    with machine("locked", tmp_path_factory.mktemp("locked"), hardware) as found:
        yield found


@pytest.fixture(scope="session")
def installation(bare: Machine) -> Installation:
    """Its installation: the second one, for the first one lost its power."""
    lose_power_while_unpacking(bare)
    done = install(bare)
    assert done.code == 0, done.output[-4000:]
    return done


@pytest.fixture(scope="session")
def locked(bare: Machine, installation: Installation) -> Machine:
    """The installed machine, which waits for its passphrase until a test sends it."""
    return bare


def play_on(machine: Machine, playbook: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook of this repository on it, as its operator does."""
    environment = {**os.environ, **mitogen.environment(), "SKERRY_LAB": machine.lab.name}
    command = ["ansible-playbook", playbook, *options]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=2400
    )


@pytest.fixture
def play(locked: Machine) -> Play:
    """Runs a playbook on the locked machine: ``play("playbooks/unlock.yml", "--check")``."""
    return lambda playbook, *options: play_on(locked, playbook, *options)
