"""Installs a machine, with and without an accident on the way."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass

from skerry_base.core.run import CommandError
from skerry_lab import mitogen
from skerry_lab.process import children
from tests.install.rescue_lab import ROOT, Machine, command

BEFORE = "cpu-before-installation"
"""A note in a lab's folder: the seconds of processor time that the machine had taken in its rescue system."""
_PATIENCE_S = 2400
_PAUSE_S, _BETWEEN_LOGINS_S = 1.0, 5.0


@dataclass(frozen=True)
class Installation:
    """How one went."""

    output: str
    code: int
    cpu_seconds: float
    """Of the machine, from the rescue system's first login to its reboot."""


def start(machine: Machine, log: int, *options: str) -> subprocess.Popen[bytes]:
    """Begin install.yml."""
    return subprocess.Popen(
        ["ansible-playbook", "playbooks/install.yml", *options],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, **mitogen.environment(), "SKERRY_LAB": machine.lab.name},
    )  # fmt: skip


def install(machine: Machine, *options: str) -> Installation:
    """Install it, to the end, with options of ansible-playbook."""
    begin = now = machine.lab.cpu_seconds()
    until = time.monotonic() + _PATIENCE_S
    with tempfile.TemporaryFile() as log:
        with start(machine, log.fileno(), *options) as process:
            while process.poll() is None:
                if in_rescue(machine):
                    now = machine.lab.cpu_seconds()
                assert time.monotonic() < until
                time.sleep(_PAUSE_S)
        log.seek(0)
        return Installation(log.read().decode(), process.returncode, now - begin)


def note_start(machine: Machine) -> None:
    """Leave a note of how much processor time the machine has taken before its installation."""
    (machine.lab.home / BEFORE).write_text(str(machine.lab.cpu_seconds()), encoding="ascii")


def in_rescue(machine: Machine) -> bool:
    """Whether it runs its rescue system: after the reboot, QEMU has taken the place of what waited for that."""
    process = machine.lab.process()
    return process is not None and bool(children(process.pid))


def lose_power_while_unpacking(machine: Machine) -> None:
    """Install it, cut its power in the midst of Debian's files, and start the rescue system again."""
    until = time.monotonic() + _PATIENCE_S
    with tempfile.TemporaryFile() as log, start(machine, log.fileno()) as process:
        while not _unpacks(machine):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(_BETWEEN_LOGINS_S)
        subprocess.run(command("power", machine.lab.name, "cut"), check=True)
        process.terminate()
    subprocess.run(command("rescue", machine.lab.name), check=True)


def _unpacks(machine: Machine) -> bool:
    try:
        machine.lab.login.run(["test", "-d", "/target/usr/share"])
    except CommandError:
        return False
    return True
