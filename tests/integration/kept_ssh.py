"""One login for all that the tests ask of a lab's host, instead of one for each question."""

import functools
import tempfile
from pathlib import Path

from skerry_base.core.paths import state_home
from skerry_lab.state import LabStore

# A machine that is gone is noticed; what was kept ends by itself a minute after the last question.
KEEP = ["ControlMaster=auto", "ControlPersist=60", "ServerAliveInterval=5", "ServerAliveCountMax=6"]


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where the connections are; short, since the name of a socket must be."""
    return tempfile.TemporaryDirectory(prefix="skerry-ssh-")


def config() -> Path:
    """A configuration for ssh that keeps connections; with the options of :func:`command`."""
    path = Path(_folder().name, "config")
    options = [*KEEP, f"ControlPath={_folder().name}/%C"]
    path.write_text("".join(f"{option.replace('=', ' ', 1)}\n" for option in options))
    return path


def command(lab: str, *words: str) -> list[str]:
    """The command that runs ``words`` on the lab's host as root."""
    return LabStore(state_home()).get(lab).login.command(["-F", str(config()), *words])
