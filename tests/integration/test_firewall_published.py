"""Published ports of the host: real packets by the real rules, in both directions, by both families."""

import contextlib
import dataclasses
import socket
from collections.abc import Iterator

import pytest

from skerry.host import nft
from skerry.parts.firewall import FirewallEntry, replace_all, slots
from tests.integration.namespaces import (
    HOST,
    INTERNET4,
    INTERNET6,
    UPLINK4,
    UPLINK6,
    Net,
    connect,
    inside,
    listen,
    reaches,
    run,
    standing,
)

PORT, OTHER, HOST_PORT = 5432, 5433, 15_432
FAMILIES = ["IPv4", "IPv6"]


@pytest.fixture(scope="module")
def standing_net() -> Iterator[Net]:
    with standing("skfw-pub") as built, contextlib.ExitStack() as stack:
        for slot in built.slots:
            for port in (PORT, OTHER):
                stack.enter_context(listen(built.container(slot), port))
        yield built


@pytest.fixture
def net(standing_net: Net) -> Iterator[Net]:
    """Containers 1 to 3, of which nobody publishes anything; this thread is inside the host's namespace."""
    with inside(standing_net.host):
        replace_all(standing_net.port(slot) for slot in standing_net.slots)
        yield standing_net


def publish(net: Net, slot: int, *published: tuple[str, int, int]) -> FirewallEntry:
    """Have a container publish exactly these: protocol, port of the host, port of its own."""
    entry = dataclasses.replace(net.port(slot), published=published)
    entry.make(HOST)
    return entry


def host_of(family: str) -> str:
    return UPLINK4 if family == "IPv4" else UPLINK6


def own_of(net: Net, slot: int, family: str) -> str:
    return net.slots[slot].ipv4 if family == "IPv4" else net.slots[slot].ipv6


def open_ports(net: Net, family: str) -> set[int]:
    """Ports of the host, of those that matter, that an outsider can connect to."""
    return {port for port in (PORT, OTHER, HOST_PORT) if reaches(net.internet, host_of(family), port)}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_declared_passes_and_nothing_else(net: Net, family: str) -> None:
    assert open_ports(net, family) == set()
    publish(net, 1, ("tcp", HOST_PORT, PORT))
    assert open_ports(net, family) == {HOST_PORT}
    publish(net, 1, ("tcp", HOST_PORT, PORT), ("tcp", OTHER, OTHER))
    assert open_ports(net, family) == {HOST_PORT, OTHER}
    publish(net, 1)
    assert open_ports(net, family) == set()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_container_s_own_address_stays_closed(net: Net, family: str) -> None:
    """Who routes to it by hand reaches nothing, not even at the port that is published."""
    publish(net, 1, ("tcp", PORT, PORT))
    assert reaches(net.internet, host_of(family), PORT)
    assert not reaches(net.internet, own_of(net, 1, family), PORT)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_port_leads_to_its_own_container_which_sees_who_asks(net: Net, family: str) -> None:
    publish(net, 1, ("tcp", 7001, 7000))
    publish(net, 2, ("tcp", 7002, 7000))
    asker = INTERNET4 if family == "IPv4" else INTERNET6
    for slot in (1, 2):
        with (
            listen(net.container(slot), 7000) as server,
            connect(net.internet, host_of(family), 7000 + slot) as client,
        ):
            accepted, (peer, *_) = server.accept()
            with accepted:
                accepted.sendall(b"answer")
                assert client.recv(10) == b"answer"
        assert peer.removeprefix("::ffff:") == asker


@pytest.mark.parametrize("family", FAMILIES)
def test_a_container_gets_out_no_more_than_before(net: Net, family: str) -> None:
    """It answers at its published port, and begins nothing there: not even from that port."""
    publish(net, 1, ("tcp", 7003, 7003))
    with listen(net.internet, 25), inside(net.container(1)):
        asker = socket.socket(socket.AF_INET if family == "IPv4" else socket.AF_INET6, socket.SOCK_STREAM)
        with asker:
            asker.settimeout(1.5)
            asker.bind((own_of(net, 1, family), 7003))
            with pytest.raises(OSError):  # noqa: PT011 - refused, or not answered
                asker.connect((INTERNET4 if family == "IPv4" else INTERNET6, 25))


@pytest.mark.parametrize("family", FAMILIES)
def test_neighbours_and_the_host_itself_gain_nothing(net: Net, family: str) -> None:
    publish(net, 1, ("tcp", PORT, PORT))
    gateway = "10.90.0.1" if family == "IPv4" else "fd5e:6b65:7279::1"
    for target in (host_of(family), gateway, own_of(net, 1, family)):
        assert not reaches(net.container(2), target, PORT)
    assert not reaches(net.host, own_of(net, 1, family), PORT)


def udp(net: Net, family: str) -> socket.socket:
    with inside(net.internet):
        made = socket.socket(socket.AF_INET if family == "IPv4" else socket.AF_INET6, socket.SOCK_DGRAM)
    made.settimeout(1)
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_udp_passes_and_is_answered_from_the_host_s_address(net: Net, family: str) -> None:
    publish(net, 1, ("udp", 5353, 53))
    with listen(net.container(1), 53, socket.SOCK_DGRAM) as server, udp(net, family) as client:
        client.connect((host_of(family), 5353))
        client.send(b"question")
        server.sendto(b"answer", server.recvfrom(100)[1])
        assert client.recv(100) == b"answer"
    assert not reaches(net.internet, host_of(family), 5353), "tcp is not udp"


