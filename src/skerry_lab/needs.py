"""What this computer must have before any work begins."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from skerry_base.core.errors import SkerryError
from skerry_base.core.programs import Tool, apt_line
from skerry_base.core.progress import Progress
from skerry_base.core.run import run_here
from skerry_lab.recipe import Kind

GIB = 1024**3
_KERNEL = (6, 12)
_WAIT_FOR_DPKG = ("-o", "DPkg::Lock::Timeout=600")
# apt-get waits for dpkg's lock, but not for that of its package lists.
_UPDATE = ("flock", "/run/lock/skerry-apt", "apt-get", "update")


_COMMON = (
    Tool("mmdebstrap", "mmdebstrap"),
    Tool("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    Tool("ssh", "openssh-client"),
    Tool("ssh-keygen", "openssh-client"),
    Tool("ip", "iproute2"),
    Tool("setpriv", "util-linux"),
)
TOOLS = {
    Kind.FAST: (
        *_COMMON,
        Tool("systemd-nspawn", "systemd-container"),
        Tool("slirp4netns", "slirp4netns"),
        Tool("sysctl", "procps"),
    ),
    Kind.METAL: (*_COMMON,),
}
_UNPRIVILEGED = (Tool("newuidmap", "uidmap"),)
_DISK = {Kind.FAST: 3 * GIB, Kind.METAL: 8 * GIB}


def missing_packages(
    kind: Kind, present: Callable[[Tool], bool] = Tool.present, *, root: bool = True
) -> list[str]:
    """The Debian packages to install for this kind, by name.

    Args:
        kind: the kind of lab.
        present: tells whether a tool is there.
        root: whether root runs the lab; another user needs more.
    """
    tools = TOOLS[kind] if root else (*TOOLS[kind], *_UNPRIVILEGED)
    return sorted({tool.package for tool in tools if not present(tool)})


def ensure(kind: Kind, cache: Path, state: Path, progress: Progress) -> None:
    """Check this computer; as root, install what is missing.

    Raises:
        SkerryError: something is wrong that only the user can mend; the message says how.
    """
    check_computer(kind, os.uname().machine, os.uname().release)
    _ensure_packages(missing_packages(kind, root=os.geteuid() == 0), progress)
    if kind is Kind.FAST and os.geteuid() != 0:
        raise SkerryError("the fast lab mounts and makes namespaces, which needs root: run it with sudo")
    for folder in (cache, state):
        folder.mkdir(parents=True, exist_ok=True)
        _check_folder(folder)
    _check_disk(cache, _DISK[kind])
    if kind is Kind.FAST:
        _check_fast(state)


def check_computer(kind: Kind, machine: str, kernel: str) -> None:
    """Whether this processor and kernel will do; the fast lab's machines run on the computer's own kernel.

    Raises:
        SkerryError: they will not.
    """
    if machine != "x86_64":
        raise SkerryError(f"this computer is {machine}; the lab's machines are amd64 (x86_64)")
    version = tuple(int(part) for part in re.findall(r"\d+", kernel)[:2])
    if kind is Kind.FAST and version < _KERNEL:
        raise SkerryError(
            f"this computer's kernel is {kernel}; the fast lab runs on it and needs "
            f"{'.'.join(map(str, _KERNEL))} (images mounted from files, simple quotas). On Debian 12 that is "
            "linux-image-amd64 of bookworm-backports; or take the lab that brings its own kernel: `make lab`"
        )


def _ensure_packages(packages: list[str], progress: Progress) -> None:
    if not packages:
        return
    if os.geteuid() != 0:
        raise SkerryError(f"this computer lacks programs; install them with:\n    {apt_line(packages)}")
    if shutil.which("apt-get") is None:
        raise SkerryError(
            f"no apt-get here to install programs with; in Debian they are: {' '.join(packages)}"
        )
    with progress.stage(f"install {' '.join(packages)}"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "--no-install-recommends", "--yes", *_WAIT_FOR_DPKG, *packages]
        run_here(_UPDATE, timeout=600, env=quiet)
        run_here(install, timeout=1800, env=quiet)


def _check_folder(folder: Path) -> None:
    if set(str(folder)) & set(":,\\"):
        raise SkerryError(
            f"{folder}: an overlay's folder can't have `:`, `,` or a backslash in its path; set "
            "XDG_CACHE_HOME and XDG_STATE_HOME to others"
        )


def _check_disk(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise SkerryError(
            f"{folder} has {free / GIB:.1f} GiB free, the lab needs {wanted / GIB:.0f}; "
            "`lab prune` takes old images away"
        )


def _check_fast(state: Path) -> None:
    if not Path("/dev/loop0").exists():
        run_here(["modprobe", "loop"])  # its devices are handed to the machine when it starts
    for device in ("/dev/net/tun", "/dev/fuse", "/dev/loop-control"):
        if not Path(device).exists():
            raise SkerryError(f"{device} is missing: load its kernel module (`modprobe {Path(device).name}`)")
    kernel = Path("/proc/filesystems").read_text(encoding="ascii").split()
    if "overlay" not in kernel:
        run_here(["modprobe", "overlay"])
    if filesystem_of(state) == "overlay":
        raise SkerryError(
            f"{state} lies on an overlay, which can't carry another: set XDG_STATE_HOME elsewhere"
        )


def filesystem_of(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system a folder lies on."""
    best, kind = "", ""
    for line in mounts.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        point, fstype = fields[4], fields[fields.index("-") + 1]
        if len(point) >= len(best) and folder.resolve().is_relative_to(point):
            best, kind = point, fstype
    return kind
