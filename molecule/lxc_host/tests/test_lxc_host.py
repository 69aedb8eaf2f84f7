"""A host for containers, before the first one: what the role brought, read from the machine itself."""

import json

import pytest
from testinfra.host import Host


def test_the_engine_answers(host: Host) -> None:
    status = json.loads(host.check_output("skerry status --json"))
    assert status["domain"] == "skerry.localhost"
    assert status["containers"] == 0


@pytest.mark.parametrize("unit", ["skerry-engine.socket", "skerry-engine.service", "skerry-network.service"])
def test_it_runs_now_and_after_a_boot(host: Host, unit: str) -> None:
    assert host.service(unit).is_running
    assert host.service(unit).is_enabled


@pytest.mark.parametrize("unit", ["lxc.service", "lxc-net.service"])
def test_nothing_else_makes_containers_or_bridges(host: Host, unit: str) -> None:
    assert host.service(unit).is_masked
    assert not host.interface("lxcbr0").exists


def test_the_engines_socket_is_roots_alone(host: Host) -> None:
    socket = host.file("/run/skerry/engine.sock")
    assert (socket.user, socket.mode) == ("root", 0o600)
    refused = host.run("setpriv --reuid=nobody --regid=nogroup --clear-groups skerry status")
    assert refused.rc != 0
    assert "Become root" in refused.stderr


def test_the_secrets_are_roots_alone(host: Host) -> None:
    for path in ("/var/lib/skerry/secret", "/var/lib/skerry/state.db"):
        assert host.file(path).mode == 0o600
    assert host.file("/var/lib/skerry/secret").size == 32


@pytest.mark.parametrize("path", ["/etc/subuid", "/etc/subgid"])
def test_the_containers_ids_are_reserved_for_root(host: Host, path: str) -> None:
    assert host.file(path).content_string.splitlines().count("root:1048576:4293918719") == 1


def test_the_pool_counts_and_carries_no_devices(host: Host) -> None:
    pool = host.mount_point("/var/lib/skerry/pool")
    assert pool.filesystem == "btrfs"
    assert {"nosuid", "nodev"} <= set(pool.options)
    assert host.file("/var/lib/skerry/pool").mode == 0o700
    assert host.file("/var/lib/skerry/pool.btrfs").mode == 0o600
    assert host.run("btrfs qgroup show /var/lib/skerry/pool").rc == 0


def test_the_bridge_has_the_first_addresses_and_no_uplink(host: Host) -> None:
    addresses = host.interface("skerry0").addresses
    assert "10.90.0.1" in addresses
    assert "fd5e:6b65:7279::1" in addresses
    assert host.check_output("ip -json link show master skerry0") in {"[]", ""}


def test_the_bridge_asks_for_neighbours_from_its_first_moment_on(host: Host) -> None:
    addresses = host.check_output("ip -oneline -6 address show dev skerry0").splitlines()
    assert any("fe80:" in line for line in addresses)
    assert all("nodad" in line for line in addresses), (
        "the first container of a host reaches nobody for two seconds"
    )


def test_the_resolver_answers_on_the_bridge(host: Host) -> None:
    listening = host.check_output("ss --listening --udp --numeric --no-header")
    assert "10.90.0.1:53" in listening
    assert "[fd5e:6b65:7279::1]:53" in listening


def test_the_engine_is_fenced_in_itself(host: Host) -> None:
    wanted = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "RestrictNamespaces": "yes"}
    for name, value in wanted.items():
        assert host.check_output(f"systemctl show -P {name} skerry-engine.service") == value


def test_packages_come_from_debian(host: Host) -> None:
    assert host.run("test -e /usr/lib/python3/dist-packages/skerry/__pycache__").rc == 0
    assert host.check_output("find /usr/local -name '*.py' | wc -l") == "0"
