"""Programs of an installed system, run inside it from another one, such as a rescue system."""

from collections.abc import Sequence

# The mounts are in a namespace of the program's own: however it ends, nothing stays mounted below the target. /run is
# empty but for udev's knowledge of the disks, so that nothing in the target talks to the rescue system's services.
_ENTER = """\
for folder in dev proc sys; do mount --rbind "/$folder" "$0/$folder"; done
mount -t tmpfs tmpfs "$0/run"
if [ -d /run/udev ]; then mkdir "$0/run/udev"; mount --rbind /run/udev "$0/run/udev"; fi
exec chroot "$0" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
"""


def inside(root: str, argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` in the system below ``root``; ``argv`` itself where that is the running one.

    Args:
        root: a mount point such as ``/target``, or ``/``.
        argv: program and arguments, as inside.
    """
    if root.rstrip("/") == "":
        return list(argv)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _ENTER, root.rstrip("/"), *argv]
