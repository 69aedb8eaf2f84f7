"""What the host has to give, and the refusal of what it has not."""

import os
import shutil
from pathlib import Path

from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.size import format_size
from skerry.system import btrfs


def memory(host: HostConfig) -> int:
    """Bytes of RAM that one container may ask for: all but the host's reserve."""
    line = next(
        line for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines() if "MemTotal" in line
    )
    return max(0, int(line.split()[1]) * 1024 - host.reserve_memory)


def check(host: HostConfig, wanted_memory: int, cpu: float, disk: int) -> None:
    """Refuse what is more than the whole host has.

    Raises:
        SkerryError: naming the option, what was asked and what is there.
    """
    mebi = 1024**2
    room, cpus, pool = memory(host), os.cpu_count() or 1, shutil.disk_usage(host.pool).total
    if wanted_memory > room:
        _refuse(
            "memory", format_size(wanted_memory), f"at most {room // mebi}M: the host's RAM less its reserve"
        )
    if cpu > cpus:
        _refuse("cpu", f"{cpu:g}", f"at most {cpus}, the host's processors")
    if disk > pool:
        _refuse("disk", format_size(disk), f"at most {pool // mebi}M, the size of the pool")


def check_files(path: str, disk: int) -> None:
    """Refuse a limit that the files at ``path`` have passed already: such a container could not even be started again.

    Raises:
        SkerryError: naming the least that would do.
    """
    mebi = 1024**2
    used = btrfs.used_by(path)
    if disk < used + mebi:
        raise SkerryError(
            Code.INVALID,
            f"disk: {format_size(disk)} is too little for its files, which take {-(-used // mebi)}M",
            f"Give at least {-(-used // mebi) + 1}M, or delete files in it first",
        )


def _refuse(option: str, found: str, wanted: str) -> None:
    raise SkerryError(Code.INVALID, f"{option}: {found} is more than this host has", f"Give {wanted}")
