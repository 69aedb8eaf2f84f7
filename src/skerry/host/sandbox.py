"""Run a program on bytes that nobody vouches for: in a transient unit that has nothing but what it is handed."""

import contextlib
import dataclasses
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from skerry.host import reach, systemd
from skerry.host.run import run as run_program
from skerry.model.errors import Code, SkerryError
from skerry.model.size import format_size
from skerry.text import printable

PREFIX = "skerry-image-"
CREDENTIAL = "@credential@"  # in an argv: the path of the job's credential
SCRATCH = "/mnt"  # where a program finds the one folder that it may write to
IMAGES = "/media"  # and images; by its name it comes before /run, below which they are mounted on the host
UNLIMITED = 2**64 - 1
_MEBI = 1024**2
_GRACE = 10.0  # seconds that systemd has to end what ran out of time
# Not even for a program that runs as root: Skerry's secrets, and the sockets through which root rules the host.
_OUT_OF_REACH = (
    "/etc/skerry",
    "/run/skerry",
    "/run/skerry-proxy",
    "/run/dbus",
    "/run/systemd/private",
    "/var/lib/skerry/restore",
    "/var/lib/skerry/restore.new",
    "/var/lib/skerry/secret",
    "/var/lib/skerry/state.db",
)
_EVERYBODY = {
    "ProtectSystem": ("s", "strict"),
    "ProtectControlGroups": ("b", True),
    "ProtectKernelTunables": ("b", True),
    "ProtectKernelModules": ("b", True),
    "ProtectKernelLogs": ("b", True),
    "ProtectClock": ("b", True),
    "ProtectHostname": ("b", True),
    "RestrictRealtime": ("b", True),
    "PrivateMounts": ("b", True),
    "InaccessiblePaths": ("as", [f"-{path}" for path in _OUT_OF_REACH]),
    "UMask": ("u", 0o077),
}
_NO_PRIVILEGES = {
    "DynamicUser": ("b", True),
    "NoNewPrivileges": ("b", True),
    "CapabilityBoundingSet": ("t", 0),
    "PrivateNetwork": ("b", True),
    "PrivateDevices": ("b", True),
    "PrivateIPC": ("b", True),
    "ProtectHome": ("s", "yes"),
    "ProtectProc": ("s", "invisible"),
    "RestrictNamespaces": ("t", 0),
    "RestrictAddressFamilies": ("(bas)", (True, [])),
    "MemoryDenyWriteExecute": ("b", True),
    "SystemCallFilter": ("(bas)", (True, ["@system-service"])),
    "LockPersonality": ("b", True),
}


# Owners, permissions, attributes and capabilities of files, whoever they belong to.
_FILES = sum(1 << number for number in (0, 1, 2, 3, 4, 31))
_ADMIN = 1 << 21  # the kernel shows trusted attributes to nobody else


@dataclasses.dataclass(frozen=True)
class Job:
    """A program to run.

    Attributes:
        argv: program, by its path, and arguments.
        stdin: file or FIFO that it reads.
        stdout: file or FIFO that it writes; its text goes nowhere if there is none.
        scratch: folder that it sees as :data:`SCRATCH`, the only one that it can write to.
        privileged: as root and with the network, for a program that needs to be.
        memory: bytes.
        largest_file: bytes of the largest file that it may write.
        timeout: seconds.
        env: variables, ``NAME=value``.
        files: as root that may do with files what root may, and nothing else.
        trusted: as root that reads trusted attributes of files as well. Never for a program that reads an archive.
        images: folders that it sees below :data:`IMAGES`, the first as ``0``; it cannot write to them.
        unit: the name of its unit, so that it can be ended by that; else one of its own.
        network: what it reaches; nothing where that is None, unless it is privileged.
        credential: a file that only root reads, which it finds at :data:`CREDENTIAL` in its argv.
    """

    argv: Sequence[str]
    stdin: str = ""
    stdout: str = ""
    scratch: str = ""
    privileged: bool = False
    memory: int = 512 * _MEBI
    largest_file: int = 16 * 1024 * _MEBI
    timeout: float = 900.0
    env: tuple[str, ...] = ()
    files: bool = False
    trusted: bool = False
    images: Sequence[str] = ()
    unit: str = ""
    network: reach.Network | None = None
    credential: str = ""


class JobError(SkerryError):
    """A program failed.

    Attributes:
        result: systemd's word for how: exit-code, signal, core-dump, timeout, oom-kill.
    """

    def __init__(self, job: Job, result: str, said: str) -> None:
        how = {
            "timeout": f"took longer than {job.timeout:g} s",
            "oom-kill": f"needed more than {format_size(job.memory)} of memory",
        }.get(result, "failed")
        last = said.strip().splitlines()[-1] if said.strip() else "it said nothing"
        super().__init__(Code.FAILED, f"{job.argv[0]} {how}: {last}", journal=said)
        self.result = result


