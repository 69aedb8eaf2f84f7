"""How the lab logs in: one key and one pinned host key a lab."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from skerry_lab.errors import LabError
from skerry_lab.ports import LOOPBACK
from skerry_lab.run import CommandFailed, run
from skerry_lab.state import Lab

LOGIN_S = 4


def make_key(path: Path, comment: str) -> None:
    """A new ed25519 key pair at `path` and `path`.pub."""
    path.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])


def make_identity(lab: Lab) -> None:
    """The lab's own keys, and the file that pins its host key."""
    make_key(lab.key, f"root@{lab.ssh_alias}")
    make_key(lab.host_key, lab.ssh_alias)
    public = lab.host_key.with_suffix(".pub").read_text(encoding="ascii")
    lab.known_hosts.write_text(f"{lab.ssh_alias} {public}", encoding="ascii")


def options(lab: Lab) -> list[str]:
    """The options of ssh that pin key and host key; the same go into the inventory."""
    return [
        "-o", f"UserKnownHostsFile={lab.known_hosts}",
        "-o", "GlobalKnownHostsFile=/dev/null",
        "-o", f"HostKeyAlias={lab.ssh_alias}",
        "-o", "StrictHostKeyChecking=yes",
        "-o", "IdentitiesOnly=yes",
    ]  # fmt: skip


def command(lab: Lab, words: Sequence[str] = ()) -> list[str]:
    """The ssh command that logs in as root, or runs one command there."""
    return [
        "ssh", "-i", str(lab.key), "-p", str(lab.ports["ssh"]), *options(lab),
        "-o", f"ConnectTimeout={LOGIN_S}", f"root@{LOOPBACK}", *words,
    ]  # fmt: skip


def wait_login(lab: Lab, seconds: float, still_there: Callable[[], bool]) -> None:
    """Log in again and again until it works.

    Raises:
        LabError: the machine ended, or did not answer in time.
    """
    until, last = time.monotonic() + seconds, "it was not tried"
    while time.monotonic() < until:
        try:
            run([*command(lab), "-o", "BatchMode=yes", "true"], timeout=seconds)
        except CommandFailed as error:
            last = str(error)
        else:
            return
        if not still_there():
            raise LabError(f"lab {lab.name} ended before it let anyone in; see {lab.console_log}")
        time.sleep(0.1)
    raise LabError(f"lab {lab.name} did not answer on ssh within {seconds:.0f} s; last: {last}")
