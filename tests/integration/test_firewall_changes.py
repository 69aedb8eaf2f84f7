"""How the fence changes while packets fly: services, removal, reload, damage, other people's firewalls."""

import socket
import subprocess
from collections.abc import Iterator

import pytest

from skerry.host import nft
from skerry.host.run import ProgramError
from skerry.model.errors import SkerryError
from skerry.parts.firewall import FirewallEntry, replace_all, slots
from tests.integration.frames import IPV4, ethernet, ipv4, udp
from tests.integration.namespaces import (
    GATEWAY4,
    HOST,
    INTERNET4,
    INTERNET6,
    PROXY_UID,
    ROLE,
    UPLINK4,
    Net,
    Wire,
    connect,
    inside,
    listen,
    mac_of,
    reaches,
    rules,
    run,
    standing,
)


@pytest.fixture
def net() -> Iterator[Net]:
    """A host with the rules and no container let in; the test itself is inside the host's namespace."""
    with standing("skfw-changes") as built:
        yield built


FOREIGN = """
table ip filter {
    chain FORWARD {
        type filter hook forward priority filter; policy accept
        accept
    }
    chain INPUT {
        type filter hook input priority -200; policy accept
        accept
    }
}
"""


def live() -> set[nft.Element]:
    return nft.elements("bridge", "skerry") | nft.elements("inet", "skerry")


def proxy_reaches(net: Net, slot: int, port: int) -> bool:
    return reaches(net.host, net.slots[slot].ipv4, port, uid=PROXY_UID)


# ---- the four beats


def test_make_twice_and_remove_twice(net: Net) -> None:
    port = net.port(1, 1071, 8080)
    assert not port.exists(HOST)
    for _ in range(2):
        port.make(HOST)
        assert port.exists(HOST)
        assert live() == set(port.elements())
    for _ in range(2):
        port.remove(HOST)
        assert not port.exists(HOST)
        assert live() == set()


@pytest.mark.parametrize("lost", [("bridge",), ("inet",), ("bridge", "inet")], ids="+".join)
def test_remove_does_not_need_the_tables_that_are_lost(net: Net, lost: tuple[str, ...]) -> None:
    port = net.port(1, 1071)
    port.make(HOST)
    for family in lost:
        run("nft", "delete", "table", family, "skerry")
    port.remove(HOST)
    assert not any(nft.elements(family, "skerry") for family in {"bridge", "inet"} - set(lost))


def test_other_services_replace_the_old_ones(net: Net) -> None:
    with listen(net.container(1), 1071), listen(net.container(1), 8080):
        net.port(1, 1071).make(HOST)
        assert (proxy_reaches(net, 1, 1071), proxy_reaches(net, 1, 8080)) == (True, False)
        net.port(1, 8080).make(HOST)
        assert (proxy_reaches(net, 1, 1071), proxy_reaches(net, 1, 8080)) == (False, True)
    assert not net.port(1, 1071).exists(HOST)


def test_a_service_taken_away_is_dead_for_open_connections_as_well(net: Net) -> None:
    net.port(1, 1071).make(HOST)
    with listen(net.container(1), 1071) as server:
        client = connect(net.host, net.slots[1].ipv4, 1071, uid=PROXY_UID)
        inner = server.accept()[0]
        with client, inner:
            client.sendall(b"before")
            assert inner.recv(10) == b"before"
            inner.settimeout(0.5)
            net.port(1).make(HOST)
            with pytest.raises(OSError):  # noqa: PT012, PT011 - told at once, or never delivered
                client.sendall(b"after")
                inner.recv(10)


def test_half_of_a_port_is_healed_and_half_of_a_port_is_removed(net: Net) -> None:
    port, neighbour = net.port(1, 1071), net.port(2, 1071)
    neighbour.make(HOST)
    for missing in range(2):
        port.make(HOST)
        nft.change(remove=sorted(port.elements(), key=str)[missing::2], add=[])
        assert not port.exists(HOST)
        port.make(HOST)
        assert port.exists(HOST)
        nft.change(remove=sorted(port.elements(), key=str)[missing::2], add=[])
        assert slots(HOST) == {1, 2}
        port.remove(HOST)
        assert live() == set(neighbour.elements())


