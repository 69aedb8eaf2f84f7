"""A cgroup of its own for each fast lab on a computer without systemd.

Without it the machines would share one tree: two labs' systemd would meet in the same `system.slice`, and the end of a
unit in one would take the processes of its namesake in the other along.
"""

import contextlib
from pathlib import Path


def _tree() -> Path | None:
    """Where cgroup v2 is mounted, beside cgroup v1 or alone."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, target, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(target)
    return None


def enter(name: str) -> None:
    """Move this process into the cgroup `name`, made anew."""
    tree = _tree()
    if tree is not None:
        forget(name)
        folder = tree / name
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.procs").write_text("0", encoding="ascii")


def forget(name: str) -> None:
    """Take away the empty cgroups that an ended machine left."""
    tree = _tree()
    if tree is None or not (tree / name).is_dir():
        return
    folders = [path for path in (tree / name).rglob("*") if path.is_dir()]
    for folder in [*sorted(folders, key=lambda path: len(path.parts), reverse=True), tree / name]:
        with contextlib.suppress(OSError):  # a process is just ending in it: the next `up` tries again
            folder.rmdir()
