"""Files and folders: replace, make, remove."""

import os
import shutil
from pathlib import Path


def replace(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a file so that a power cut leaves the old or the new one, never a part."""
    temporary = Path(f"{path}.new")
    with temporary.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(os.path.dirname(path))


def sync(folder: str) -> None:
    """Have on the disk what was made, renamed or removed in a folder."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read_if_there(path: str) -> bytes | None:
    """The bytes of a file; None where there is none."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None


def make_folder(path: str, mode: int) -> None:
    """Make a folder where it is not there, with exactly these permissions, whatever the umask."""
    Path(path).mkdir(parents=True, exist_ok=True)
    Path(path).chmod(mode)


def remove_tree(path: str) -> None:
    """Remove a folder and all in it, where it is there."""
    if os.path.lexists(path):
        shutil.rmtree(path)
