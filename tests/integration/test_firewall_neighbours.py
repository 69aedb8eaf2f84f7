"""Who of the containers may talk to whom: real connections by the real rules, in both directions and by both families."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from skerry.host import nft
from skerry.parts.firewall import replace_all
from skerry.parts.neighbours import Reach
from tests.integration import frames
from tests.integration.namespaces import (
    HOST,
    Net,
    Wire,
    connect,
    echoes,
    eventually,
    inside,
    listen,
    mac_of,
    reaches,
    run,
    standing,
)

PORT, OTHER = 5432, 5433
FAMILIES = ["IPv4", "IPv6"]


@pytest.fixture(scope="module")
def standing_net() -> Iterator[Net]:
    with standing("skfw-near") as built:
        for slot in built.slots:
            built.port(slot).make(HOST)
        with contextlib.ExitStack() as stack:
            for slot in built.slots:
                for port in (PORT, OTHER):
                    stack.enter_context(listen(built.container(slot), port))
            yield built


@pytest.fixture
def net(standing_net: Net) -> Iterator[Net]:
    """Containers 1 to 3, of which nobody reaches anybody yet; this thread is inside the host's namespace."""
    with inside(standing_net.host):
        replace_all(standing_net.port(slot) for slot in standing_net.slots)
        yield standing_net


def reach(net: Net, source: int, target: int, port: int = PORT, protocol: str = "tcp") -> Reach:
    own, other = net.slots[source], net.slots[target]
    name = f"c{target}:{port}"
    return Reach(f"c{source}", name, own.ipv4, own.ipv6, other.ipv4, other.ipv6, protocol, port)


def of(net: Net, slot: int, family: str) -> str:
    return net.slots[slot].ipv4 if family == "IPv4" else net.slots[slot].ipv6