def _properties(job: Job, unit: str, streams: systemd.Properties) -> systemd.Properties:
    argv = [word.replace(CREDENTIAL, f"/run/credentials/{unit}/credential") for word in job.argv]
    found: dict[str, tuple[str, Any]] = {
        "Description": ("s", f"Skerry runs {job.argv[0]} on files"),
        "Type": ("s", "oneshot"),
        "RemainAfterExit": ("b", True),
        "ExecStart": ("a(sasb)", [(argv[0], argv, False)]),
        "Environment": ("as", ["LC_ALL=C", f"TMPDIR={SCRATCH}", *job.env]),
        "StandardInput": ("s", "null"),
        "StandardOutput": ("s", "null"),
        "StandardError": ("s", "journal"),
        "TimeoutStartUSec": ("t", round(job.timeout * 1_000_000)),
        "KillMode": ("s", "control-group"),
        "SendSIGKILL": ("b", True),
        "TimeoutStopUSec": ("t", 2_000_000),
        "LimitFSIZE": ("t", job.largest_file),
        "LimitCORE": ("t", 0),
        "MemoryMax": ("t", job.memory),
        "MemorySwapMax": ("t", 0),
        "TasksMax": ("t", 256),
        "CPUWeight": ("t", 20),
        "OOMPolicy": ("s", "kill"),
    }
    if job.files:
        capabilities = _FILES | (_ADMIN if job.trusted else 0)
        files_only = {"DynamicUser": ("b", False), "CapabilityBoundingSet": ("t", capabilities)}
        found |= _NO_PRIVILEGES | files_only
    elif not job.privileged:
        found |= _NO_PRIVILEGES
    if job.network:
        found |= reach.properties(job.network)
    return [*(_EVERYBODY | found | _handed(job)).items(), *streams]


@contextlib.contextmanager
def _streams(job: Job) -> Iterator[systemd.Properties]:
    """What it reads and writes.

    A FIFO is opened here: systemd would wait for its other end, and nothing ends a unit whose client is gone before.
    """
    found: systemd.Properties = []
    with contextlib.ExitStack() as opened:
        for name, path, mode in ("Input", job.stdin, os.O_RDONLY), ("Output", job.stdout, os.O_WRONLY):
            if Path(path).is_fifo():
                found.append((f"Standard{name}FileDescriptor", ("h", descriptor := _open_fifo(path, mode))))
                opened.callback(os.close, descriptor)
            elif path:
                found.append((f"Standard{name}File", ("s", path)))
        yield found


def _open_fifo(path: str, mode: int) -> int:
    both = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, mode | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    finally:
        os.close(both)
    os.set_blocking(descriptor, True)
    return descriptor


def _handed(job: Job) -> dict[str, tuple[str, Any]]:
    """The folders that it is handed."""
    found: dict[str, tuple[str, Any]] = {}
    if job.scratch:
        found["BindPaths"] = ("a(ssbt)", [(job.scratch, SCRATCH, False, 0)])
    if job.images:
        found["TemporaryFileSystem"] = ("a(ss)", [(IMAGES, "")])
        seen = [(path, f"{IMAGES}/{number}", False, 0) for number, path in enumerate(job.images)]
        found["BindReadOnlyPaths"] = ("a(ssbt)", seen)
    if job.credential:
        found["LoadCredential"] = ("a(ss)", [("credential", job.credential)])
    return found


def run(job: Job, watch: Callable[[], None]) -> None:
    """Run a job to its end; ``watch`` is called about ten times a second meanwhile.

    Raises:
        JobError: it failed, or took too long or too much.
    """
    unit = job.unit or f"{PREFIX}{secrets.token_hex(4)}.service"
    if job.unit:
        systemd.kill(unit)  # what an engine that was killed left running
    with _streams(job) as streams:
        systemd.start_transient(unit, _properties(job, unit, streams))
    deadline, pause = time.monotonic() + job.timeout + _GRACE, 0.005
    try:
        while (state := systemd.state(unit)) not in {"active", "failed"} and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(0.1, pause * 1.5)
            watch()
        if state != "active":
            raise JobError(job, _result(unit), _said(unit))
    finally:
        systemd.kill(unit)


def _result(unit: str) -> str:
    return run_program(["systemctl", "show", "--property=Result", "--value", unit]).strip()


def _said(unit: str) -> str:
    """What the program said, without what systemd says about it; up to now, as `systemd.journal`."""
    run_program(["journalctl", "--sync"])
    said = run_program(["journalctl", "--no-pager", "--output=cat", "--lines=30", f"_SYSTEMD_UNIT={unit}"])
    return printable(said)


def end_all() -> None:
    """End what an engine that was killed left running."""
    for unit in systemd.states(f"{PREFIX}*.service"):
        systemd.kill(unit)
