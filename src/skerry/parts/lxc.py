"""The LXC configuration of a container, rendered from what it is. Pure text, and none of it is a container's own."""

import os
from collections.abc import Iterable, Iterator, Sequence

from skerry.model.addresses import IDS_PER_SLOT, Addresses
from skerry.model.program import Profile
from skerry.parts.program import BUILD, ENTER, SYSTEM

# The name begins with lxc-: Debian confines lxc-start itself, and lets it change to such profiles only.
APPARMOR = {"app": "lxc-skerry-app", "system": "lxc-skerry-system", "build": "lxc-skerry-build"}
INSIDE = "/usr/lib/skerry/inside"  # the package skerry-launch: enter, filter, and places for the other two
LOCKS = "/run/lxc/lock"  # LXC makes folders there, by the name that a start gives it

# Paths under /proc that tell about the host or reach into the kernel, covered by /dev/null inside.
_MASKED = (
    "kcore",
    "keys",
    "key-users",
    "timer_list",
    "sched_debug",
    "kallsyms",
    "kmsg",
    "kpagecount",
    "kpageflags",
)
_LXCFS = ("cpuinfo", "meminfo", "stat", "uptime", "diskstats", "loadavg", "swaps")


def render(
    hostname: str, folder: str, own: Addresses, capabilities: Sequence[str], profile: Profile = "app"
) -> str:
    """The configuration file of a container, whose namespaces are descriptors 3 and 4 of ``start``.

    Args:
        hostname: its host name inside.
        folder: its folder below /run.
        own: the addresses and the uid range of its slot.
        capabilities: what its root keeps; ``enter`` takes away its own.
        profile: what lives in it.
    """
    kept = " ".join({"system": SYSTEM, "build": BUILD}.get(profile) or sorted({*ENTER, *capabilities}))
    own_lines = {"app": _OF_APP, "build": _OF_BUILD}.get(profile) or _of_system(folder)
    lines = [
        *walls(hostname, f"{folder}/rootfs", own, profile),
        *own_lines,
        "lxc.namespace.share.user = /proc/self/fd/3",
        "lxc.namespace.share.net = /proc/self/fd/4",
        f"lxc.cap.keep = {kept}",
        *(f"lxc.mount.entry = {entry} 0 0" for entry in (*_own_mounts(folder, profile), *shared_mounts())),
    ]
    return "\n".join(lines) + "\n"


_OF_APP = ("lxc.mount.auto = proc:mixed sys:ro",)
_OF_BUILD = (
    "lxc.mount.auto = proc:mixed sys:ro cgroup:mixed",
    "lxc.mount.entry = /dev/fuse dev/fuse none bind,optional,create=file 0 0",
)


def _of_system(folder: str) -> list[str]:
    """What a whole Debian has besides: its cgroups, and devices for containers inside.

    LXC would start it again where it reboots, as often as it likes. The hook fails then, and systemd starts it (start.c).
    """
    devices = ("fuse", "net/tun")
    return [
        "lxc.mount.auto = proc:mixed sys:ro cgroup:mixed",
        "lxc.hook.version = 1",
        f"lxc.hook.start-host = /usr/bin/mkdir {folder}/begun",
        *(f"lxc.mount.entry = /dev/{name} dev/{name} none bind,optional,create=file 0 0" for name in devices),
    ]


def walls(hostname: str, rootfs: str, own: Addresses, profile: Profile = "app") -> list[str]:
    """What every configuration has, those of older Skerries as well."""
    lines = [
        f"lxc.rootfs.path = dir:{rootfs}",
        f"lxc.uts.name = {hostname}",
        f"lxc.idmap = u 0 {own.uid_base} {IDS_PER_SLOT}",
        f"lxc.idmap = g 0 {own.uid_base} {IDS_PER_SLOT}",
        "lxc.cgroup.relative = 1",  # or LXC puts the payload outside the unit, and no limit holds it
        f"lxc.no_new_privs = {int(profile != 'system')}",
        "lxc.proc.oom_score_adj = 0",
        "lxc.autodev = 1",
        "lxc.tty.max = 0",
        "lxc.pty.max = 64",
        "lxc.console.path = none",
    ]
    return [*lines, f"lxc.apparmor.profile = {APPARMOR[profile]}"] if apparmor_enabled() else lines


def _own_mounts(folder: str, profile: Profile) -> Iterator[str]:
    yield f"{INSIDE} dev/skerry none bind,ro,create=dir"
    yield "/usr/bin/catatonit dev/skerry/init none bind,ro"
    yield f"{folder}/own dev/skerry/own none bind,ro"
    if profile != "system":  # systemd would take it for a terminal
        yield f"{folder}/own/log dev/console none bind,create=file"


def shared_mounts() -> Iterable[str]:
    """The mounts that every configuration has."""
    yield "tmpfs dev/shm tmpfs rw,nosuid,nodev,noexec,mode=1777,create=dir"
    yield from (f"/dev/null proc/{name} none bind,optional" for name in _MASKED)
    yield "tmpfs sys/firmware tmpfs ro,nosuid,nodev,noexec,size=0,optional"
    if os.path.exists("/var/lib/lxcfs/proc"):
        yield from (f"/var/lib/lxcfs/proc/{name} proc/{name} none bind,optional" for name in _LXCFS)


def apparmor_enabled() -> bool:
    """Whether the host's kernel enforces AppArmor."""
    try:
        with open("/sys/module/apparmor/parameters/enabled", encoding="ascii") as file:
            return file.read().strip() == "Y"
    except FileNotFoundError:
        return False