@pytest.mark.parametrize("family", FAMILIES)
def test_udp_goes_to_the_other_container_at_once(net: Net, family: str) -> None:
    """The same client, from the same port: the kernel forgets where its packets went before."""
    publish(net, 1, ("udp", 5354, 53))
    with (
        listen(net.container(1), 53, socket.SOCK_DGRAM) as first,
        listen(net.container(2), 53, socket.SOCK_DGRAM) as second,
        udp(net, family) as client,
    ):
        client.connect((host_of(family), 5354))
        client.send(b"one")
        peer = first.recvfrom(100)[1]
        publish(net, 1)
        first.sendto(b"late answer", peer)
        with pytest.raises(TimeoutError):
            client.recv(100)
        publish(net, 2, ("udp", 5354, 53))
        client.send(b"two")
        assert second.recv(100) == b"two"


@pytest.mark.parametrize("speaker", ["who asked", "who was asked"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_published_no_more_ends_what_is_open(net: Net, family: str, speaker: str) -> None:
    publish(net, 1, ("tcp", 7004, 7004))
    with (
        listen(net.container(1), 7004) as server,
        connect(net.internet, host_of(family), 7004) as client,
    ):
        inner = server.accept()[0]
        client.sendall(b"before")
        assert inner.recv(10) == b"before"
        publish(net, 1)
        with inner, pytest.raises(ConnectionResetError):
            _talk(client if speaker == "who asked" else inner)


def _talk(end: socket.socket) -> None:
    """Say something again and again, for five seconds."""
    end.settimeout(0.1)
    for _ in range(50):
        end.sendall(b"after")
        with contextlib.suppress(TimeoutError):
            end.recv(10)


def test_another_port_does_not_disturb_what_is_open(net: Net) -> None:
    publish(net, 1, ("tcp", 7005, 7005))
    with listen(net.container(1), 7005) as server, connect(net.internet, UPLINK4, 7005) as client:
        inner = server.accept()[0]
        publish(net, 1, ("tcp", 7005, 7005), ("tcp", OTHER, OTHER))
        publish(net, 1, ("tcp", 7005, 7005))
        publish(net, 2, ("tcp", OTHER, OTHER))
        with inner:
            client.sendall(b"still there")
            assert inner.recv(20) == b"still there"


@pytest.mark.parametrize("family", FAMILIES)
def test_another_port_of_the_same_container_takes_over(net: Net, family: str) -> None:
    publish(net, 1, ("udp", 5355, 53))
    with (
        listen(net.container(1), 53, socket.SOCK_DGRAM) as first,
        listen(net.container(1), 54, socket.SOCK_DGRAM) as second,
        udp(net, family) as client,
    ):
        client.connect((host_of(family), 5355))
        client.send(b"one")
        assert first.recv(10) == b"one"
        publish(net, 1, ("udp", 5355, 54))
        client.send(b"two")
        assert second.recv(10) == b"two"


@pytest.mark.parametrize("family", FAMILIES)
def test_ssh_and_the_proxy_stay_the_host_s(net: Net, family: str) -> None:
    """Whatever the maps say, as with a store from another host."""
    publish(net, 1, ("tcp", 22, PORT), ("tcp", 443, PORT))
    for port in (22, 443):
        assert not reaches(net.internet, host_of(family), port)
        with listen(net.host, port) as server, connect(net.internet, host_of(family), port):
            server.accept()[0].close()


def test_a_container_that_is_shut_out_publishes_nothing(net: Net) -> None:
    entry = publish(net, 1, ("tcp", PORT, PORT), ("udp", PORT, PORT))
    assert entry.exists(HOST)
    for _ in range(2):
        entry.remove(HOST)
        assert not entry.exists(HOST)
        assert not set(entry.elements()) & nft.elements("inet", "skerry")
    assert 1 not in slots(HOST)
    assert open_ports(net, "IPv4") == set()


def test_half_of_it_is_healed_and_half_of_it_is_removed(net: Net) -> None:
    entry = dataclasses.replace(net.port(1), published=(("tcp", PORT, OTHER), ("udp", 53, 53)))
    halves = [one for one in entry.elements() if one.set.startswith(("published", "admitted"))]
    assert len(halves) == 10
    for half in halves:
        entry.make(HOST)
        nft.change(remove=[half], add=[])
        assert not entry.exists(HOST)
        entry.make(HOST)
        assert entry.exists(HOST)


def test_it_survives_a_reload_and_comes_back_after_the_rules_were_lost(net: Net) -> None:
    entry = publish(net, 1, ("tcp", PORT, PORT))
    net.load()
    assert open_ports(net, "IPv4") == {PORT}
    run("nft", "flush", "ruleset")
    net.load()
    assert open_ports(net, "IPv4") == set()
    replace_all([entry, net.port(2)])
    assert open_ports(net, "IPv4") == open_ports(net, "IPv6") == {PORT}


def test_the_engine_s_start_ends_what_is_published_no_more(net: Net) -> None:
    publish(net, 1, ("udp", 5356, 53))
    with (
        listen(net.container(1), 53, socket.SOCK_DGRAM) as first,
        listen(net.container(2), 53, socket.SOCK_DGRAM) as second,
        udp(net, "IPv4") as client,
    ):
        client.connect((UPLINK4, 5356))
        client.send(b"one")
        assert first.recv(10) == b"one"
        replace_all([net.port(1), dataclasses.replace(net.port(2), published=(("udp", 5356, 53),))])
        client.send(b"two")
        assert second.recv(10) == b"two"


def test_the_number_of_rules_does_not_grow(net: Net) -> None:
    before = run("nft", "--stateless", "--terse", "list", "table", "inet", "skerry")
    publish(net, 1, *(("tcp", port, port) for port in range(2000, 2064)))
    assert run("nft", "--stateless", "--terse", "list", "table", "inet", "skerry") == before
