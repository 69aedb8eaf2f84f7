"""Frames that a container may and may not send. Pure."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

_IPV4, _ARP, _UDP = 0x0800, 0x0806, 17
_STRANGER = "198.51.100.7"
"""An address of nobody, set apart for documentation."""


@dataclass(frozen=True)
class Port:
    """A container's end of its cable, and what it talks to.

    Attributes:
        mac: its MAC.
        address: its IPv4 address.
        gateway_mac: the host's MAC on the bridge.
        gateway: the host's IPv4 address there.
    """

    mac: str
    address: str
    gateway_mac: str
    gateway: str


def honest(port: Port, mark: bytes) -> bytes:
    """A frame that the container may send."""
    return _udp(port, port.mac, port.address, mark)


def lies(port: Port, mark: bytes) -> dict[str, bytes]:
    """Frames that claim to be somebody else, by what they claim."""
    stranger = "02:5e:ff:ff:ff:fe"
    return {
        "a foreign IPv4 address": _udp(port, port.mac, _STRANGER, mark),
        "a foreign MAC": _udp(port, stranger, port.address, mark),
        "ARP: I am the gateway": _ethernet("ff:ff:ff:ff:ff:ff", port.mac, _ARP, _claim(port) + mark),
    }


def _udp(port: Port, mac: str, source: str, mark: bytes) -> bytes:
    datagram = struct.pack("!HHHH", 9, 9, 8 + len(mark), 0) + mark
    ends = _packed(source) + _packed(port.gateway)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, _UDP, 0)
    head = head[:10] + struct.pack("!H", _checksum(head + ends)) + ends
    return _ethernet(port.gateway_mac, mac, _IPV4, head + datagram)


def _claim(port: Port) -> bytes:
    """An ARP answer that nobody asked for: the gateway's address is at the container's MAC."""
    head = struct.pack("!HHBBH", 1, _IPV4, 6, 4, 2)
    return head + _mac(port.mac) + _packed(port.gateway) + _mac(port.gateway_mac) + _packed(port.gateway)


def _ethernet(target: str, source: str, kind: int, payload: bytes) -> bytes:
    return (_mac(target) + _mac(source) + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _packed(address: str) -> bytes:
    return ipaddress.IPv4Address(address).packed


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