def test_replace_all_is_one_transaction_to_exactly_these(net: Net) -> None:
    net.port(1, 1071).make(HOST)
    net.port(2, 1071).make(HOST)
    desired: list[FirewallEntry] = [net.port(2, 8080), net.port(3, 1071)]
    replace_all(desired)
    assert live() == {element for port in desired for element in port.elements()}
    assert slots(HOST) == {2, 3}


def test_a_failing_transaction_changes_nothing(net: Net) -> None:
    net.port(1, 1071).make(HOST)
    before = live()
    absent = next(net.port(2).elements())
    with pytest.raises(ProgramError):
        nft.change(remove=[absent], add=net.port(3).elements())
    assert live() == before


# ---- an address changes hands


@pytest.mark.parametrize("address", [INTERNET4, INTERNET6])
def test_old_flows_do_not_reach_the_next_owner_of_an_address(net: Net, address: str) -> None:
    port = net.port(1)
    port.make(HOST)
    with inside(net.container(1)):
        client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    with client, listen(net.internet, 9000, socket.SOCK_DGRAM) as server:
        client.settimeout(15)
        client.sendto(b"question", (address, 9000))
        peer = server.recvfrom(100)[1]
        server.sendto(b"first", peer)
        assert client.recv(100) == b"first"
        port.remove(HOST)
        server.sendto(b"to nobody", peer)
        port.make(HOST)
        server.sendto(b"to the next owner", peer)
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(100)


def test_removing_one_container_leaves_its_neighbour_s_flows(net: Net) -> None:
    net.port(1, 1071).make(HOST)
    net.port(2, 1071).make(HOST)
    with listen(net.internet, 9000) as server, connect(net.container(2), INTERNET4, 9000) as client:
        far = server.accept()[0]
        net.port(1, 1071).remove(HOST)
        client.sendall(b"still here")
        assert far.recv(100) == b"still here"
        far.close()


# ---- reload, damage, other firewalls


def test_loading_again_cuts_nobody_off(net: Net) -> None:
    net.port(1, 1071).make(HOST)
    before = live()
    with listen(net.container(1), 1071) as server:
        client = connect(net.host, net.slots[1].ipv4, 1071, uid=PROXY_UID)
        inner = server.accept()[0]
        with client, inner:
            for _ in range(3):
                net.load()
                client.sendall(b"x")
                assert inner.recv(10) == b"x"
    assert live() == before


def test_a_broken_file_changes_nothing(net: Net) -> None:
    broken = rules().replace("masquerade", "masquerade nonsense", 1)
    before = run("nft", "--stateless", "list", "ruleset")
    done = subprocess.run(["nft", "--file", "-"], input=broken, text=True, capture_output=True, check=False)
    assert done.returncode != 0
    assert run("nft", "--stateless", "list", "ruleset") == before


def drift(net: Net, text: str) -> tuple[int, str]:
    """What the role's own check says: its exit code and its output."""
    return program(net, "drift", text)


