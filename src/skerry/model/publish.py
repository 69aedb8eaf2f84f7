"""Ports of the host that lead to a port of a container, for what is not HTTP: as they are, or by TLS through the proxy."""

import dataclasses
import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

Protocol = Literal["tcp", "udp", "tls"]

_ENTRY = re.compile(r"([0-9]{1,5})(?::([0-9]{1,5}))?(?:/(tcp|udp|tls)(\+proxy)?)?")
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_LAST = 65_535
_MARKS: dict[str, int] = {"tcp": 0x5D000000, "udp": 0x5C000000}
_DHCP_SERVERS = {67, 547}  # the bridge lets no answer of one pass


@dataclasses.dataclass(frozen=True, order=True)
class Published:
    """One entry of ``publish``.

    Attributes:
        host_port: that the host takes packets at.
        port: of the container, where they go.
        protocol: by which. ``tls`` is TCP that the proxy takes out of TLS; the name in the handshake says for whom.
        header: whether a header of the PROXY protocol, version 2, tells the container first who asks.
    """

    host_port: int
    port: int
    protocol: Protocol
    header: bool = False

    def __str__(self) -> str:
        own = "" if self.port == self.host_port else f":{self.port}"
        protocol = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"{self.host_port}{own}{protocol}{'+proxy' * self.header}"

    @property
    def taken(self) -> str:
        """What it has of the host. No other container can have it meanwhile, unless it is shared."""
        return f"{self.host_port}/{self.protocol}"

    @property
    def shared(self) -> bool:
        """Whether other containers have the same port of the host, each by its name."""
        return self.protocol == "tls"


def mark(protocol: str, host_port: int) -> int:
    """The mark on the flows by a published port. No other port has it, whosever it is."""
    return _MARKS[protocol] | host_port


def is_tcp(flows: int) -> bool:
    """Whether a mark is that of a port by TCP."""
    return flows & ~_LAST == _MARKS["tcp"]


def parse(text: str) -> Published:
    """What an entry of ``publish`` means.

    Raises:
        ValueError: it means nothing.
    """
    found = _ENTRY.fullmatch(text)
    ports = [int(one) for one in found.groups()[:2] if one] if found else []
    if not found or not all(1 <= port <= _LAST for port in ports):
        raise ValueError(
            f"{text!r} must be HOSTPORT[:PORT][/PROTOCOL], such as 5432, 8025:25 or 5353:53/udp; ranges and addresses "
            "of the host are not known here. PROTOCOL is tcp, udp, tls or tls+proxy. "
            "In YAML put it in quotes: else 8025:25 is one number"
        )
    protocol: Protocol = "udp" if found[3] == "udp" else "tls" if found[3] == "tls" else "tcp"
    entry = Published(ports[0], ports[-1], protocol, bool(found[4]))
    if entry.header and not entry.shared:
        raise ValueError(
            f"{text!r}: only what comes by TLS passes the proxy, and may begin with a PROXY header. By {protocol} the "
            "container sees the address of whoever asks: leave '+proxy' out"
        )
    if entry.protocol == "udp" and entry.port in _DHCP_SERVERS:
        raise ValueError(
            f"{text!r} leads to a DHCP server, whose answers no container may send; choose another port"
        )
    return entry


def is_port(text: str) -> bool:
    """Whether that is a port, written as a number without zeros before it."""
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= _LAST and text == str(int(text))


def by_tls(entries: Iterable[str]) -> list[Published]:
    """Those entries of ``publish`` that are reached by TLS through the proxy, sorted."""
    return sorted(one for one in map(parse, entries) if one.shared)


def check_publish(value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no entry, and a port of the host that is there twice."""
    entries = [parse(text) for text in value]
    taken = [one.taken for one in entries]
    for one in taken:
        if taken.count(one) > 1:
            raise ValueError(
                f"port {one} of the host is there twice; it leads to one port, so leave one of them out"
            )
    return tuple(map(str, entries))


Publish = Annotated[
    tuple[str, ...],
    AfterValidator(check_publish),
    Field(
        max_length=64,
        description="Ports of the host that lead to it, for what is not HTTP: HOSTPORT[:PORT][/PROTOCOL], such as 5432, "
        "8025:25 or 5353:53/udp. Without PORT it is the same one, without PROTOCOL tcp. Everybody who reaches the host "
        "reaches it. The host says which ports may be published. With /tls the proxy ends TLS at that port, one of its "
        "proxy_tls_ports. The name in the handshake says which container: its host name, or an alias of it. With "
        "/tls+proxy a header of the PROXY protocol, version 2, tells the program who asks.",
    ),
]


@dataclasses.dataclass(frozen=True)
class Ports:
    """A set of ports, as ranges."""

    ranges: tuple[tuple[int, int], ...] = ()

    def __contains__(self, port: int) -> bool:
        """Whether a port is one of them."""
        return any(first <= port <= last for first, last in self.ranges)

    def __str__(self) -> str:
        return ", ".join(str(one) if one == last else f"{one}-{last}" for one, last in self.ranges) or "none"


def read_ports(texts: Iterable[str]) -> Ports:
    """Ports from texts such as ``5432`` or ``1024-65535``.

    Raises:
        ValueError: one of them is no port, and no range of ports.
    """
    ranges = []
    for text in texts:
        found = _RANGE.fullmatch(str(text))
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last <= _LAST:
            raise ValueError(f"{text!r} must be a port such as 5432, or a range such as 1024-65535")
        ranges.append((first, last))
    return Ports(tuple(sorted(ranges)))
