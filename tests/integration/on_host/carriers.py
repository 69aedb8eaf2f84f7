"""Print the files and processes of the host that hold a text; it comes by standard input, so that no argument has it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# The kernel's own, and what packages brought.
LEFT_OUT = {"/proc", "/sys", "/dev", "/usr"}


# Beyond it only the file that the pool is made of, whose own files are looked at one by one.
LARGEST = 256 << 20
CHUNK = 1 << 20


def holds(path: Path, mark: bytes) -> bool:
    if path.stat().st_size > LARGEST:
        return False
    end = b""
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            if mark in end + block:
                return True
            end = block[-len(mark) :]
    return False


def files(mark: bytes) -> Iterator[str]:
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in LEFT_OUT]
        for name in names:
            path = Path(folder, name)
            try:
                if path.is_file() and not path.is_symlink() and holds(path, mark):
                    yield str(path)
            except OSError:
                continue


def processes(mark: bytes) -> Iterator[str]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for what in ("environ", "cmdline"):
            try:
                if mark in Path("/proc", pid, what).read_bytes():
                    yield f"{what} of {Path('/proc', pid, 'comm').read_text().strip()}"
            except OSError:
                continue


if __name__ == "__main__":
    sought = sys.stdin.buffer.read()
    print("\n".join([*files(sought), *processes(sought)]))
