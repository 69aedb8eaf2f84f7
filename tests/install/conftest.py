"""What the tests of an installed machine share: one that install.yml made, and that was unlocked."""

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from skerry_lab import mitogen
from skerry_lab.lab import Labs
from tests.install.installing import install, note_start
from tests.install.rescue_lab import ROOT, Machine, machine

Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The installed machine, with UEFI and one disk: the one that SKERRY_LAB names, else a new one.

    `make test` names the machine of the scenario molecule/install, so that nothing is installed once more.
    """
    folder = tmp_path_factory.mktemp("installed")
    if name := os.environ.get("SKERRY_LAB", ""):
        yield Machine(Labs.of_this_user().store.get(name), folder)
        return
    with machine("installed", folder, ["--firmware", "uefi", "--disks", "1"]) as found:
        note_start(found)
        done = install(found)
        assert done.code == 0, done.output[-4000:]
        answer = play_on(found, "playbooks/unlock.yml")
        assert answer.returncode == 0, answer.stdout
        yield found


def play_on(machine: Machine, playbook: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook of this repository on it, as its operator does."""
    environment = {**os.environ, **mitogen.environment(), "SKERRY_LAB": machine.lab.name}
    command = ["ansible-playbook", playbook, *options]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=2400
    )


@pytest.fixture
def play(installed: Machine) -> Play:
    """Runs a playbook on the installed machine: ``play("playbooks/unlock.yml", "--check")``."""
    return lambda playbook, *options: play_on(installed, playbook, *options)
