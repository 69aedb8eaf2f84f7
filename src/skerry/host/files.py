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
