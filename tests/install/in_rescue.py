"""An installed machine in its rescue system, as a provider starts it; afterwards it is as it was before, and locked."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from skerry_lab.run import CommandFailed
from tests.install.conftest import play_on
from tests.install.rescue_lab import Machine, command

VOLUME = "/dev/disk/by-partlabel/skerry-root0"
KEPT = "before-rescue"


def lab(*words: str) -> None:
    """A command of the lab."""
    subprocess.run(command(*words), check=True)


@contextmanager
def rescue_system(machine: Machine) -> Iterator[Machine]:
    """The machine in its rescue system; all that is done to its disks there is undone at the end."""
    name = machine.lab.name
    lab("power", name, "cut")
    lab("save", name, KEPT)
    lab("rescue", name)
    try:
        yield machine
    finally:
        lab("power", name, "cut")
        lab("restore", name, KEPT)
        lab("power", name, "on")
        wait_until_locked(machine)


def wait_until_locked(machine: Machine) -> None:
    """Wait until it waits for its passphrase."""
    shown = play_on(machine, "playbooks/status.yml", "--extra-vars", "status_timeout=900").stdout
    assert f"ansible-playbook playbooks/unlock.yml -l {machine.lab.name}" in shown, shown


def opens(machine: Machine, passphrase: str) -> bool:
    """Whether a passphrase opens the encrypted volume."""
    words = ["cryptsetup", "open", "--test-passphrase", "--key-file", "-", VOLUME]
    try:
        machine.lab.login.run(words, stdin=passphrase, timeout=300)
    except CommandFailed:
        return False
    return True
