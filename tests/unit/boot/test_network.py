"""The network in the inventory's words, as networkd and the initramfs get it."""

from typing import Any

import pytest

from skerry_base.boot.network import for_initramfs, for_networkd, parse
from skerry_base.core.errors import SkerryError

MAC = "52:54:00:aa:00:01"
STATIC = {"method": "static", "address": "192.0.2.10/24", "gateway": "192.0.2.1"}
DNS = ["192.0.2.53"]


def network(**said: Any) -> dict[str, Any]:
    return {"mac": MAC, "dns": DNS, **said}


def test_a_static_address() -> None:
    parsed = parse(network(ipv4=STATIC))
    assert for_initramfs(parsed) == f"MAC={MAC}\nMETHOD=static\nADDRESS=192.0.2.10/24\nGATEWAY=192.0.2.1\n"
    unit = for_networkd(parsed)
    assert unit.startswith(f"[Match]\nPermanentMACAddress={MAC}\n")
    assert unit.endswith("[Address]\nAddress=192.0.2.10/24\n\n[Route]\nGateway=192.0.2.1\n")


def test_a_gateway_on_the_wire_but_outside_the_network() -> None:
    ipv4 = {"address": "203.0.113.5/32", "gateway": "172.31.1.1", "on_link": True}
    parsed = parse(network(ipv4=ipv4))
    assert "Gateway=172.31.1.1\nGatewayOnLink=yes\n" in for_networkd(parsed)
    assert "ADDRESS=203.0.113.5/32\nGATEWAY=172.31.1.1\n" in for_initramfs(parsed)


def test_on_link_changes_nothing_where_the_gateway_is_near() -> None:
    assert "OnLink" not in for_networkd(parse(network(ipv4={**STATIC, "on_link": True})))


def test_dhcp_asks_by_the_mac_as_the_initramfs_does() -> None:
    parsed = parse({"mac": MAC.upper(), "ipv4": {"method": "dhcp"}})
    assert for_networkd(parsed).endswith("DHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\n")
    assert for_initramfs(parsed) == f"MAC={MAC}\nMETHOD=dhcp\nADDRESS=\nGATEWAY=\n"


def test_ipv6_beside_ipv4() -> None:
    ipv6 = {"address": "2001:db8::10/64", "gateway": "fe80::1"}
    unit = for_networkd(parse(network(ipv4=STATIC, ipv6=ipv6)))
    assert "Address=2001:db8::10/64\n\n[Route]\nGateway=fe80::1\nGatewayOnLink=yes\n" in unit
    assert "IPv6AcceptRA=no\n" in unit


def test_ipv6_only_is_refused_for_the_initramfs_with_the_reason() -> None:
    parsed = parse(network(ipv6={"address": "2001:db8::10/64", "gateway": "fe80::1"}))
    with pytest.raises(SkerryError, match="IPv6 only, and a locked machine is reached by IPv4 only"):
        for_initramfs(parsed)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"ipv4": STATIC}, "mac: '' is no MAC"),
        ({"mac": "52-54-00-aa-00-01"}, "mac: '52-54-00-aa-00-01' is no MAC"),
        ({"mac": 41135085296}, "to YAML it is the number 41135085296. Put it into quotes"),
        ({"mac": "53:54:00:aa:00:01"}, "is the address of a group"),
        (network(ipv4=STATIC, dns="192.0.2.53"), "dns: '192.0.2.53' is no list"),
        (network(ipv4={**STATIC, "gateway": "192.0.2.10"}), "gateway: 192.0.2.10 is the machine itself"),
        (
            network(ipv4={**STATIC, "address": "192.0.2.0/24"}),
            "names the network 192.0.2.0/24 or all that is",
        ),
        (network(ipv4={**STATIC, "address": "192.0.2.255/24"}), "192.0.2.1/24 would be one"),
        (network(ipv4={**STATIC, "address": "127.0.0.1/8"}), "127.0.0.1 is no machine's own address"),
        (network(ipv4={**STATIC, "on_link": "no"}), "on_link: 'no' is neither true nor false"),
        (
            network(ipv6={"address": "2001:db8::1/64", "gateway": "fe80::1%eth0"}),
            "'fe80::1%eth0' is no address",
        ),
        (network(ipv6={"address": "fe80::1%eth0/64"}), "is no IPv6 address with its length"),
        (network(), "neither ipv4 nor ipv6"),
        (network(ipv4=STATIC, dns=[]), "dns is empty"),
        (network(ipv4=STATIC, dns=["one.one"]), "dns: 'one.one' is no address"),
        (network(ipv5={}), "unknown key 'ipv5'"),
        (network(ipv4="dhcp"), "'dhcp' is no mapping"),
        (network(ipv4={**STATIC, "netmask": ""}), "ipv4: unknown key 'netmask'"),
        (network(ipv4={"method": "auto"}), "ipv4.method: 'auto' is unknown"),
        (network(ipv4={**STATIC, "method": "dhcp"}), "method dhcp and an address"),
        (network(ipv4={"address": "192.0.2.10"}), "'192.0.2.10' is no IPv4 address with its length"),
        (network(ipv4={"address": "2001:db8::1/64"}), "is no IPv4 address with its length"),
        (network(ipv4={**STATIC, "gateway": "fe80::1"}), "'fe80::1' is no IPv4 address"),
        (network(ipv4={**STATIC, "gateway": "198.51.100.1"}), "lies outside 192.0.2.0/24"),
        (network(ipv6={"address": "2001:db8::10"}), "is no IPv6 address with its length"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(said: dict[str, Any], message: str) -> None:
    with pytest.raises(SkerryError) as refusal:
        parse(said)
    assert message in str(refusal.value)


def test_a_network_of_two_has_no_ends() -> None:
    ipv4 = {"address": "192.0.2.0/31", "gateway": "192.0.2.1"}
    assert "ADDRESS=192.0.2.0/31\n" in for_initramfs(parse(network(ipv4=ipv4)))
