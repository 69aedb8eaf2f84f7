"""What a program in the sandbox may reach: the world, and of what is private what was named."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from skerry.host import reach
from skerry.model.errors import SkerryError


def networks(value: tuple[str, Any]) -> list[Any]:
    assert value[0] == "a(iayu)"
    return [ipaddress.ip_network((packed, length)) for _family, packed, length in value[1]]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, Any]]:
    monkeypatch.setattr(reach, "_own_addresses", lambda: ["203.0.113.7", "2001:db8::7"])
    monkeypatch.setattr(reach, "resolvers", lambda: ["127.0.0.53"])
    monkeypatch.setattr(reach.socket, "getaddrinfo", lambda *_args, **_more: [(2, 1, 6, "", ("10.1.2.3", 0))])
    return reach.properties(reach.Network("registry.lan"))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.90.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "::ffff:10.0.0.1", "fd5e:6b65:7279::1", "fe80::1", "203.0.113.7", "2001:db8::7"],
)  # fmt: skip
def test_what_is_private_or_this_host_is_denied(found: dict[str, tuple[str, Any]], address: str) -> None:
    one = ipaddress.ip_address(address)
    if getattr(one, "ipv4_mapped", None):
        one = one.ipv4_mapped  # such packets are IPv4's
    assert any(
        one in network for network in networks(found["IPAddressDeny"]) if network.version == one.version
    )


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "203.0.113.8", "2606:4700::1", "172.32.0.1", "11.0.0.1"]
)
def test_the_world_is_not(found: dict[str, tuple[str, Any]], address: str) -> None:
    one = ipaddress.ip_address(address)
    assert not any(
        one in network for network in networks(found["IPAddressDeny"]) if network.version == one.version
    )


def test_the_named_server_and_the_resolvers_are_allowed_and_nothing_more(
    found: dict[str, tuple[str, Any]],
) -> None:
    assert [str(one) for one in networks(found["IPAddressAllow"])] == ["127.0.0.53/32", "10.1.2.3/32"]
    assert found["RestrictAddressFamilies"] == ("(bas)", (True, ["AF_INET", "AF_INET6"]))


def test_a_name_that_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_args: object, **_more: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(reach.socket, "getaddrinfo", nowhere)
    with pytest.raises(SkerryError, match=r"'no\.such' cannot be found: Name or service not known"):
        reach._addresses_of("no.such")


def test_resolvers_are_read(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text(
        "# x\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\nsearch a b\noptions x\n"
    )
    assert reach.resolvers(str(tmp_path / "resolv.conf")) == ["10.0.0.2", "fe80::1"]
