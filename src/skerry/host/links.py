"""Network links: the port of a container on its bridge."""

import os
import socket
import struct

from skerry.host import netlink

# Numbers of include/uapi/linux/{rtnetlink,if_link}.h
_DELETE_LINK, _SET_LINK = 17, 19
_IFLA_IFNAME, _IFLA_PROTINFO, _IFLA_BRPORT_ISOLATED = 3, 12, 33
_AF_BRIDGE = 7
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change


def exists(name: str) -> bool:
    """Whether there is such a link."""
    return os.path.exists(f"/sys/class/net/{name}")


def isolate(name: str) -> None:
    """Let no frame pass between this port of a bridge and another isolated one. The firewall says so too.

    Raises:
        OSError: there is no such link, or it is no port of a bridge.
    """
    isolated = netlink.attribute(_IFLA_BRPORT_ISOLATED, b"\1")
    body = _LINK.pack(_AF_BRIDGE, 0, socket.if_nametoindex(name), 0, 0)
    _ask(_SET_LINK, body + netlink.attribute(_IFLA_PROTINFO | netlink.NESTED, isolated), name)


def remove(name: str) -> None:
    """Take a link away; nothing happens where it is not there.

    Raises:
        OSError: the kernel refused.
    """
    try:
        own_name = netlink.attribute(_IFLA_IFNAME, name.encode() + b"\0")
        _ask(_DELETE_LINK, _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + own_name, name)
    except OSError:
        if exists(name):
            raise


def _ask(kind: int, body: bytes, name: str) -> None:
    if number := netlink.ask(netlink.ROUTE, [netlink.message(kind, netlink.ACK, body)], 1):
        raise OSError(number, os.strerror(number), name)
