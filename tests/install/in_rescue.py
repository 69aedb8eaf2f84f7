"""An installed machine in its rescue system, as a provider starts it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from skerry_base.core.run import CommandError
from tests.install.conftest import play_on
from tests.install.rescue_lab import Machine, command

VOLUME = "/dev/disk/by-partlabel/skerry-root0"
_KEPT = "before-rescue"


@dataclass
class Rescued:
    """A machine in its rescue system."""

    machine: Machine
    locked_again: bool = False
    """Whether it has been started from its disks and waits for its passphrase."""

    def play(self, playbook: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook of this repository on it."""
        return play_on(self.machine, playbook, *options)

    def passphrase(self) -> str:
        """What opens it, as the inventory knows it."""
        return self.machine.lab.passphrase.read_text()

    def opens(self, passphrase: str) -> bool:
        """Whether a passphrase opens the encrypted volume."""
        words = ["cryptsetup", "open", "--test-passphrase", "--key-file", "-", VOLUME]
        try:
            self.machine.lab.login.run(words, stdin=passphrase, timeout=300)
        except CommandError:
            return False
        return True

    def lose_power(self) -> None:
        """Cut its power, and start the rescue system again."""
        lab("power", self.machine.lab.name, "cut")
        lab("rescue", self.machine.lab.name)

    def start_from_disks(self) -> None:
        """Cut its power, start what is installed, and wait until that waits for its passphrase."""
        lab("power", self.machine.lab.name, "disks")
        shown = self.play("playbooks/status.yml", "--extra-vars", "status_timeout=900").stdout
        assert f"ansible-playbook playbooks/unlock.yml -l {self.machine.lab.name}" in shown, shown
        self.locked_again = True


def lab(*words: str) -> None:
    """A command of the lab."""
    subprocess.run(command(*words), check=True)


@contextmanager
def rescue_system(machine: Machine) -> Iterator[Rescued]:
    """The machine in its rescue system. Unless it is started from its disks in the end, all that was done is undone."""
    name, passphrase = machine.lab.name, machine.lab.passphrase.read_text()
    lab("power", name, "cut")
    lab("save", name, _KEPT)
    lab("rescue", name)
    rescued = Rescued(machine)
    try:
        yield rescued
    finally:
        if not rescued.locked_again:
            lab("power", name, "cut")
            lab("restore", name, _KEPT)
            machine.lab.passphrase.write_text(passphrase)
            rescued.start_from_disks()
