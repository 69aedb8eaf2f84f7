"""Random markers: left on a machine until its kernel crashes, then looked for on the raw image of its disk."""

import json
import mmap
import os
import re
import secrets
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from skerry_lab import qemu
from skerry_lab.state import Lab

PLACES = frozenset({"file", "tmp", "swap", "crash"})
"""Where one is left on a disk: in files on the root and in /tmp, in memory pushed out, in that of a crashed program."""
WORDS = "words"
"""The kernel's own last ones, which also lie in its memory."""
_PROGRAM = Path(__file__).parent / "on_host/leave_markers.py"
_PATIENCE_S = 600
# Said last, when whoever wants to keep something of the dying kernel has done so: it stays as it is, or reboots by itself.
_DEAD = re.compile(b"end Kernel panic|Rebooting in [0-9]+ seconds")
# How the firmware's memory names what a dying kernel has left there; the text itself may be compressed.
_IN_FIRMWARE = "dump-type0-".encode("utf-16-le")


def fresh() -> dict[str, str]:
    """A marker for each place: 128 random bits as text."""
    return {place: secrets.token_hex(16) for place in [*sorted(PLACES), WORDS]}


def leave(lab: Lab, markers: Mapping[str, str], drive: str) -> dict[str, Any]:
    """Leave them all and crash the kernel; what the system said of it before.

    Args:
        lab: the machine; it hangs afterwards, and its disk's image holds all that the machine wrote.
        markers: by place.
        drive: QEMU's name of the disk.
    """
    program = shlex.join(["python3", "-c", _PROGRAM.read_text()])
    command = ["timeout", str(_PATIENCE_S), *lab.login.command([program])]
    place = console_end(lab)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ssh:
        assert ssh.stdin
        assert ssh.stdout
        ssh.stdin.write(json.dumps(markers) + "\n")
        ssh.stdin.flush()
        told = ssh.stdout.readline()
        wait_until_dead(lab, place)
        ssh.kill()
    with qemu.control(lab.home) as control:
        control.monitor(f"qemu-io {drive} flush")
        control.monitor("stop")  # a crashed kernel turns round and round, or is about to reboot
    answer: dict[str, Any] = json.loads(told)
    return answer


def console_end(lab: Lab) -> int:
    """How long its console's log is, in bytes; kernels of earlier boots may have died in it."""
    return lab.console_log.stat().st_size


def wait_until_dead(lab: Lab, place: int) -> None:
    """Wait until its kernel has crashed, and said so behind this place of its console's log."""
    until = time.monotonic() + _PATIENCE_S
    while not _DEAD.search(lab.console_log.read_bytes()[place:]):
        assert time.monotonic() < until
        time.sleep(0.5)


def found(raw: Path, markers: Mapping[str, str]) -> dict[str, int]:
    """Which of them a disk's raw image holds, at whatever offset; the first offset of each, by place."""
    seen: dict[str, int] = {}
    with raw.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        for begin, end in _data(file.fileno()):
            for place in markers.keys() - seen.keys():
                offset = image.find(markers[place].encode(), begin, end)
                if offset >= 0:
                    seen[place] = offset
    return seen


def _data(file: int) -> Iterator[tuple[int, int]]:
    """The parts of a sparse file that are no holes: first offset, and the one behind the last."""
    size, place = os.fstat(file).st_size, 0
    while place < size:
        try:
            begin = os.lseek(file, place, os.SEEK_DATA)
        except OSError:  # nothing but a hole is left
            return
        place = os.lseek(file, begin, os.SEEK_HOLE)
        yield begin, place


def in_firmware(lab: Lab) -> bool:
    """Whether the machine's firmware keeps what a dying kernel said."""
    return _IN_FIRMWARE in (lab.home / "uefi-variables.fd").read_bytes()
