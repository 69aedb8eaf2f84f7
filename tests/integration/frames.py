"""Ethernet frames, byte by byte, so that tests can send what no honest stack would."""

import ipaddress
import socket
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
ARP, IPV4, IPV6, VLAN = 0x0806, 0x0800, 0x86DD, 0x8100
NS, NA, RA, REDIRECT = 135, 136, 134, 137
ECHO4, ECHO4_REPLY, ECHO6, ECHO6_REPLY = 8, 0, 128, 129
SOURCE_MAC, TARGET_MAC = 1, 2


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def ip(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def ethernet(source: str, target: str, kind: int, payload: bytes) -> bytes:
    return mac(target) + mac(source) + struct.pack("!H", kind) + payload


def tagged(frame: bytes, vlan: int) -> bytes:
    """The frame with a VLAN tag."""
    return frame[:12] + struct.pack("!HH", VLAN, vlan) + frame[12:]


def checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def arp(operation: int, sender_mac: str, sender: str, target: str, target_mac: str = BROADCAST) -> bytes:
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, operation)
    return head + mac(sender_mac) + ip(sender) + mac(target_mac) + ip(target)


def udp(source: str, target: str, source_port: int, target_port: int, payload: bytes = b"") -> bytes:
    length = 8 + len(payload)
    head = struct.pack("!HHH", source_port, target_port, length)
    pseudo = ip(source) + ip(target) + struct.pack("!IHBB", length, 0, 0, socket.IPPROTO_UDP)
    return head + struct.pack("!H", checksum(pseudo + head + b"\0\0" + payload) or 0xFFFF) + payload


def tcp(
    source: str, target: str, source_port: int, target_port: int, flags: int, payload: bytes = b""
) -> bytes:
    head = struct.pack("!HHIIBBH", source_port, target_port, 1, 0, 5 << 4, flags, 1024)
    pseudo = ip(source) + ip(target) + struct.pack("!IHBB", 20 + len(payload), 0, 0, socket.IPPROTO_TCP)
    return head + struct.pack("!HH", checksum(pseudo + head + bytes(4) + payload), 0) + payload


def ipv4(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    head = (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + ip(source) + ip(target)
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source: str, target: str, next_header: int, payload: bytes) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(payload), next_header, 255) + ip(source) + ip(target) + payload


def icmpv6(source: str, target: str, kind: int, body: bytes) -> bytes:
    """A whole IPv6 packet with one ICMPv6 message; ``body`` is what follows type, code and checksum."""
    head = struct.pack("!BBH", kind, 0, 0)
    pseudo = ip(source) + ip(target) + struct.pack("!II", 4 + len(body), socket.IPPROTO_ICMPV6)
    message = head[:2] + struct.pack("!H", checksum(pseudo + head + body)) + body
    return ipv6(source, target, socket.IPPROTO_ICMPV6, message)


def neighbour(
    source: str, target: str, kind: int, about: str, option: tuple[int, str] | None = None
) -> bytes:
    """A neighbour solicitation or advertisement about an address, with one link-layer option or none."""
    flags = 0x60000000 if kind == NA else 0
    tail = struct.pack("!BB", option[0], 1) + mac(option[1]) if option else b""
    return icmpv6(source, target, kind, struct.pack("!I", flags) + ip(about) + tail)


def router_advertisement(source: str) -> bytes:
    return icmpv6(source, "ff02::1", RA, struct.pack("!BBHII", 64, 0, 1800, 0, 0))


def group_mac(address: str) -> str:
    """The Ethernet group of an IPv6 multicast address."""
    return ":".join(f"{byte:02x}" for byte in b"\x33\x33" + ip(address)[-4:])


def solicited_node(address: str) -> str:
    return str(ipaddress.IPv6Address(ip("ff02::1:ff00:0")[:13] + ip(address)[-3:]))


def echo(kind: int) -> bytes:
    """A ping; for ICMPv6 the kernel writes the checksum."""
    head = struct.pack("!BBHHH", kind, 0, 0, 4711, 1)
    return head[:2] + struct.pack("!H", checksum(head)) + head[4:]


def unreachable(source: str, target: str, quoted: bytes) -> bytes:
    """A whole IPv4 packet that says: nothing listens where the quoted one was sent."""
    body = bytes(4) + quoted
    message = b"\x03\x03" + struct.pack("!H", checksum(b"\x03\x03\0\0" + body)) + body
    return ipv4(source, target, socket.IPPROTO_ICMP, message)