def open_ways(net: Net, family: str) -> set[tuple[int, int, int]]:
    """Every way that is open between two containers: from, to, port."""
    return {
        (source, target, port)
        for source in net.slots
        for target in net.slots
        for port in (PORT, OTHER)
        if source != target and reaches(net.container(source), of(net, target, family), port)
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_declared_passes_and_nothing_else(net: Net, family: str) -> None:
    assert open_ways(net, family) == set()
    reach(net, 1, 2).make(HOST)
    assert open_ways(net, family) == {(1, 2, PORT)}
    assert not echoes(net.container(1), of(net, 2, family))


@pytest.mark.parametrize("family", FAMILIES)
def test_two_may_reach_each_other(net: Net, family: str) -> None:
    reach(net, 1, 2).make(HOST)
    reach(net, 2, 1, OTHER).make(HOST)
    assert open_ways(net, family) == {(1, 2, PORT), (2, 1, OTHER)}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_neighbour_sees_who_asks(net: Net, family: str) -> None:
    reach(net, 1, 2, 7000).make(HOST)
    with listen(net.container(2), 7000) as server, connect(net.container(1), of(net, 2, family), 7000):
        accepted, (peer, *_) = server.accept()
        accepted.close()
    assert peer.removeprefix("::ffff:") == of(net, 1, family)


def udp(net: Net, slot: int, family: str) -> socket.socket:
    with inside(net.container(slot)):
        made = socket.socket(socket.AF_INET if family == "IPv4" else socket.AF_INET6, socket.SOCK_DGRAM)
    made.settimeout(0.5)
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_udp_passes_and_is_answered(net: Net, family: str) -> None:
    """Whoever is asked may answer, and may not ask."""
    reach(net, 1, 2, 53, "udp").make(HOST)
    with listen(net.container(2), 53, socket.SOCK_DGRAM) as server, udp(net, 1, family) as client:
        client.sendto(b"question", (of(net, 2, family), 53))
        _, peer = server.recvfrom(100)
        server.sendto(b"answer", peer)
        assert client.recv(100) == b"answer"
        with udp(net, 2, family) as asker, udp(net, 1, family) as asked:
            with inside(net.container(1)):
                asked.bind((of(net, 1, family), 4000))
            asker.sendto(b"question", (of(net, 1, family), 4000))
            with pytest.raises(TimeoutError):
                asked.recv(100)


def test_tcp_is_not_udp(net: Net) -> None:
    reach(net, 1, 2, PORT, "udp").make(HOST)
    assert not reaches(net.container(1), net.slots[2].ipv4, PORT)


@pytest.mark.parametrize("speaker", ["who asked", "who was asked"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_taken_away_ends_what_is_open(net: Net, family: str, speaker: str) -> None:
    """Both sides are told at their next word, and need not wait for their own patience to end."""
    way = reach(net, 1, 2, 7001)
    way.make(HOST)
    with (
        listen(net.container(2), 7001) as server,
        connect(net.container(1), of(net, 2, family), 7001) as client,
    ):
        inner = server.accept()[0]
        client.sendall(b"before")
        assert inner.recv(10) == b"before"
        way.remove(HOST)
        with inner, pytest.raises(ConnectionResetError):
            _talk(client if speaker == "who asked" else inner)


def _talk(end: socket.socket) -> None:
    """Say something again and again, for five seconds."""
    end.settimeout(0.1)
    for _ in range(50):
        end.sendall(b"after")
        with contextlib.suppress(TimeoutError):
            end.recv(10)


@pytest.mark.parametrize("family", FAMILIES)
def test_udp_that_was_allowed_ends_in_both_directions(net: Net, family: str) -> None:
    way = reach(net, 1, 2, 54, "udp")
    way.make(HOST)
    with listen(net.container(2), 54, socket.SOCK_DGRAM) as server, udp(net, 1, family) as client:
        client.sendto(b"before", (of(net, 2, family), 54))
        peer = server.recvfrom(100)[1]
        way.remove(HOST)
        server.sendto(b"late answer", peer)
        with pytest.raises(TimeoutError):
            client.recv(100)


@pytest.mark.parametrize("family", FAMILIES)
def test_nobody_gets_in_by_a_port_that_he_may_not_ask(net: Net, family: str) -> None:
    """A source port is no permission: container 2 asks from the one that 1 may ask."""
    reach(net, 1, 2, 7002).make(HOST)
    with inside(net.container(2)):
        asker = socket.socket(socket.AF_INET if family == "IPv4" else socket.AF_INET6, socket.SOCK_STREAM)
    with asker:
        asker.settimeout(1.5)
        asker.bind((of(net, 2, family), 7002))
        with pytest.raises(OSError):  # noqa: PT011 - refused, or not answered
            asker.connect((of(net, 1, family), OTHER))


def test_make_twice_and_remove_twice(net: Net) -> None:
    way = reach(net, 1, 2)
    assert not way.exists(HOST)
    for _ in range(2):
        way.make(HOST)
        assert way.exists(HOST)
    for _ in range(2):
        way.remove(HOST)
        assert not way.exists(HOST)


def test_half_of_one_is_healed_and_half_of_one_is_removed(net: Net) -> None:
    way = reach(net, 1, 2)
    for half in way.elements():
        way.make(HOST)
        nft.change(remove=[half], add=[])
        assert not way.exists(HOST)
        way.make(HOST)
        assert way.exists(HOST)
        nft.change(remove=[half], add=[])
        way.remove(HOST)
        assert not set(way.elements()) & nft.elements("inet", "skerry")


def test_other_services_of_a_container_leave_it_alone(net: Net) -> None:
    way = reach(net, 1, 2)
    way.make(HOST)
    net.port(1, 1071).make(HOST)
    net.port(2, 1071).make(HOST)
    assert way.exists(HOST)
    assert reaches(net.container(1), net.slots[2].ipv4, PORT)


def test_it_survives_a_reload_of_the_rules(net: Net) -> None:
    reach(net, 1, 2).make(HOST)
    net.load()
    assert reaches(net.container(1), net.slots[2].ipv4, PORT)


def test_all_is_put_back_after_the_rules_were_lost(net: Net) -> None:
    way = reach(net, 1, 2)
    run("nft", "flush", "ruleset")
    net.load()
    assert not reaches(net.container(1), net.slots[2].ipv4, PORT)
    replace_all([*(net.port(slot) for slot in net.slots), way])
    assert reaches(net.container(1), net.slots[2].ipv4, PORT)


def test_the_number_of_rules_does_not_grow(net: Net) -> None:
    before = run("nft", "--stateless", "--terse", "list", "table", "inet", "skerry")
    for port in range(1, 200):
        reach(net, 1, 2, port).make(HOST)
    assert run("nft", "--stateless", "--terse", "list", "table", "inet", "skerry") == before


def test_no_container_breaks_what_two_others_have_open(net: Net) -> None:
    """Whoever has raw sockets can say that a port is closed, of a flow that is not his."""
    reach(net, 1, 3, 9000, "udp").make(HOST)
    liar, asker, asked = (net.slots[slot] for slot in (2, 1, 3))
    with udp(net, 1, "IPv4") as client, contextlib.closing(Wire(net.container(2), "eth0")) as wire:
        client.connect((asked.ipv4, 9000))
        with listen(net.container(3), 9000, socket.SOCK_DGRAM) as server:
            client.send(b"question")
            server.recv(100)
        ports = client.getsockname()[1], 9000
        quoted = frames.ipv4(asker.ipv4, asked.ipv4, 17, frames.udp(asker.ipv4, asked.ipv4, *ports))
        lie = frames.unreachable(liar.ipv4, asker.ipv4, quoted)
        before = net.counters()["east-west"]
        wire.send(frames.ethernet(liar.mac, mac_of(net.host, HOST.bridge), frames.IPV4, lie))
        assert eventually(lambda: net.counters()["east-west"] > before)
        with pytest.raises(TimeoutError):
            client.recv(100)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_redirect_leads_past_the_host(net: Net, family: str) -> None:
    """A router that sends packets back to where they came from may tell of a shorter way: the bridge has none."""
    reach(net, 1, 2).make(HOST)
    target = of(net, 2, family)
    for _ in range(3):
        assert reaches(net.container(1), target, PORT)
    route = run("ip", "-n", net.container(1), "route", "get", target)
    assert "via" in route
    assert "redirect" not in route
