"""cgroup v2: the first process of a container, the limits that really hold it, its freezer."""

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_FILES = ("memory.max", "memory.swap.max", "cpu.max", "pids.max")


def populated(group: str) -> bool:
    """Whether there is any process in a cgroup, or below it."""
    try:
        return "populated 1" in (ROOT / group / "cgroup.events").read_text(encoding="ascii").splitlines()
    except OSError:
        return False


def processes(group: str) -> list[int]:
    """The processes directly in a cgroup, named from the root; none where it is not there."""
    try:
        return [int(line) for line in (ROOT / group / "cgroup.procs").read_text(encoding="ascii").split()]
    except (FileNotFoundError, OSError):
        return []


def freeze(group: str, *, on: bool) -> bool:
    """Have the kernel hold every process of a cgroup, or let them go on; False where the cgroup is not there."""
    try:
        (ROOT / group / "cgroup.freeze").write_text("1" if on else "0", encoding="ascii")
    except (FileNotFoundError, OSError):
        return False
    return True


def frozen(group: str) -> bool:
    """Whether every process of a cgroup is held."""
    try:
        return "frozen 1" in (ROOT / group / "cgroup.events").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, OSError):
        return False


def to_be_frozen(group: str) -> bool:
    """Whether a cgroup is to be held. One that came in just now, or that is being killed, is not held for a moment."""
    try:
        return (ROOT / group / "cgroup.freeze").read_text(encoding="ascii").strip() == "1"
    except OSError:
        return False


def program(pid: int) -> str:
    """The name of a process's program; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def group_of(pid: int) -> str:
    """The cgroup of a process, from the root, without the leading slash."""
    lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines()
    return next(line[3:].lstrip("/") for line in lines if line.startswith("0::"))


def has_controllers() -> bool:
    """Whether this host can hold limits at all: cgroup v2 with cpu, memory and pids."""
    try:
        available = set((ROOT / "cgroup.controllers").read_text(encoding="ascii").split())
    except FileNotFoundError:
        return False
    return {"cpu", "memory", "pids"} <= available


def _value(text: str) -> float:
    """A limit as a number: ``max`` is infinity, ``50000 100000`` (cpu.max) the quotient."""
    parts = text.split()
    if parts[0] == "max":
        return float("inf")
    return int(parts[0]) / int(parts[1]) if len(parts) == 2 else float(parts[0])


def limits_at(group: str) -> dict[str, float]:
    """The limits that a cgroup itself has, as far as it is there and its controllers are on."""
    files = {name: ROOT / group / name for name in _FILES}
    return {name: _value(path.read_text(encoding="ascii")) for name, path in files.items() if path.exists()}


def limits_of(pid: int) -> dict[str, float]:
    """The limits that hold process ``pid``: for each file the smallest value on the way from its cgroup to the root.

    ``memory.max`` and ``memory.swap.max`` are bytes, ``cpu.max`` processors, ``pids.max`` a count; infinity where nothing
    limits it.
    """
    found = dict.fromkeys(_FILES, float("inf"))
    group = ROOT / group_of(pid)
    for folder in (group, *group.parents):
        if folder == ROOT:
            break
        for name in _FILES:
            path = folder / name
            if path.exists():
                found[name] = min(found[name], _value(path.read_text(encoding="ascii")))
    return found
