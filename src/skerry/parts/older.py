"""Containers that an older Skerry started, by the launcher in Python: they run on, and systemd starts them again with it.

Their unit runs ``/usr/lib/skerry/launch FILE``, and FILE holds, separated by NUL: image, files, rootfs, first id,
configuration, name, number of variables, those, command. Goes when no such unit can run any more.
"""

from collections.abc import Iterable
from pathlib import Path

from skerry.host import files
from skerry.model.addresses import Addresses, gateways
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.program import LINE_ENDS
from skerry.parts import lxc

_SECCOMP = "/usr/lib/skerry/seccomp/app"


def started_by_one(folder: str) -> bool:
    """Whether the container that runs with this folder was started by an older Skerry."""
    return Path(folder, "launch").exists()


def program(folder: str) -> list[str]:
    """The number of its variables, those, and its command."""
    return Path(folder, "launch").read_bytes().decode().split("\0")[6:]


def refresh(host: HostConfig, hostname: str, folder: str, own: Addresses) -> bool:
    """Write its LXC configuration as the launcher of now reads it; returns whether it was another.

    Its variables stay those that it runs with.

    Raises:
        SkerryError: one of them can't be in a configuration any more.
    """
    config, (count, *rest) = Path(folder, "config"), program(folder)
    desired = render(host, hostname, f"{folder}/rootfs", own, rest[: int(count)]).encode()
    if config.read_bytes() == desired:
        return False
    files.replace(str(config), desired)
    return True


def render(host: HostConfig, hostname: str, rootfs: str, own: Addresses, env: Iterable[str]) -> str:
    """Its configuration file.

    Args:
        host: the host it runs on.
        hostname: its host name inside.
        rootfs: where its root is mounted in the unit's mount namespace.
        own: the addresses and the uid range of its slot.
        env: its program's variables, ``NAME=value`` each.

    Raises:
        SkerryError: a variable has a character that ends a line of this format.
    """
    gateway4, gateway6 = gateways(host)
    prefix4, prefix6 = host.ipv4.split("/")[1], host.ipv6.split("/")[1]
    lines = [
        *lxc.walls(hostname, rootfs, own),
        "lxc.mount.auto = proc:mixed sys:ro",
        f"lxc.seccomp.profile = {_SECCOMP}",
        "lxc.cap.keep = none",
        "lxc.net.0.type = veth",
        f"lxc.net.0.link = {host.bridge}",
        "lxc.net.0.flags = up",
        "lxc.net.0.name = eth0",
        f"lxc.net.0.veth.pair = {own.interface}",
        f"lxc.net.0.hwaddr = {own.mac}",
        f"lxc.net.0.ipv4.address = {own.ipv4}/{prefix4}",
        f"lxc.net.0.ipv4.gateway = {gateway4}",
        f"lxc.net.0.ipv6.address = {own.ipv6}/{prefix6}",
        f"lxc.net.0.ipv6.gateway = {gateway6}",
        "lxc.mount.entry = /usr/bin/catatonit dev/skerry/init none bind,ro,create=file 0 0",
        "lxc.mount.entry = /etc/skerry/resolv.conf etc/resolv.conf none bind,ro 0 0",
        *(f"lxc.mount.entry = {entry} 0 0" for entry in lxc.shared_mounts()),
        *(f'lxc.environment = "{_one_line(entry)}"' for entry in env),
    ]
    return "\n".join(lines) + "\n"


def _one_line(entry: str) -> str:
    """The entry, if a line can carry it: LXC takes away a pair of quotes around a value, and changes nothing in it.

    Without the quotes it would take away blanks at the end. What ends a line would begin an option of the container's:
    LXC's ``lxc_file_for_each_line_mmap`` splits at carriage returns as well.
    """
    if LINE_ENDS & set(entry):
        raise SkerryError(
            Code.INVALID,
            f"env: the value of {entry.split('=', 1)[0]} must be one line of text, without a carriage return",
            "Give it anew: of a container with 'update', of an image by importing it again",
        )
    return entry
