"""A machine's network in the inventory's words, and as its system and its initramfs want it written down.

The card is named by its MAC: rescue system, initramfs and system each call it differently.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..core.errors import SkerryError

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_WHERE = "base_system_network"


class Method(StrEnum):
    """Where the IPv4 address comes from."""

    STATIC = "static"
    DHCP = "dhcp"


@dataclass(frozen=True)
class Ipv4:
    """IPv4 on the card. Address and gateway are None with DHCP; a gateway may be None."""

    method: Method
    address: ipaddress.IPv4Interface | None = None
    gateway: ipaddress.IPv4Address | None = None
    on_link: bool = False
    """The gateway lies outside the address's network, and on the same wire."""


@dataclass(frozen=True)
class Ipv6:
    """IPv6 on the card, beside IPv4."""

    address: ipaddress.IPv6Interface
    gateway: ipaddress.IPv6Address | None = None


@dataclass(frozen=True)
class Network:
    """One card, its addresses and the name servers."""

    mac: str
    ipv4: Ipv4 | None
    ipv6: Ipv6 | None = None
    dns: tuple[str, ...] = ()


def parse(said: Mapping[str, Any]) -> Network:
    """The network that the inventory describes.

    Args:
        said: ``mac``, ``ipv4`` (``method``, ``address`` with its length, ``gateway``, ``on_link``), ``ipv6``
            (``address`` with its length, ``gateway``) and ``dns``.

    Raises:
        SkerryError: something is missing or is not what it should be.
    """
    _known(_WHERE, said, ("mac", "ipv4", "ipv6", "dns"))
    mac = _mac(said.get("mac", ""))
    dns = tuple(
        str(ipaddress.ip_address(server)) for server in _checked("dns", _list("dns", said.get("dns")))
    )
    network = Network(mac, _ipv4(said.get("ipv4")), _ipv6(said.get("ipv6")), dns)
    if network.ipv4 is None and network.ipv6 is None:
        raise SkerryError(f"{_WHERE} has neither ipv4 nor ipv6", "Give at least ipv4: {method: dhcp}")
    dynamic = network.ipv4 is not None and network.ipv4.method is Method.DHCP
    if not dns and not dynamic:
        raise SkerryError(f"{_WHERE}.dns is empty", "Without DHCP nobody else names a name server: give one")
    return network


def for_networkd(network: Network) -> str:
    """The .network file of systemd-networkd."""
    lines = ["[Match]", f"PermanentMACAddress={network.mac}", "", "[Network]"]
    lines += [f"DNS={server}" for server in network.dns]
    lines += ["IPv6AcceptRA=no", "LLMNR=no", *_networkd_ipv4(network.ipv4), *_networkd_ipv6(network.ipv6)]
    return "\n".join(lines) + "\n"


def for_initramfs(network: Network) -> str:
    """What the initramfs' own script reads: shell assignments, one a line.

    Raises:
        SkerryError: there is no IPv4.
    """
    ipv4 = network.ipv4
    if ipv4 is None:
        raise SkerryError(
            f"{_WHERE} is IPv6 only, and a locked machine is reached by IPv4 only",
            "The initramfs brings up IPv4 alone: give ipv4 too, or the machine could not be unlocked from afar",
        )
    values = {
        "MAC": network.mac, "METHOD": ipv4.method, "ADDRESS": ipv4.address or "", "GATEWAY": ipv4.gateway or ""
    }  # fmt: skip
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _mac(said: object) -> str:
    text = str(said).lower()
    if isinstance(said, int):
        raise SkerryError(
            f"{_WHERE}.mac: to YAML it is the number {said}",
            'Put it into quotes: mac: "52:54:00:12:34:56" counts in sixties without them',
        )
    if not _MAC.fullmatch(text):
        raise SkerryError(
            f"{_WHERE}.mac: {text!r} is no MAC", 'Such as "52:54:00:12:34:56"; `ip link` shows it'
        )
    if int(text[:2], 16) % 2:
        raise SkerryError(
            f"{_WHERE}.mac: {text} is the address of a group, and no card's", "`ip link` shows it"
        )
    return text


def _ipv4(said: Mapping[str, Any] | None) -> Ipv4 | None:
    if not said:
        return None
    _known(f"{_WHERE}.ipv4", said, ("method", "address", "gateway", "on_link"))
    method = said.get("method", Method.STATIC)
    if method not in tuple(Method):
        raise SkerryError(f"{_WHERE}.ipv4.method: {method!r} is unknown", f"Known are {', '.join(Method)}")
    if method == Method.DHCP:
        if set(said) - {"method"}:
            raise SkerryError(
                f"{_WHERE}.ipv4 has method dhcp and an address or gateway", "Give one or the other"
            )
        return Ipv4(Method.DHCP)
    address = ipaddress.IPv4Interface(_interface("ipv4.address", said.get("address"), 4))
    gateway = _gateway("ipv4.gateway", said.get("gateway"), 4)
    _of_a_machine("ipv4.address", address)
    _another("ipv4.gateway", gateway, address)
    near, on_link = gateway is None or gateway in address.network, said.get("on_link", False)
    if not isinstance(on_link, bool):
        raise SkerryError(
            f"{_WHERE}.ipv4.on_link: {on_link!r} is neither true nor false", "Write it without quotes"
        )
    if not near and not on_link:
        raise SkerryError(
            f"{_WHERE}.ipv4.gateway: {gateway} lies outside {address.network}",
            "If it is reached on the wire all the same, as with large hosters, say on_link: true",
        )
    return Ipv4(Method.STATIC, address, ipaddress.IPv4Address(gateway) if gateway else None, not near)


