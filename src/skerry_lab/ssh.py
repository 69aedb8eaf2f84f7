"""How the lab logs in: one key and one pinned host key a machine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.errors import SkerryError
from skerry_base.core.run import CommandError, run_here
from skerry_lab.ports import LOOPBACK

_CONNECT_S = 4
_PAUSE_S = 0.1


@dataclass(frozen=True)
class Login:
    """All it takes to log in as root."""

    port: int
    key: Path
    known_hosts: Path
    alias: str
    """The machine's name in known_hosts: a port may belong to another machine tomorrow."""

    def options(self) -> list[str]:
        """The options of ssh that pin key and host key; the same go into the inventory."""
        return [
            "-o", f"UserKnownHostsFile={self.known_hosts}",
            "-o", "GlobalKnownHostsFile=/dev/null",
            "-o", f"HostKeyAlias={self.alias}",
            "-o", "StrictHostKeyChecking=yes",
            "-o", "IdentitiesOnly=yes",
        ]  # fmt: skip

    def command(self, words: Sequence[str] = ()) -> list[str]:
        """The ssh command that opens a shell, or runs one command there."""
        return [
            "ssh", "-i", str(self.key), "-p", str(self.port), *self.options(),
            "-o", f"ConnectTimeout={_CONNECT_S}", f"root@{LOOPBACK}", *words,
        ]  # fmt: skip

    def run(self, words: Sequence[str], *, stdin: str = "", timeout: float = 60) -> str:
        """Run a command there and return its standard output.

        Raises:
            CommandError: as for `core.run.run`.
        """
        return run_here([*self.command(["-o", "BatchMode=yes"]), *words], stdin=stdin, timeout=timeout)

    def pin(self, public_key: Path) -> None:
        """Trust this host key, and no other."""
        self.known_hosts.write_text(
            f"{self.alias} {public_key.read_text(encoding='ascii')}", encoding="ascii"
        )

    def wait(self, seconds: float, still_there: Callable[[], bool]) -> None:
        """Log in again and again until it works.

        Args:
            seconds: how long to try.
            still_there: whether the machine still runs.

        Raises:
            SkerryError: the machine ended, or did not answer in time.
        """
        until, last = time.monotonic() + seconds, "it was not tried"
        while time.monotonic() < until:
            try:
                self.run(["true"], timeout=seconds)
            except CommandError as error:
                last = str(error)
            else:
                return
            if not still_there():
                raise SkerryError(f"{self.alias} ended before it let anyone in")
            time.sleep(_PAUSE_S)
        raise SkerryError(f"{self.alias} did not answer on ssh within {seconds:.0f} s; last: {last}")


def make_key(path: Path, comment: str) -> None:
    """A new ed25519 key pair at `path` and `path`.pub."""
    path.unlink(missing_ok=True)
    run_here(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
