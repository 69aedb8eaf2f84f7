"""Leaves a marker wherever memory and files could reach a disk, then crashes the kernel. Runs as root on the machine.

Standard input: one line of JSON, marker by place. Standard output: one line of JSON, what the system says of it.
"""

import json
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

SIZE = 8 * 1024**2
MADV_PAGEOUT = 21
PATIENCE_S = 60
FILE, TMP, CORES = Path("/var/tmp/marked"), Path("/tmp/marked"), Path("/var/tmp/cores")
# A program of its own: what it leaves behind holds its own marker, and no other.
CRASH = """
import os, resource, sys
held = sys.stdin.read() * 1000
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
os.chdir(sys.argv[1])
os.abort()
"""


def fill(marker: str) -> bytes:
    """Nothing but the marker."""
    return (marker * (SIZE // len(marker))).encode()


def write(path: Path, marker: str) -> None:
    """A file that a compressing file system keeps as it is: it must not hide what encryption does not."""
    path.touch()
    subprocess.run(
        ["btrfs", "property", "set", path, "compression", "none"], capture_output=True, check=False
    )
    path.write_bytes(fill(marker))


def extents(path: Path) -> str:
    """Where a file lies, and how, in the words of filefrag; nothing where that is not installed."""
    command = ["sh", "-c", f"filefrag -v {path}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def swap_out(marker: str) -> mmap.mmap:
    """Memory that the kernel is told to push out; as long as it is held it stays there."""
    held = mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    held[:] = fill(marker)
    until = time.monotonic() + PATIENCE_S
    while swapped_kib() < SIZE // 1024 and time.monotonic() < until:
        held.madvise(MADV_PAGEOUT)
        time.sleep(0.5)
    return held


def swapped_kib() -> int:
    """How much of this process is in swap."""
    return next(
        int(line.split()[1])
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmSwap:")
    )


def crash_a_program(marker: str) -> list[str]:
    """Crash a program that holds the marker; the files that this left."""
    CORES.mkdir(exist_ok=True)
    command = [sys.executable, "-c", CRASH, str(CORES)]
    subprocess.run(command, input=marker, text=True, check=False)
    return [path.name for path in CORES.iterdir()]


def main() -> None:
    """Leave them all; then the kernel's own end, while its memory and its log hold one as well."""
    markers = json.loads(sys.stdin.readline())
    write(FILE, markers["file"])
    write(TMP, markers["tmp"])
    swapped = swap_out(markers["swap"])
    cores = crash_a_program(markers["crash"])
    os.sync()
    told = {"swapped_kib": swapped_kib(), "held": len(swapped), "cores": cores, "extents": extents(FILE)}
    print(json.dumps(told), flush=True)
    time.sleep(1)
    Path("/dev/kmsg").write_text(f"<3>the kernel's last words: {markers['words']}\n")
    Path("/proc/sysrq-trigger").write_text("c")


if __name__ == "__main__":
    main()
