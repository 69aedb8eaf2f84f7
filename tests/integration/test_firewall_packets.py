"""What a container can't send, and what nobody but its owner gets: real frames against the real rules.

Every case sends two frames from the same container: the bad one, then an honest one of the same kind. When the honest
one has arrived, the bad one would have, too.
"""

import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from skerry.model.addresses import Addresses
from skerry.parts.firewall import link_local
from tests.integration.frames import (
    ARP,
    BROADCAST,
    IPV4,
    IPV6,
    NA,
    NS,
    REDIRECT,
    SOURCE_MAC,
    TARGET_MAC,
    arp,
    ethernet,
    group_mac,
    icmpv6,
    ip,
    ipv4,
    ipv6,
    neighbour,
    router_advertisement,
    solicited_node,
    tagged,
    udp,
)
from tests.integration.namespaces import GATEWAY4, GATEWAY6, HOST, Net, Wire, inside, listen, run

BRIDGE_MAC = "02:5e:00:00:00:00"
UDP = 17
RESERVED = "01:80:c2:00:00:03"  # a group that no bridge forwards


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    """Containers 1 and 2 are known to the firewall, container 3 is not."""
    built = Net("skfw-packets")
    built.up()
    try:
        with inside(built.host):
            built.port(1, 1071).make(HOST)
            built.port(2, 1071).make(HOST)
        yield built
    finally:
        built.down()


@dataclass(frozen=True)
class Wires:
    """The attacker's own wire, the host's bridge, and what the neighbours can hear."""

    attacker: Wire
    host: Wire
    neighbours: tuple[Wire, ...]

    def heard_by(self, token: bytes) -> list[str]:
        ears = {"host": self.host, **{f"neighbour {i}": wire for i, wire in enumerate(self.neighbours, 2)}}
        return [name for name, wire in ears.items() if wire.saw(token)]


@pytest.fixture
def wires(net: Net) -> Iterator[Wires]:
    ends = [Wire(net.container(1), "eth0"), Wire(net.host, HOST.bridge)]
    ends += [Wire(net.container(slot), "eth0") for slot in (2, 3)]
    yield Wires(ends[0], ends[1], tuple(ends[2:]))
    for end in ends:
        end.close()


def v4(source: str, target: str = GATEWAY4, sport: int = 4000, dport: int = 53) -> bytes:
    return ipv4(source, target, UDP, udp(source, target, sport, dport))


def v6(source: str, target: str = GATEWAY6, sport: int = 4000, dport: int = 53) -> bytes:
    return ipv6(source, target, UDP, udp(source, target, sport, dport))


def frame(source_mac: str, kind: int, payload: bytes, target_mac: str = BRIDGE_MAC) -> bytes:
    return ethernet(source_mac, target_mac, kind, payload)


def nd(own: Addresses, packet: bytes) -> bytes:
    return frame(own.mac, IPV6, packet)


Case = Callable[[Addresses, Addresses], tuple[bytes, bytes]]


def _honest_v4(me: Addresses) -> bytes:
    return frame(me.mac, IPV4, v4(me.ipv4))


def _redirect(me: Addresses) -> bytes:
    return icmpv6(str(link_local(me.mac)), "ff02::1", REDIRECT, bytes(4) + ip(GATEWAY6) + ip(GATEWAY6))


def _advert(me: Addresses, about: str, mac: str) -> bytes:
    return nd(me, neighbour(me.ipv6, GATEWAY6, NA, about, (TARGET_MAC, mac)))


def _solicit(me: Addresses, source: str, mac: str) -> bytes:
    packet = neighbour(source, solicited_node(GATEWAY6), NS, GATEWAY6, (SOURCE_MAC, mac))
    return frame(me.mac, IPV6, packet, group_mac(solicited_node(GATEWAY6)))


def _dad(me: Addresses, about: str) -> bytes:
    group = solicited_node(about)
    return frame(me.mac, IPV6, neighbour("::", group, NS, about), group_mac("ff02::1"))


def _two_options(me: Addresses, other: Addresses) -> bytes:
    """An advertisement whose first option is honest and whose second is not."""
    body = b"\x60\0\0\0" + ip(me.ipv6)
    for mac in (me.mac, other.mac):
        body += bytes([TARGET_MAC, 1]) + bytes.fromhex(mac.replace(":", ""))
    return nd(me, icmpv6(me.ipv6, GATEWAY6, NA, body))


