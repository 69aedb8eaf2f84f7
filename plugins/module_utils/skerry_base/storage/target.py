"""Programs of an installed system, run inside it from another one, such as a rescue system."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import SkerryError

# The mounts are in a namespace of the program's own: however it ends, nothing stays mounted below the target. /run is
# empty but for udev's knowledge of the disks, so that nothing in the target talks to the rescue system's services.
_ENTER = """\
for folder in dev proc sys; do mount --rbind "/$folder" "$0/$folder"; done
mount -t tmpfs tmpfs "$0/run"
if [ -d /run/udev ]; then mkdir "$0/run/udev"; mount --rbind /run/udev "$0/run/udev"; fi
exec chroot "$0" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
"""

_TAKEN = frozenset(
    [
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "tmp",
        "usr",
        "var",
    ]
)
"""Folders of the system that runs. Below /mnt, /media and /srv, and in folders of their own, targets are welcome."""


def target_problem(target: str) -> str:
    """Why another system can't be mounted at a folder; empty where it can.

    What is mounted there is unmounted before: of `/` that would be everything.
    """
    parts = target.split("/")
    if target.startswith("/") and len(parts) > 1 and all(part not in {"", ".", ".."} for part in parts[1:]):
        if parts[1] not in _TAKEN:
            return ""
        return f"luks_root_target: {target} belongs to the running system. Take a folder of its own, such as /target."
    return f"luks_root_target: {target!r} is no folder such as /target: from the top, and without a slash at its end."


def refuse_target(target: str) -> None:
    """Refuse a folder that another system can't be mounted at.

    Raises:
        SkerryError: it says why.
    """
    if problem := target_problem(target):
        raise SkerryError(problem.removesuffix("."))


def inside(root: str, argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` in the system below ``root``; ``argv`` itself where that is the running one.

    Args:
        root: a mount point such as ``/target``, or ``/``.
        argv: program and arguments, as inside.
    """
    if root.rstrip("/") == "":
        return list(argv)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _ENTER, root.rstrip("/"), *argv]
