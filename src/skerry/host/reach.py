"""What a program in the sandbox may reach of the network: the world, and of what is private the one server that was named.

The kernel drops the rest (systemd's ``IPAddressDeny=``, by cgroup), whatever a name or a redirection leads to meanwhile.
"""

import dataclasses
import ipaddress
import json
import socket
from typing import Any

from skerry.host.run import run
from skerry.model.errors import Code, SkerryError

# Nowhere that a stranger's answer may lead a program: this host, its neighbours, what routers keep for such.
_PRIVATE = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3", "::/96", "64:ff9b::/32", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip
_RESOLVER = "/etc/resolv.conf"


@dataclasses.dataclass(frozen=True)
class Network:
    """The network without what is private.

    Attributes:
        server: host name or address of the server that is meant; wherever that leads is allowed.
    """

    server: str


def properties(network: Network) -> dict[str, tuple[str, Any]]:
    """The properties of a job with a network. What is denied the kernel drops, whatever a name leads to meanwhile."""
    denied = [ipaddress.ip_network(one) for one in _PRIVATE]
    denied += [ipaddress.ip_network(one) for one in _own_addresses()]
    allowed = [*resolvers(), *_addresses_of(network.server)]
    return {
        "PrivateNetwork": ("b", False),
        "RestrictAddressFamilies": ("(bas)", (True, ["AF_INET", "AF_INET6"])),
        "IPAddressDeny": ("a(iayu)", [_prefix(one) for one in denied]),
        "IPAddressAllow": ("a(iayu)", [_prefix(ipaddress.ip_network(one)) for one in allowed]),
    }


def _prefix(one: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[int, bytes, int]:
    family = socket.AF_INET if one.version == 4 else socket.AF_INET6
    return int(family), one.network_address.packed, one.prefixlen


def resolvers(path: str = _RESOLVER) -> list[str]:
    """The addresses of the host's name servers."""
    with open(path, encoding="utf-8", errors="replace") as file:
        words = [line.split() for line in file]
    return [one[1].partition("%")[0] for one in words if len(one) > 1 and one[0] == "nameserver"]


def _own_addresses() -> list[str]:
    """Every address of this host."""
    said = json.loads(run(["ip", "-json", "address"]))
    return [str(one["local"]) for link in said for one in link.get("addr_info", []) if "local" in one]


def _addresses_of(name: str) -> set[str]:
    """Where a name leads now.

    Raises:
        SkerryError: nowhere.
    """
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SkerryError(
            Code.INVALID,
            f"{name!r} cannot be found: {error.strerror}",
            "Check its name, and the host's name servers",
        ) from error
    return {str(one[4][0]).partition("%")[0] for one in found}