def _ipv6(said: Mapping[str, Any] | None) -> Ipv6 | None:
    if not said:
        return None
    _known(f"{_WHERE}.ipv6", said, ("address", "gateway"))
    address = ipaddress.IPv6Interface(_interface("ipv6.address", said.get("address"), 6))
    gateway = _gateway("ipv6.gateway", said.get("gateway"), 6)
    _of_a_machine("ipv6.address", address)
    _another("ipv6.gateway", gateway, address)
    return Ipv6(address, ipaddress.IPv6Address(gateway) if gateway else None)


def _known(where: str, said: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    if not isinstance(said, Mapping):
        raise SkerryError(f"{where}: {said!r} is no mapping", f"Its keys are {', '.join(keys)}")
    if unknown := sorted(set(said) - set(keys)):
        raise SkerryError(f"{where}: unknown key {unknown[0]!r}", f"Known are {', '.join(keys)}")


def _interface(key: str, said: object, version: int) -> str:
    text = str(said or "")
    try:
        right = ipaddress.ip_interface(text).version == version and "/" in text and "%" not in text
    except ValueError:
        right = False
    if not right:
        example = "192.0.2.10/24" if version == 4 else "2001:db8::10/64"
        raise SkerryError(
            f"{_WHERE}.{key}: {text!r} is no IPv{version} address with its length", f"Such as {example}"
        )
    return text


def _of_a_machine(key: str, address: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> None:
    """Refuse what no machine can have: the ends of an IPv4 network, loopback, a group's."""
    network = address.network
    ends = {network.network_address, network.broadcast_address} if network.version == 4 else set()
    if address.is_loopback or address.is_multicast or address.is_unspecified:
        raise SkerryError(f"{_WHERE}.{key}: {address.ip} is no machine's own address")
    if network.prefixlen < 31 and address.ip in ends:
        raise SkerryError(
            f"{_WHERE}.{key}: {address} names the network {network} or all that is in it, and no machine",
            f"With the machine's own address: {network[1]}/{network.prefixlen} would be one",
        )


def _another(key: str, gateway: object, address: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> None:
    if gateway == address.ip:
        raise SkerryError(f"{_WHERE}.{key}: {gateway} is the machine itself", "`ip route` shows the gateway")


def _list(key: str, said: object) -> list[object]:
    if said is not None and not isinstance(said, list | tuple):
        raise SkerryError(f"{_WHERE}.{key}: {said!r} is no list", "Such as [192.0.2.1, 192.0.2.2]")
    return list(said or ())


def _gateway(key: str, said: object, version: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if not said:
        return None
    address = ipaddress.ip_address(_checked(key, [said])[0])
    if address.version != version:
        raise SkerryError(f"{_WHERE}.{key}: {said!r} is no IPv{version} address")
    return address


def _checked(key: str, said: Iterable[object]) -> list[str]:
    for text in said:
        try:
            zone = getattr(ipaddress.ip_address(str(text)), "scope_id", None)
        except ValueError:
            zone = "none"
        if zone:
            raise SkerryError(f"{_WHERE}.{key}: {text!r} is no address", "Such as 192.0.2.1")
    return [str(text) for text in said]


def _networkd_ipv4(ipv4: Ipv4 | None) -> list[str]:
    if ipv4 is None:
        return []
    if ipv4.method is Method.DHCP:
        # The initramfs asks with the MAC too: both get the same lease.
        return ["DHCP=ipv4", "", "[DHCPv4]", "ClientIdentifier=mac"]
    on_link = ["GatewayOnLink=yes"] if ipv4.on_link else []
    route = ["", "[Route]", f"Gateway={ipv4.gateway}", *on_link] if ipv4.gateway else []
    return ["", "[Address]", f"Address={ipv4.address}", *route]


def _networkd_ipv6(ipv6: Ipv6 | None) -> list[str]:
    if ipv6 is None:
        return []
    # A provider's gateway is often a link-local address, or outside the prefix: it is always on the wire.
    route = ["", "[Route]", f"Gateway={ipv6.gateway}", "GatewayOnLink=yes"] if ipv6.gateway else []
    return ["", "[Address]", f"Address={ipv6.address}", *route]
