"""The ports of containers on the bridge: what a container that has ended may leave of them.

The kernel takes a port away with the network namespace at its other end. That one stays for minutes where a connection
was open whose other side does not answer any more: the kernel goes on telling it of the end.
"""

import errno
import os
import re
import socket
import struct

from skerry.host import netlink

_DELETE_LINK = 17  # include/uapi/linux/rtnetlink.h
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_NAME = re.compile(r"sk\d+")


def found(bridge: str) -> dict[int, str]:
    """The name of each port of a container, by its number, which the kernel gives to no other one later."""
    on_bridge = f"/sys/class/net/{bridge}/brif"
    return {
        index: name
        for index, name in socket.if_nameindex()
        if _NAME.fullmatch(name) and os.path.exists(f"{on_bridge}/{name}")
    }


def remove(index: int) -> bool:
    """Take the port with that number away; whether it was there.

    Raises:
        OSError: the kernel refused.
    """
    body = _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0)
    number = netlink.ask(netlink.ROUTE, [netlink.message(_DELETE_LINK, netlink.ACK, body)], 1)
    if number and number != errno.ENODEV:
        raise OSError(number, os.strerror(number), f"port {index}")
    return not number
