"""What a test of a kernel's trial does to a machine: reboot it, read its console, unlock it by hand."""

import json
import time
from dataclasses import dataclass
from typing import Any

from plugins.module_utils.unlocking import Endpoint, Found, Unlocker
from tests.install.markers import console_end
from tests.install.rescue_lab import Machine

LONG_S = 1800
_PAUSE_S = 1.0
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """A machine, as whoever runs its kernels meets it."""

    machine: Machine

    def run(self, *words: str, stdin: str = "") -> str:
        """A command on it, however long it takes."""
        return self.machine.lab.login.run(words, stdin=stdin, timeout=LONG_S)

    def shell(self, script: str) -> str:
        """A shell script on it, which stops at the first failure."""
        return self.run("sh", "-eu", stdin=script)

    def status(self) -> dict[str, Any]:
        """What it says of its kernels."""
        told: dict[str, Any] = json.loads(self.run("skerry-boot", "status", "--json"))
        return {"running": told["kernel"], **told["kernels"]}

    def trial(self, version: str, *options: str, first: str = "", started: bool = True) -> int:
        """Begin a kernel's trial, and see it start.

        Args:
            version: the kernel.
            options: of the trial.
            first: a shell script that is run before the reboot.
            started: whether GRUB can start it.

        Returns:
            The place in the console's log from which on the trial boot speaks.
        """
        self.run("skerry-boot", "trial", version, *options)
        self.shell(first)
        place = self.place()
        self.run("systemctl", "--no-block", "reboot")
        return self.wait_starting(place, version) if started else place

    def see_it_back(self, place: int, old: str) -> dict[str, Any]:
        """It is back on the old kernel and waits to be unlocked; unlocked, it knows that no trial is under way.

        Args:
            place: in the console's log, from which on the old kernel starts.
            old: its version.

        Returns:
            What it says of its kernels.
        """
        self.wait_starting(place, old)
        assert self.is_locked()
        self.unlock_and_wait()
        assert "skerry.trial" not in self.run("cat", "/proc/cmdline")
        told = self.status()
        assert (told["running"], told["default"], told["trial"]) == (old, old, "")
        assert "next_entry=skerry-trial" not in self.run("cat /boot*/grub/grubenv")
        return told

    def place(self) -> int:
        """How long the console's log is now."""
        return console_end(self.machine.lab)

    def wait_said(self, place: int, words: str) -> int:
        """Wait until its console says something; returns the place after that."""
        until = time.monotonic() + LONG_S
        while (found := self._said(place).find(words)) < 0:
            assert time.monotonic() < until, f"{words!r} was not said:\n{self._said(place)[-3000:]}"
            time.sleep(_PAUSE_S)
        return place + found + len(words)

    def wait_starting(self, place: int, version: str) -> int:
        """Wait until GRUB has started this kernel, by its name in /boot; returns the place after that."""
        return self.wait_said(place, f"BOOT_IMAGE=/vmlinuz-{version} ")

    def is_locked(self) -> bool:
        """Whether it waits for its passphrase, once it answers."""
        return self._unlocker().find() is Found.LOCKED

    def unlock(self) -> None:
        """Send the passphrase once it waits for it."""
        assert self.is_locked()
        self._unlocker().unlock(self.machine.lab.passphrase.read_text())

    def unlock_and_wait(self) -> None:
        """The same where it does not run already, until it runs and has settled."""
        if self.is_locked():
            self.unlock()
        process = self.machine.lab.process()
        self.machine.lab.login.wait(LONG_S, lambda: process is not None and process.alive())
        self.run("systemctl is-system-running --wait || true")

    def _said(self, place: int) -> str:
        # Latin-1, since a place counts bytes.
        return self.machine.lab.console_log.read_bytes()[place:].decode("latin-1")

    def _unlocker(self) -> Unlocker:
        lab = self.machine.lab
        known, key = str(lab.login.known_hosts), str(lab.login.key)
        locked = Endpoint(HOST, lab.ports["unlock"], known, private_key=key)
        return Unlocker(
            locked, Endpoint(HOST, lab.login.port, known, lab.login.alias, private_key=key), LONG_S
        )
