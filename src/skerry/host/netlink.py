"""Requests to the kernel over netlink: messages, attributes, and its answers. No program is started for them."""

import socket
import struct
from collections.abc import Sequence

ROUTE, NETFILTER = 0, 12  # include/uapi/linux/netlink.h
REQUEST, ACK, CREATE, EXCLUSIVE = 1, 4, 0x400, 0x200
NESTED = 0x8000
_ERROR = 2
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")
_STATUS = struct.Struct("=i")
_BUFFER = 1 << 16
_TIMEOUT = 10.0


def padded(data: bytes) -> bytes:
    """``data`` filled up to a multiple of four bytes."""
    return data + bytes(-len(data) % 4)


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute; those inside another one are its value."""
    return padded(_ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value)


def message(kind: int, flags: int, body: bytes) -> bytes:
    """One request."""
    return _HEADER.pack(_HEADER.size + len(body), kind, REQUEST | flags, 0, 0) + body


def ask(family: int, messages: Sequence[bytes], acks: int) -> int:
    """Send ``messages`` in one go, of which ``acks`` want an answer; 0, or the error number of the first refusal.

    Raises:
        OSError: the kernel could not be asked, or did not answer in time.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family) as kernel:
        kernel.settimeout(_TIMEOUT)
        kernel.send(b"".join(messages))
        while acks > 0:
            for status in _statuses(kernel.recv(_BUFFER)):
                if status:
                    return -status
                acks -= 1
    return 0


def _statuses(answers: bytes) -> list[int]:
    """What a datagram of the kernel's says of each request: 0, or minus an error number."""
    found, at = [], 0
    while at < len(answers):
        length, kind, *_ = _HEADER.unpack_from(answers, at)
        if kind == _ERROR:
            found.append(_STATUS.unpack_from(answers, at + _HEADER.size)[0])
        at += length + -length % 4
    return found
