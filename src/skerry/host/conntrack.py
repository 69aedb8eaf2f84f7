"""The kernel's memory of flows, over its own socket: no program is started for it."""

import os
import socket
import struct

from skerry.host import netlink
from skerry.model.errors import Code, SkerryError

# include/uapi/linux/netfilter/nfnetlink_conntrack.h
_DELETE = (1 << 8) | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_MARK, _MARK_MASK = 8, 21
_GENERIC = struct.Struct("!BBH")  # struct nfgenmsg: family, version, resource


def forget_flows(mark: int) -> None:
    """Delete every flow that carries exactly ``mark``, IPv4 and IPv6, in one request.

    Raises:
        SkerryError: the kernel refused.
    """
    filters = ((_MARK, mark), (_MARK_MASK, 0xFFFFFFFF))
    body = _GENERIC.pack(socket.AF_UNSPEC, 0, 0) + b"".join(
        netlink.attribute(kind, struct.pack("!I", value)) for kind, value in filters
    )
    number = netlink.ask(netlink.NETFILTER, [netlink.message(_DELETE, netlink.ACK, body)], 1)
    if number:
        raise SkerryError(Code.FAILED, f"forgetting the flows with mark {mark:#x}: {os.strerror(number)}")
