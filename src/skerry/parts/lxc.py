"""The LXC configuration of a container, rendered from what it is. Pure text."""

import os
from collections.abc import Iterable

from skerry.model.addresses import IDS_PER_SLOT, Addresses, gateways
from skerry.model.host import HostConfig

SECCOMP = "/usr/lib/skerry/seccomp/app"
# The name begins with lxc-: Debian confines lxc-start itself, and lets it change to such profiles only.
APPARMOR = "lxc-skerry-app"
INIT = "dev/skerry/init"

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


def _mounts(lxcfs: bool) -> Iterable[str]:
    yield f"/usr/bin/catatonit {INIT} none bind,ro,create=file"
    yield "/etc/skerry/resolv.conf etc/resolv.conf none bind,ro,create=file,optional"
    yield "tmpfs dev/shm tmpfs rw,nosuid,nodev,noexec,mode=1777,create=dir"
    yield from (f"/dev/null proc/{name} none bind,optional" for name in _MASKED)
    yield "tmpfs sys/firmware tmpfs ro,nosuid,nodev,noexec,size=0,optional"
    if lxcfs:
        yield from (f"/var/lib/lxcfs/proc/{name} proc/{name} none bind,optional" for name in _LXCFS)


def render(host: HostConfig, hostname: str, rootfs: str, own: Addresses, env: Iterable[str]) -> str:
    """The configuration file of an ``app`` container.

    Args:
        host: the host it runs on.
        hostname: its host name inside.
        rootfs: where its root is mounted in the unit's mount namespace.
        own: the addresses and the uid range of its slot.
        env: names of the variables that ``lxc-start`` passes on from its own environment.
    """
    gateway4, gateway6 = gateways(host)
    prefix4, prefix6 = host.ipv4.split("/")[1], host.ipv6.split("/")[1]
    lines = [
        f"lxc.rootfs.path = dir:{rootfs}",
        f"lxc.uts.name = {hostname}",
        f"lxc.idmap = u 0 {own.uid_base} {IDS_PER_SLOT}",
        f"lxc.idmap = g 0 {own.uid_base} {IDS_PER_SLOT}",
        "lxc.cgroup.relative = 1",  # or LXC puts the payload outside the unit, and no limit holds it
        f"lxc.seccomp.profile = {SECCOMP}",
        "lxc.no_new_privs = 1",
        "lxc.cap.keep = none",
        "lxc.proc.oom_score_adj = 0",
        "lxc.mount.auto = proc:mixed sys:ro",
        "lxc.autodev = 1",
        "lxc.tty.max = 0",
        "lxc.pty.max = 64",
        "lxc.console.path = none",
        "lxc.net.0.type = veth",
        f"lxc.net.0.link = {host.bridge}",
        "lxc.net.0.flags = up",
        "lxc.net.0.name = eth0",
        f"lxc.net.0.veth.pair = {own.port}",
        f"lxc.net.0.hwaddr = {own.mac}",
        f"lxc.net.0.ipv4.address = {own.ipv4}/{prefix4}",
        f"lxc.net.0.ipv4.gateway = {gateway4}",
        f"lxc.net.0.ipv6.address = {own.ipv6}/{prefix6}",
        f"lxc.net.0.ipv6.gateway = {gateway6}",
    ]
    if apparmor_enabled():
        lines.append(f"lxc.apparmor.profile = {APPARMOR}")
    lines += [f"lxc.mount.entry = {entry} 0 0" for entry in _mounts(os.path.exists("/var/lib/lxcfs/proc"))]
    lines += [f"lxc.environment = {name}" for name in env]
    return "\n".join(lines) + "\n"


def apparmor_enabled() -> bool:
    """Whether the host's kernel enforces AppArmor."""
    try:
        with open("/sys/module/apparmor/parameters/enabled", encoding="ascii") as file:
            return file.read().strip() == "Y"
    except FileNotFoundError:
        return False
