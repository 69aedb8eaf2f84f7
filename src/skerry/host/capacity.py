"""What the host has to give, and the refusal of what it has not."""

import os
import shutil
from pathlib import Path

from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.size import format_size


def memory(host: HostConfig) -> int:
    """Bytes of RAM that containers may ask for, one or all together: all but the host's reserve."""
    line = next(
        line for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines() if "MemTotal" in line
    )
    return max(0, int(line.split()[1]) * 1024 - host.reserve_memory)


def disk(host: HostConfig) -> int:
    """Bytes of the pool, whether used or not."""
    return shutil.disk_usage(host.pool).total


def check(host: HostConfig, asked_memory: int, cpu: float, asked_disk: int) -> None:
    """Refuse what is more than the whole host has.

    Raises:
        SkerryError: naming the option, what was asked and what is there.
    """
    mebi = 1024**2
    room, cpus = memory(host), os.cpu_count() or 1
    if asked_memory > room:
        _refuse(
            "memory", format_size(asked_memory), f"at most {room // mebi}M: the host's RAM less its reserve"
        )
    if cpu > cpus:
        _refuse("cpu", f"{cpu:g}", f"at most {cpus}, the host's processors")
    check_disk(host, "disk", asked_disk)


def check_disk(host: HostConfig, option: str, asked: int) -> None:
    """Refuse more bytes than the pool has.

    Raises:
        SkerryError: naming the option, what was asked and what is there.
    """
    if asked > (pool := disk(host)):
        _refuse(option, format_size(asked), f"at most {pool // 1024**2}M, the size of the pool")


def check_files(used: int, limit: int) -> None:
    """Refuse a limit that the files of a container, ``used`` bytes, have passed: it could not even be started again.

    Raises:
        SkerryError: naming the least that would do.
    """
    mebi = 1024**2
    if limit < used + mebi:
        raise SkerryError(
            Code.INVALID,
            f"disk: {format_size(limit)} is too little for its files, which take {-(-used // mebi)}M",
            f"Give at least {-(-used // mebi) + 1}M, or delete files in it first",
        )


def _refuse(option: str, found: str, expected: str) -> None:
    raise SkerryError(Code.INVALID, f"{option}: {found} is more than this host has", f"Give {expected}")
