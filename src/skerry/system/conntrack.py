"""The kernel's memory of flows, over its own socket: no program is started for it."""

import os
import socket
import struct

from skerry.model.errors import Code, SkerryError

# include/uapi/linux/netfilter/nfnetlink_conntrack.h
_NETLINK_NETFILTER = 12
_DELETE = (1 << 8) | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_REQUEST_ACK = 1 | 4
_MARK, _MARK_MASK = 8, 21
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ERROR = struct.Struct("=16xi")  # a header, then minus errno
_ATTRIBUTE = struct.Struct("=HH")
_TIMEOUT = 10.0


def _attribute(kind: int, value: int) -> bytes:
    return _ATTRIBUTE.pack(8, kind) + struct.pack("!I", value)


def forget_flows(mark: int) -> None:
    """Delete every flow that carries exactly ``mark``, IPv4 and IPv6, in one request.

    Raises:
        SkerryError: the kernel refused.
    """
    body = (
        struct.pack("=BBH", socket.AF_UNSPEC, 0, 0)
        + _attribute(_MARK, mark)
        + _attribute(_MARK_MASK, 0xFFFFFFFF)
    )
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER
    ) as kernel:
        kernel.settimeout(_TIMEOUT)
        kernel.send(_HEADER.pack(_HEADER.size + len(body), _DELETE, _REQUEST_ACK, 1, 0) + body)
        (status,) = _ERROR.unpack_from(kernel.recv(4096))
    if status:
        raise SkerryError(Code.FAILED, f"forgetting the flows with mark {mark:#x}: {os.strerror(-status)}")
