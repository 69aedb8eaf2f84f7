"""The host's packet filter, as it stands on the host, and with packets from a network of its own outside of it."""

from collections.abc import Iterator

import pytest
from testinfra.host import Host

OUTSIDE, HERE = "198.51.100.2", "198.51.100.1"
KNOCK = "import socket; socket.create_connection(('{address}', {port}), timeout=2)"
LISTEN = "--socket-property=ListenStream=443 --socket-property=ListenStream=8080"


def test_the_service_loads_the_rules_at_boot_and_nothing_flushes_them(host: Host) -> None:
    service = host.service("skerry-firewall.service")
    assert service.is_enabled
    assert service.is_running
    assert host.service("nftables.service").is_masked
    ordering = host.check_output("systemctl show --property Before --value skerry-firewall.service").split()
    assert "network-pre.target" in ordering


def test_the_kernel_has_the_file_s_rules(host: Host) -> None:
    assert host.check_output("/usr/lib/skerry/firewall drift") == ""
    assert "by_hand" not in host.check_output("nft list tables")


def test_stopping_and_starting_the_service_opens_nothing(host: Host) -> None:
    host.check_output("systemctl stop skerry-firewall.service")
    assert host.check_output("/usr/lib/skerry/firewall drift") == ""
    host.check_output("systemctl start skerry-firewall.service")


def test_nothing_is_left_to_take_the_policy_back(host: Host) -> None:
    assert host.check_output("systemctl list-units --all --no-legend 'skerry-firewall-rollback*'") == ""


@pytest.mark.parametrize(("key", "value"), [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv6.conf.all.forwarding", "1"),
    ("net.ipv6.conf.default.accept_ra", "2"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.all.accept_redirects", "0"),
])  # fmt: skip
def test_the_kernel_forwards_and_believes_no_redirects(host: Host, key: str, value: str) -> None:
    assert host.check_output(f"sysctl --values {key}") == value


@pytest.fixture
def outside(host: Host) -> Iterator[str]:
    """The name of a network namespace with a way to the host; servers listen there on 443 and 8080."""
    name = "skerry-outside"
    for command in (
        f"ip netns add {name}",
        f"ip link add outside0 type veth peer name eth0 netns {name}",
        f"ip addr add {HERE}/24 dev outside0",
        "ip link set outside0 up",
        f"ip -n {name} addr add {OUTSIDE}/24 dev eth0",
        f"ip -n {name} link set eth0 up",
        f"systemd-run --quiet --collect --unit=skerry-test-server {LISTEN} sleep 60",
    ):
        host.check_output(command)
    yield name
    host.run("systemctl stop skerry-test-server.socket skerry-test-server.service")
    host.check_output(f"ip netns del {name}")


def knocks(host: Host, port: int, inside: str = "") -> bool:
    """Whether a connection to the host succeeds, from itself or from a namespace."""
    where = f"ip netns exec {inside} " if inside else ""
    return bool(host.run(f'{where}python3 -c "{KNOCK.format(address=HERE, port=port)}"').rc == 0)


def test_outsiders_reach_ssh_and_https_and_nothing_else(host: Host, outside: str) -> None:
    assert [port for port in (22, 443, 8080) if knocks(host, port)] == [22, 443, 8080]
    assert [port for port in (22, 443, 8080) if knocks(host, port, outside)] == [22, 443]
