"""Small deeds on files and network links."""

import os
import shutil
import time
from pathlib import Path

from skerry.system.run import ProgramError, run

_LINK_GRACE = (
    0.5  # seconds in which the kernel's own clean-up of a network namespace usually takes the link away
)


def replace(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a file so that a power cut leaves the old or the new one, never a part."""
    temporary = Path(f"{path}.new")
    with temporary.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def make_folder(path: str, mode: int) -> None:
    """Make a folder where it is not there, with exactly these permissions, whatever the umask."""
    Path(path).mkdir(parents=True, exist_ok=True)
    Path(path).chmod(mode)


def remove_tree(path: str) -> None:
    """Remove a folder and all in it, where it is there."""
    if os.path.lexists(path):
        shutil.rmtree(path)


def isolate_link(name: str) -> None:
    """Let no frame pass between this port of a bridge and another isolated one. The firewall says so too."""
    run(["bridge", "link", "set", "dev", name, "isolated", "on"])


def remove_link(name: str) -> None:
    """See to it that a network link is gone: its namespace takes it along, or we do."""
    path, deadline = Path("/sys/class/net") / name, time.monotonic() + _LINK_GRACE
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    if path.exists():
        try:
            run(["ip", "link", "delete", name])
        except ProgramError:
            if path.exists():
                raise
