"""Small deeds on files and network links."""

import os
import shutil
import time
from pathlib import Path

from skerry.system.run import ProgramError, run

_LINK_GRACE = (
    0.5  # seconds in which the kernel's own clean-up of a network namespace usually takes the link away
)


def write_if_there(path: str, text: str) -> None:
    """Write to a kernel file; nothing happens where it is not there (its link or process has just gone)."""
    try:
        Path(path).write_text(text, encoding="ascii")
    except FileNotFoundError:
        return


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


def remove_tree(path: str) -> None:
    """Remove a folder and all in it, where it is there."""
    if os.path.lexists(path):
        shutil.rmtree(path)


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