def program(net: Net, verb: str, text: str) -> tuple[int, str]:
    """The role's own program on a file with this text: its exit code and its output."""
    path = f"/tmp/{net.prefix}.nft"
    with open(path, "w") as file:
        file.write(text)
    script = str(ROLE / "files/usr/lib/skerry/firewall")
    done = subprocess.run([script, verb, path], text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_damage_is_found_and_mended(net: Net) -> None:
    net.port(1, 1071).make(HOST)
    assert drift(net, rules()) == (0, "")
    run("nft", "flush", "chain", "bridge", "skerry", "forward")
    code, said = drift(net, rules())
    assert code == 1
    assert "port to port" in said
    net.load()
    assert drift(net, rules()) == (0, "")
    assert drift(net, rules(firewall_ssh_ports=[2222]))[0] == 1


def test_what_a_newer_version_adds_in_between_is_no_drift_after_a_reload(net: Net) -> None:
    """The kernel has a new chain at the end, wherever the file has it."""
    newer = rules().replace(
        "\tchain to_host {", "\tchain newer {\n\t\tcounter drop\n\t}\n\n\tchain to_host {"
    )
    assert program(net, "reload", newer) == (0, "")
    assert drift(net, newer) == (0, "")
    assert drift(net, rules())[0] == 1


def test_what_an_older_version_left_goes_with_a_reload_and_elements_stay(net: Net) -> None:
    older = """
        set former { type ipv4_addr; }
        chain gone { drop; }
        chain hooked { type filter hook forward priority filter; policy drop; ip saddr @former jump gone; }
        """
    net.load()
    run("nft", "--file", "-", stdin="table inet skerry {" + older.replace("; }", "\n}") + "\n}")
    port = net.port(1, 1071)
    port.make(HOST)
    assert drift(net, rules())[0] == 1
    assert program(net, "reload", rules()) == (0, "")
    assert drift(net, rules()) == (0, "")
    assert port.exists(HOST)


@pytest.mark.parametrize("table", ["inet skerry_host", "bridge skerry", "inet skerry"])
def test_a_deleted_table_is_found_and_comes_back(net: Net, table: str) -> None:
    port = net.port(1, 1071)
    port.make(HOST)
    run("nft", "delete", "table", *table.split())
    assert drift(net, rules())[0] == 1
    net.load()
    assert drift(net, rules()) == (0, "")
    port.make(HOST)
    assert port.exists(HOST)


def test_a_file_that_does_not_parse_is_trouble_and_not_drift(net: Net) -> None:
    assert drift(net, "table inet {")[0] == 2


def test_without_the_tables_the_error_says_what_to_do(net: Net) -> None:
    run("nft", "delete", "table", "inet", "skerry")
    with pytest.raises(SkerryError, match=r"firewall is not loaded.*skerry-firewall"):
        net.port(1).make(HOST)


def test_a_foreign_firewall_is_left_alone_and_opens_nothing(net: Net) -> None:
    run("nft", "--file", "-", stdin=FOREIGN)
    foreign = run("nft", "list", "table", "ip", "filter")
    with listen(net.container(1), 1071), listen(net.host, 8080):
        net.port(1, 1071).make(HOST)
        net.load()
        assert run("nft", "list", "table", "ip", "filter") == foreign
        assert proxy_reaches(net, 1, 1071)
        assert not reaches(net.internet, net.slots[1].ipv4, 1071)
        assert not reaches(net.internet, UPLINK4, 8080)


def test_without_the_other_tables_the_policy_still_knows_strangers(net: Net) -> None:
    """Whoever passes the bridge's fence by is stopped by the next one."""
    net.port(1, 1071).make(HOST)
    run("nft", "delete", "table", "bridge", "skerry")
    run("nft", "delete", "table", "inet", "skerry_host")
    own, wire, gateway = net.slots[1], Wire(net.container(1), "eth0"), mac_of(net.host, HOST.bridge)
    with listen(net.host, 53, socket.SOCK_DGRAM) as server:
        for source, target, text in (
            ("10.90.7.7", gateway, b"by a stranger's address"),
            (own.ipv4, "01:80:c2:00:00:03", b"around the bridge"),
            (own.ipv4, gateway, b"by the front door"),
        ):
            packet = ipv4(source, GATEWAY4, socket.IPPROTO_UDP, udp(source, GATEWAY4, 4000, 53, text))
            wire.send(ethernet(own.mac, target, IPV4, packet))
        assert server.recv(100) == b"by the front door"
    wire.close()


def test_the_number_of_rules_does_not_depend_on_the_number_of_containers(net: Net) -> None:
    before = rule_lines()
    replace_all([net.port(slot, 1071, 8080) for slot in net.slots])
    assert rule_lines() == before


def rule_lines() -> list[str]:
    listing = [
        run("nft", "--stateless", "--terse", "list", "table", family, "skerry")
        for family in ("bridge", "inet")
    ]
    return "".join(listing).splitlines()
