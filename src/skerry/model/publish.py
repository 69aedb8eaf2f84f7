"""Ports of the host that lead to a port of a container: for what is not HTTP, and so not the proxy's."""

import dataclasses
import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

Protocol = Literal["tcp", "udp"]

_ENTRY = re.compile(r"([0-9]{1,5})(?::([0-9]{1,5}))?(?:/(tcp|udp))?")
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
        protocol: by which.
    """

    host_port: int
    port: int
    protocol: Protocol

    def __str__(self) -> str:
        own = "" if self.port == self.host_port else f":{self.port}"
        return f"{self.host_port}{own}{'' if self.protocol == 'tcp' else '/udp'}"

    @property
    def taken(self) -> str:
        """What no other container can have meanwhile."""
        return f"{self.host_port}/{self.protocol}"


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
            "of the host are not known here. In YAML put it in quotes: else 8025:25 is one number"
        )
    entry = Published(ports[0], ports[-1], "udp" if found[3] == "udp" else "tcp")
    if entry.protocol == "udp" and entry.port in _DHCP_SERVERS:
        raise ValueError(
            f"{text!r} leads to a DHCP server, whose answers no container may send; choose another port"
        )
    return entry


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
        "reaches it. The host says which ports may be published.",
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
