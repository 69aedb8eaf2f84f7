"""What tests of the pool share: the command on the lab's host, and what is counted for a container or volume."""

import json
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any

from testinfra.host import Host

Skerry = Callable[..., Any]
POOL, MEBI = "/var/lib/skerry/pool", 1024**2
FULL = f"{POOL}/full"
# A program's function that fills the pool to the last MiB; one large request leaves some, as btrfs counts.
FILL = f"""
import os
def fill():
    with open("{FULL}", "wb") as file:
        end = 0
        for step in (1 << 30, 64 << 20, 4 << 20, 1 << 20):
            try:
                while True:
                    os.posix_fallocate(file.fileno(), end, step)
                    end += step
            except OSError:
                continue
"""


def skerry(host: Host) -> Iterator[Skerry]:
    """Runs the command; what it answers. Whatever was made with it is deleted at the end."""

    def run(command: str, program: str = "") -> Any:
        tail = f" -- /usr/bin/python3 -c {shlex.quote(program)}" if program else ""
        done = host.run(f"skerry {command} --json{tail}")
        assert done.rc == 0, f"{command}: {done.stderr}"
        return json.loads(done.stdout)

    yield run
    for word, kind in (("", "containers"), ("volume ", "volumes")):
        for one in json.loads(host.check_output(f"skerry {word}list --json"))[kind]:
            if one["name"].startswith("t-"):
                host.check_output(f"skerry {word}delete {one['name']}")


def upper(container: dict[str, Any]) -> str:
    """The folder of what a container has written."""
    return f"{POOL}/c/{container['id']}/upper"


def group(one: dict[str, Any]) -> str:
    """The quota group of a container or volume."""
    return f"1/{2**47 | int(one['id'], 16) % 2**47}"


def used(host: Host, one: dict[str, Any]) -> int:
    """Bytes that are counted for a container or volume."""
    rows = host.check_output(f"btrfs qgroup show --raw --sync {POOL}").splitlines()
    return next((int(row.split()[1]) for row in rows if row.startswith(f"{group(one)} ")), 0)


def falls(host: Host, one: dict[str, Any], most: int) -> bool:
    """Whether what is counted falls to so many bytes: the kernel takes files away behind its answer."""
    found = 0
    for _ in range(60):
        if (found := used(host, one)) <= most:
            return True
        time.sleep(0.5)
    print(f"{found} bytes are counted, more than {most}")
    return False


def refused(host: Host, command: str, code: int) -> str:
    """What the command says, which must refuse."""
    done = host.run(command)
    assert done.rc == code, done.stdout + done.stderr
    return str(done.stderr)


def fill(host: Host, folder: str) -> None:
    """Write until the disk is full."""
    said = host.run(f"head -c 200M /dev/urandom > {folder}/fat; sync -f {folder}").stderr
    assert "quota exceeded" in said