CASES: dict[str, tuple[str, Case]] = {
    "MAC of a neighbour": (
        "foreign MAC",
        lambda me, other: (frame(other.mac, IPV4, v4(me.ipv4)), _honest_v4(me)),
    ),
    "MAC of nobody": (
        "foreign MAC",
        lambda me, _: (frame("02:00:00:00:00:99", IPV4, v4(me.ipv4)), _honest_v4(me)),
    ),
    "MAC of the host": ("foreign MAC", lambda me, _: (frame(BRIDGE_MAC, IPV4, v4(me.ipv4)), _honest_v4(me))),
    "IPv4 of a neighbour": (
        "foreign IPv4",
        lambda me, other: (frame(me.mac, IPV4, v4(other.ipv4)), _honest_v4(me)),
    ),
    "IPv4 of the host": ("foreign IPv4", lambda me, _: (frame(me.mac, IPV4, v4(GATEWAY4)), _honest_v4(me))),
    "IPv4 of an outsider": (
        "foreign IPv4",
        lambda me, _: (frame(me.mac, IPV4, v4("203.0.113.2")), _honest_v4(me)),
    ),
    "IPv4 unspecified": ("foreign IPv4", lambda me, _: (frame(me.mac, IPV4, v4("0.0.0.0")), _honest_v4(me))),
    "IPv6 of a neighbour": (
        "foreign IPv6",
        lambda me, other: (frame(me.mac, IPV6, v6(other.ipv6)), frame(me.mac, IPV6, v6(me.ipv6))),
    ),
    "IPv6 of the host": (
        "foreign IPv6",
        lambda me, _: (frame(me.mac, IPV6, v6(GATEWAY6)), frame(me.mac, IPV6, v6(me.ipv6))),
    ),
    "link-local of a neighbour": (
        "foreign IPv6",
        lambda me, other: (
            frame(me.mac, IPV6, v6(str(link_local(other.mac)))),
            frame(me.mac, IPV6, v6(str(link_local(me.mac)))),
        ),
    ),
    "IPv6 unspecified, not DAD": (
        "unspecified source",
        lambda me, _: (frame(me.mac, IPV6, v6("::")), frame(me.mac, IPV6, v6(me.ipv6))),
    ),
    "ARP answer for a neighbour": (
        "foreign ARP",
        lambda me, other: (
            frame(me.mac, ARP, arp(2, me.mac, other.ipv4, GATEWAY4)),
            frame(me.mac, ARP, arp(2, me.mac, me.ipv4, GATEWAY4)),
        ),
    ),
    "ARP answer for the host": (
        "foreign ARP",
        lambda me, _: (
            frame(me.mac, ARP, arp(2, me.mac, GATEWAY4, GATEWAY4), BROADCAST),
            frame(me.mac, ARP, arp(2, me.mac, me.ipv4, GATEWAY4), BROADCAST),
        ),
    ),
    "ARP question with another's MAC": (
        "foreign ARP",
        lambda me, other: (
            frame(me.mac, ARP, arp(1, other.mac, me.ipv4, GATEWAY4)),
            frame(me.mac, ARP, arp(1, me.mac, me.ipv4, GATEWAY4)),
        ),
    ),
    "neighbour advertisement for a neighbour": (
        "foreign advertisement",
        lambda me, other: (_advert(me, other.ipv6, me.mac), _advert(me, me.ipv6, me.mac)),
    ),
    "neighbour advertisement for the host": (
        "foreign advertisement",
        lambda me, _: (_advert(me, GATEWAY6, me.mac), _advert(me, me.ipv6, me.mac)),
    ),
    "neighbour advertisement, foreign MAC": (
        "foreign advertisement",
        lambda me, other: (_advert(me, me.ipv6, other.mac), _advert(me, me.ipv6, me.mac)),
    ),
    "neighbour advertisement, second option": (
        "foreign advertisement",
        lambda me, other: (_two_options(me, other), _advert(me, me.ipv6, me.mac)),
    ),
    "neighbour solicitation, foreign MAC": (
        "foreign solicitation",
        lambda me, other: (_solicit(me, me.ipv6, other.mac), _solicit(me, me.ipv6, me.mac)),
    ),
    "neighbour solicitation from a neighbour": (
        "foreign IPv6",
        lambda me, other: (_solicit(me, other.ipv6, me.mac), _solicit(me, me.ipv6, me.mac)),
    ),
    "DAD for a neighbour's address": (
        "unspecified source",
        lambda me, other: (_dad(me, other.ipv6), _dad(me, me.ipv6)),
    ),
    "router advertisement": (
        "router message",
        lambda me, _: (
            frame(me.mac, IPV6, router_advertisement(str(link_local(me.mac))), group_mac("ff02::1")),
            _solicit(me, str(link_local(me.mac)), me.mac),
        ),
    ),
    "redirect": ("router message", lambda me, _: (nd(me, _redirect(me)), _advert(me, me.ipv6, me.mac))),
    "DHCP offer": (
        "DHCP server",
        lambda me, _: (
            frame(me.mac, IPV4, v4(me.ipv4, "255.255.255.255", 67, 68), BROADCAST),
            frame(me.mac, IPV4, v4(me.ipv4, "255.255.255.255", 4000, 68), BROADCAST),
        ),
    ),
    "DHCPv6 offer": (
        "DHCPv6 server",
        lambda me, _: (
            frame(me.mac, IPV6, v6(str(link_local(me.mac)), "ff02::1", 547, 546), group_mac("ff02::1")),
            frame(me.mac, IPV6, v6(str(link_local(me.mac)), "ff02::1", 4000, 546), group_mac("ff02::1")),
        ),
    ),
    "VLAN tag": ("other ethertype", lambda me, _: (tagged(_honest_v4(me), 7), _honest_v4(me))),
    "VLAN tag of priority only": (
        "other ethertype",
        lambda me, _: (tagged(_honest_v4(me), 0), _honest_v4(me)),
    ),
    "two VLAN tags": (
        "other ethertype",
        lambda me, _: (tagged(tagged(_honest_v4(me), 7), 8), _honest_v4(me)),
    ),
    "802.3 length instead of a type": (
        "other ethertype",
        lambda me, _: (frame(me.mac, 60, b"\xaa\xaa\x03" + bytes(57)), _honest_v4(me)),
    ),
    "MPLS": ("other ethertype", lambda me, _: (frame(me.mac, 0x8847, v4(me.ipv4)), _honest_v4(me))),
    "PPPoE": ("other ethertype", lambda me, _: (frame(me.mac, 0x8863, bytes(46)), _honest_v4(me))),
    "spanning tree": (
        "other ethertype",
        lambda me, _: (frame(me.mac, 39, b"\x42\x42\x03" + bytes(36), "01:80:c2:00:00:00"), _honest_v4(me)),
    ),
    "IPv4 to a reserved group": (
        "reserved group",
        lambda me, _: (frame(me.mac, IPV4, v4(me.ipv4), RESERVED), _honest_v4(me)),
    ),
    "straight to a neighbour, IPv4": (
        "port to port",
        lambda me, other: (frame(me.mac, IPV4, v4(me.ipv4, other.ipv4), other.mac), _honest_v4(me)),
    ),
    "straight to a neighbour, IPv6": (
        "port to port",
        lambda me, other: (
            frame(me.mac, IPV6, v6(me.ipv6, other.ipv6), other.mac),
            frame(me.mac, IPV6, v6(me.ipv6)),
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_is_dropped_by_its_rule_and_the_honest_one_arrives(net: Net, wires: Wires, name: str) -> None:
    rule, case = CASES[name]
    bad, honest = case(net.slots[1], net.slots[2])
    bad_token, honest_token = secrets.token_bytes(12), secrets.token_bytes(12)
    before = net.counters()[rule]
    wires.attacker.send(bad + bad_token)
    wires.attacker.send(honest + honest_token)
    assert wires.host.waits_for(honest_token), "the honest frame did not arrive"
    assert wires.heard_by(bad_token) == []
    assert net.counters()[rule] > before


@pytest.mark.parametrize("kind", ["solicitation", "advertisement"])
def test_neighbour_messages_without_an_option_arrive(net: Net, wires: Wires, kind: str) -> None:
    me, token = net.slots[1], secrets.token_bytes(12)
    packets = {
        "solicitation": neighbour(me.ipv6, GATEWAY6, NS, GATEWAY6),
        "advertisement": neighbour(me.ipv6, GATEWAY6, NA, me.ipv6),
    }
    wires.attacker.send(nd(me, packets[kind]) + token)
    assert wires.host.waits_for(token)


def test_another_port_of_the_bridge_does_not_reach_a_container(net: Net, wires: Wires) -> None:
    """Whoever puts a port of his own on the bridge talks to the host only."""
    run("ip", "-n", net.host, "link", "add", "other0", "type", "veth", "peer", "name", "other1")
    for line in ("other0 master skerry0 up", "other1 up"):
        run("ip", "-n", net.host, "link", "set", *line.split())
    other, stray, honest = Wire(net.host, "other1"), secrets.token_bytes(12), secrets.token_bytes(12)
    mac, me = "02:00:00:00:00:77", net.slots[1]
    before = net.counters()["other to port"]
    other.send(frame(mac, IPV4, v4(GATEWAY4, me.ipv4), me.mac) + stray)
    other.send(frame(mac, IPV4, v4(GATEWAY4, me.ipv4)) + honest)
    assert wires.host.waits_for(honest)
    assert not wires.attacker.saw(stray)
    assert net.counters()["other to port"] > before
    other.close()
    run("ip", "-n", net.host, "link", "del", "other0")


@pytest.mark.parametrize("payload", ["ARP", "IPv4", "IPv6"])
def test_what_a_container_shouts_only_the_host_hears(net: Net, wires: Wires, payload: str) -> None:
    me, token = net.slots[1], secrets.token_bytes(12)
    frames = {
        "ARP": frame(me.mac, ARP, arp(1, me.mac, me.ipv4, net.slots[2].ipv4), BROADCAST),
        "IPv4": frame(me.mac, IPV4, v4(me.ipv4, "255.255.255.255"), BROADCAST),
        "IPv6": frame(me.mac, IPV6, v6(me.ipv6, "ff02::1"), group_mac("ff02::1")),
    }
    wires.attacker.send(frames[payload] + token)
    assert wires.host.waits_for(token)
    assert wires.heard_by(token) == ["host"]


def test_what_the_bridge_floods_reaches_only_its_owner(net: Net, wires: Wires) -> None:
    """A bridge that has forgotten a MAC sends the frame to every port."""
    me, token = net.slots[1], secrets.token_bytes(12)
    with inside(net.host):
        run("bridge", "fdb", "flush", "dev", HOST.bridge, "dynamic")
    wires.host.send(frame(BRIDGE_MAC, IPV4, v4(GATEWAY4, me.ipv4), me.mac) + token)
    assert wires.attacker.waits_for(token), "its owner did not get it"
    assert wires.heard_by(token) == []


def test_a_frame_to_a_reserved_group_does_not_reach_the_host_around_the_rules(net: Net, wires: Wires) -> None:
    """Such frames skip the bridge's prerouting and surface on the port's own interface."""
    me = net.slots[1]
    with listen(net.host, 53, kind=socket.SOCK_DGRAM) as server:
        for target, token in ((RESERVED, b"by the reserved group"), (BRIDGE_MAC, b"by the front door")):
            packet = ipv4(me.ipv4, GATEWAY4, UDP, udp(me.ipv4, GATEWAY4, 4000, 53, token))
            wires.attacker.send(frame(me.mac, IPV4, packet, target))
        assert server.recv(100) == b"by the front door"


@pytest.mark.parametrize("target", [BRIDGE_MAC, RESERVED])
def test_the_bridge_does_not_learn_a_stolen_mac(net: Net, wires: Wires, target: str) -> None:
    me, victim, token = net.slots[1], net.slots[2], secrets.token_bytes(12)
    wires.attacker.send(frame(victim.mac, IPV4, v4(victim.ipv4), target))
    wires.attacker.send(_honest_v4(me) + token)
    assert wires.host.waits_for(token)
    with inside(net.host):
        learned = run("bridge", "fdb", "show", "br", HOST.bridge).splitlines()
    assert [line for line in learned if line.startswith(me.mac) and "dev sk1" in line], (
        "nothing was learned at all"
    )
    assert not [line for line in learned if line.startswith(victim.mac) and "dev sk1" in line]


def test_a_container_without_entries_says_nothing(net: Net, wires: Wires) -> None:
    """The rules deny by default: a port that the engine has not let in yet is silent."""
    stranger, token, honest = net.slots[3], secrets.token_bytes(12), secrets.token_bytes(12)
    wires.neighbours[1].send(frame(stranger.mac, IPV4, v4(stranger.ipv4)) + token)
    wires.attacker.send(_honest_v4(net.slots[1]) + honest)
    assert wires.host.waits_for(honest)
    assert not wires.host.saw(token)
