"""Who may talk to whom: real connections between a host, its containers and an internet, by the real rules."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.integration.frames import IPV4, IPV6, ethernet, group_mac, icmpv6, ipv4, ipv6, tcp, udp
from tests.integration.namespaces import (
    FORBIDDEN,
    GATEWAY4,
    GATEWAY6,
    HOST,
    INTERNET4,
    INTERNET6,
    OTHER_UID,
    PROXY_UID,
    UPLINK4,
    UPLINK6,
    Net,
    Wire,
    connect,
    echoes,
    eventually,
    inside,
    link_local_of,
    listen,
    mac_of,
    reaches,
    tcp_states,
)

SERVICE, UNDECLARED = 1071, 8080
UDP = socket.IPPROTO_UDP
LAST_ACK = 9  # include/net/tcp_states.h: it waits for the answer to its last packet
FAMILIES = ["IPv4", "IPv6"]


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    """Containers 1 and 2 are known to the firewall, container 3 is not. Everybody listens on everything."""
    built = Net("skfw-policy")
    built.up()
    try:
        with inside(built.host):
            built.port(1, SERVICE).make(HOST)
            built.port(2, SERVICE).make(HOST)
        yield built
    finally:
        built.down()


@pytest.fixture(scope="module", autouse=True)
def servers(net: Net) -> Iterator[None]:
    ports = (22, 25, 53, 80, 443, SERVICE, UNDECLARED)
    places = [net.host, net.internet, *map(net.container, net.slots)]
    everything = [listen(place, port) for place in places for port in ports]
    yield
    for server in everything:
        server.close()


def of(net: Net, slot: int, family: str) -> str:
    return net.slots[slot].ipv4 if family == "IPv4" else net.slots[slot].ipv6


def pick(family: str, v4: str, v6: str) -> str:
    return v4 if family == "IPv4" else v6


# ---- out of a container


@pytest.mark.parametrize("family", FAMILIES)
def test_a_container_reaches_the_internet_by_the_host_s_address(net: Net, family: str) -> None:
    with (
        listen(net.internet, 8443) as server,
        connect(net.container(1), pick(family, INTERNET4, INTERNET6), 8443),
    ):
        accepted, (peer, *_) = server.accept()
        accepted.close()
    assert peer.removeprefix("::ffff:") == pick(family, UPLINK4, UPLINK6)


@pytest.mark.parametrize("family", FAMILIES)
def test_udp_goes_out_and_the_answer_comes_back(net: Net, family: str) -> None:
    kind = socket.AF_INET if family == "IPv4" else socket.AF_INET6
    with inside(net.container(1)):
        client = socket.socket(kind, socket.SOCK_DGRAM)
    with client, listen(net.internet, 443, socket.SOCK_DGRAM) as server:
        client.settimeout(15)
        client.sendto(b"question", (pick(family, INTERNET4, INTERNET6), 443))
        server.sendto(b"answer", server.recvfrom(100)[1])
        assert client.recv(100) == b"answer"


@pytest.mark.parametrize("address", FORBIDDEN)
def test_metadata_and_private_ranges_are_denied(net: Net, address: str) -> None:
    assert reaches(net.host, address, 80), "nothing answers there, so the test would prove nothing"
    assert not reaches(net.container(1), address, 80)


@pytest.mark.parametrize("family", FAMILIES)
def test_mail_is_denied(net: Net, family: str) -> None:
    target = pick(family, INTERNET4, INTERNET6)
    assert reaches(net.container(1), target, 80)
    assert not reaches(net.container(1), target, 25)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_denial_is_told(net: Net, family: str) -> None:
    """An error and not silence; the kernel may hear it only when it repeats its first packet, after a second."""
    with pytest.raises(OSError, match=r"No route to host|Permission denied"):
        connect(net.container(1), pick(family, INTERNET4, INTERNET6), 25)


def test_what_conntrack_calls_invalid_does_not_leave_with_its_inner_address(net: Net) -> None:
    own, gateway = net.slots[1], mac_of(net.host, HOST.bridge)
    inner, outer = Wire(net.container(1), "eth0"), Wire(net.internet, "eth0")
    syn_and_fin = tcp(own.ipv4, INTERNET4, 4000, 80, 0x03, b"invalid, so never translated")
    honest = udp(own.ipv4, INTERNET4, 4000, 443, b"valid and translated")
    inner.send(ethernet(own.mac, gateway, IPV4, ipv4(own.ipv4, INTERNET4, socket.IPPROTO_TCP, syn_and_fin)))
    inner.send(ethernet(own.mac, gateway, IPV4, ipv4(own.ipv4, INTERNET4, UDP, honest)))
    assert outer.waits_for(b"valid and translated")
    assert not outer.saw(b"never translated")
    inner.close()
    outer.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unknown_container_reaches_nothing(net: Net, family: str) -> None:
    assert not reaches(net.container(3), pick(family, INTERNET4, INTERNET6), 80)
    assert not reaches(net.container(3), pick(family, GATEWAY4, GATEWAY6), 53)


# ---- to the host


@pytest.mark.parametrize("family", FAMILIES)
def test_a_container_reaches_dns_and_ping_of_its_gateway(net: Net, family: str) -> None:
    gateway = pick(family, GATEWAY4, GATEWAY6)
    assert reaches(net.container(1), gateway, 53)
    assert echoes(net.container(1), gateway)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("port", [22, 80, 443, SERVICE])
def test_a_container_reaches_nothing_else_of_the_host(net: Net, family: str, port: int) -> None:
    assert not reaches(net.container(1), pick(family, GATEWAY4, GATEWAY6), port)
    assert not reaches(net.container(1), pick(family, UPLINK4, UPLINK6), port)


@pytest.mark.parametrize("family", FAMILIES)
def test_dns_is_on_the_bridge_only(net: Net, family: str) -> None:
    assert not reaches(net.container(1), pick(family, UPLINK4, UPLINK6), 53)


@pytest.mark.parametrize("family", FAMILIES)
def test_outsiders_reach_ssh_https_and_ping(net: Net, family: str) -> None:
    uplink = pick(family, UPLINK4, UPLINK6)
    found = [port for port in (22, 25, 53, 80, 443, SERVICE) if reaches(net.internet, uplink, port)]
    assert found == [22, 443]
    assert echoes(net.internet, uplink)


def test_the_host_reaches_itself(net: Net) -> None:
    assert [reaches(net.host, address, UNDECLARED) for address in ("127.0.0.1", "::1", UPLINK4)] == [True] * 3


@pytest.mark.parametrize(("source", "target", "ports"), [
    ("203.0.113.2", "255.255.255.255", (67, 68)),
    ("fe80::2", "", (547, 546)),
])  # fmt: skip
def test_the_host_hears_its_dhcp_server(net: Net, source: str, target: str, ports: tuple[int, int]) -> None:
    """Broadcast and link-local answers belong to no flow that conntrack knows."""
    uplink4, uplink6 = Wire(net.internet, "eth0"), link_local_of(net.host, "up0")
    message = udp(source, target or uplink6, *ports, b"your address")
    packet = ipv6(source, uplink6, UDP, message) if ":" in source else ipv4(source, target, UDP, message)
    with listen(net.host, ports[1], socket.SOCK_DGRAM) as client:
        uplink4.send(
            ethernet("02:00:00:00:00:02", mac_of(net.host, "up0"), IPV6 if ":" in source else IPV4, packet)
        )
        assert client.recv(100) == b"your address"
    uplink4.close()


def test_the_host_answers_queries_for_its_multicast_groups(net: Net) -> None:
    """A switch that hears no report stops passing neighbour solicitations on."""
    query = icmpv6("fe80::2", "ff02::1", 130, bytes([0, 1, 0, 0]) + bytes(16))
    dropped = []
    with contextlib.closing(Wire(net.internet, "eth0")) as wire:
        for _ in range(3):  # other packets are dropped now and then; a query that is not let in, each time
            before = net.counters()["host policy"]
            wire.send(ethernet("02:00:00:00:00:02", group_mac("ff02::1"), IPV6, query))
            assert reaches(net.internet, UPLINK4, 443), "later packets have arrived"
            dropped.append(net.counters()["host policy"] - before)
    assert 0 in dropped


# ---- into a container


@pytest.mark.parametrize("family", FAMILIES)
def test_the_proxy_and_root_reach_a_service_and_nobody_else_does(net: Net, family: str) -> None:
    reached = {
        uid: reaches(net.host, of(net, 1, family), SERVICE, uid=uid) for uid in (PROXY_UID, 0, OTHER_UID)
    }
    assert reached == {PROXY_UID: True, 0: True, OTHER_UID: False}


def test_a_closed_connection_ends_on_both_sides(net: Net) -> None:
    """The kernel's last answer comes from no socket, so from no account."""
    with listen(net.container(2), 9999) as server:
        with inside(net.host):
            net.port(2, SERVICE, 9999).make(HOST)
        client = connect(net.host, net.slots[2].ipv4, 9999, uid=PROXY_UID)
        inner = server.accept()[0]
        client.close()
        inner.close()
        assert eventually(lambda: LAST_ACK not in tcp_states(net.container(2), 9999))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_proxy_reaches_no_undeclared_port(net: Net, family: str) -> None:
    assert not reaches(net.host, of(net, 1, family), UNDECLARED, uid=PROXY_UID)
    assert not echoes(net.host, of(net, 1, family))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_outsider_reaches_no_container(net: Net, family: str) -> None:
    assert reaches(net.host, of(net, 1, family), SERVICE, uid=PROXY_UID)
    before = net.counters()["outside to container"]
    assert not reaches(net.internet, of(net, 1, family), SERVICE)
    assert net.counters()["outside to container"] > before


@pytest.mark.parametrize("family", FAMILIES)
def test_containers_do_not_reach_each_other_by_way_of_the_host(net: Net, family: str) -> None:
    target = of(net, 2, family)
    assert reaches(net.host, target, SERVICE, uid=PROXY_UID)
    before = net.counters()["east-west"]
    assert not reaches(net.container(1), target, SERVICE)
    assert net.counters()["east-west"] > before


@pytest.mark.parametrize("family", FAMILIES)
def test_containers_do_not_reach_each_other_directly(net: Net, family: str) -> None:
    assert not reaches(net.container(2), of(net, 1, family), SERVICE)
