"""A container's place in the firewall: elements of the sets that ``/etc/skerry/firewall.nft`` declares.

Every change is one transaction, so an interrupted one leaves either the old or the new state. A container's elements are
simply created and deleted as a whole; where some are there already, or missing, as after a crash, and for other services,
it is worked out from the live elements.
"""

import contextlib
import dataclasses
import ipaddress
from collections.abc import Iterable, Iterator
from typing import ClassVar, Protocol

from skerry.host import conntrack, nft, nft_kernel
from skerry.host.nft import Element
from skerry.host.run import ProgramError
from skerry.model.addresses import FIRST_HOST
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.publish import is_tcp, mark
from skerry.parts.base import Part

TABLE = "skerry"
REACHES = ("reaches4", "reaches6")  # sets whose elements are of two containers: parts/neighbours.py
_ADMITTED = {"admitted4", "admitted6"}
_PUBLISHED = {"published", "published4", "published6"}
_FAMILIES = ("bridge", "inet")
_MARK = 0x5E000000  # plus the slot: connection marks of our own, apart from other programs' small numbers


class NotLoadedError(SkerryError):
    """A table of ours is missing."""


class HasElements(Protocol):
    """What has a place in the firewall."""

    def elements(self) -> Iterable[Element]:
        """Every element that it needs."""


@dataclasses.dataclass(frozen=True)
class FirewallEntry(Part):
    """The entries of one container: only these addresses leave its interface, only these ports are reached.

    Attributes:
        slot: its slot number.
        mac: its MAC address.
        ipv4: its IPv4 address.
        ipv6: its global or unique local IPv6 address.
        services: the TCP ports that the proxy may connect to.
        published: ports of the host that lead to it: protocol, port of the host, its own port.
    """

    kind: ClassVar[str] = "firewall"
    slot: int
    mac: str
    ipv4: str
    ipv6: str
    services: tuple[int, ...]
    published: tuple[tuple[str, int, int], ...] = ()

    def __post_init__(self) -> None:
        """The journal has lists for tuples, inside of one too."""
        object.__setattr__(self, "published", tuple((*one,) for one in self.published))

    def __str__(self) -> str:
        return f"firewall entries of sk{self.slot}"

    def make(self, host: HostConfig) -> None:  # noqa: ARG002
        """Let it in with exactly these services and published ports. Flows by others, which were its, end.

        Raises:
            SkerryError: the firewall is not loaded.
        """
        with loaded():
            created = nft_kernel.create(self.elements())
        if not created:
            found, wanted = self._own(live_elements()), set(self.elements())
            _replace(found, wanted)
            for one in _ended(found - wanted):
                conntrack.forget_flows(one)

    def remove(self, host: HostConfig) -> None:  # noqa: ARG002
        """Shut it out and forget its flows, so that none of them outlives the address.

        It is in no table that is not loaded: that must not keep a container from being stopped, undone or deleted.
        """
        if not nft_kernel.delete(self.elements()):
            self._remove_what_is_there()
        for flows in (_MARK | self.slot, *(mark(protocol, port) for protocol, port, _own in self.published)):
            conntrack.forget_flows(flows)

    def _remove_what_is_there(self) -> None:
        live: set[Element] = set()
        for family in _FAMILIES:
            with contextlib.suppress(NotLoadedError), loaded():
                live |= nft.elements(family, TABLE)
        _replace(self._own(live), set())

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """Whether exactly its elements are there.

        Raises:
            SkerryError: the firewall is not loaded.
        """
        return self._own(live_elements()) == set(self.elements())

    def elements(self) -> Iterator[Element]:
        """Every element that this container needs."""
        interface, mac = f"sk{self.slot}", int(self.mac.replace(":", ""), 16)
        yield Element("bridge", TABLE, "macs", (interface, self.mac))
        yield Element("bridge", TABLE, "nd_macs", (interface, mac))
        yield Element("bridge", TABLE, "own4", (interface, self.ipv4))
        for own in (ipaddress.IPv6Address(self.ipv6), link_local(self.mac)):
            yield Element("bridge", TABLE, "own6", (interface, str(own)))
            yield Element("bridge", TABLE, "nd_targets", (interface, int(own)))
        for version, address in (("4", self.ipv4), ("6", str(ipaddress.IPv6Address(self.ipv6)))):
            yield Element("inet", TABLE, f"members{version}", (address,))
            yield Element("inet", TABLE, f"marks{version}", (address,), _MARK | self.slot)
            for service in self.services:
                yield Element("inet", TABLE, f"services{version}", (address, service))
            for protocol, host_port, port in self.published:
                key, flows = (protocol, host_port), mark(protocol, host_port)
                yield Element("inet", TABLE, f"published{version}", key, (address, port))
                yield Element("inet", TABLE, f"admitted{version}", (address, flows))
        for protocol, host_port, _port in self.published:
            yield Element("inet", TABLE, "published", (protocol, host_port), mark(protocol, host_port))

    def _own(self, live: Iterable[Element]) -> set[Element]:
        """Which of ``live`` are this container's alone: those of its interface and its addresses."""
        names = {f"sk{self.slot}", self.ipv4, str(ipaddress.IPv6Address(self.ipv6))}
        live = {element for element in live if element.set not in REACHES}
        own = {element for element in live if _address(element) in names}
        marks = {element.key[1] for element in own if element.set in _ADMITTED}
        return own | {element for element in live if element.set == "published" and element.value in marks}


def _address(element: Element) -> str:
    """Whose it is: an address or an interface."""
    return str((element.value if isinstance(element.value, tuple) else element.key)[0])


def _ended(gone: Iterable[Element]) -> set[int]:
    """Marks of the flows that the kernel is to forget when these elements of published ports are gone.

    What is published no more is not among them by TCP: so both ends are told.
    """
    gone = list(gone)
    marks = {mark(str(one.key[0]), int(one.key[1])) for one in gone if one.set in _PUBLISHED}
    return marks - {one.key[1] for one in gone if one.set in _ADMITTED and is_tcp(int(one.key[1]))}


def link_local(mac: str) -> ipaddress.IPv6Address:
    """The link-local address that the kernel derives from a MAC (modified EUI-64, RFC 4291)."""
    first, *rest = bytes.fromhex(mac.replace(":", ""))
    return ipaddress.IPv6Address(
        b"\xfe\x80" + bytes(6) + bytes([first ^ 2, *rest[:2], 0xFF, 0xFE, *rest[2:]])
    )


def replace_all(entries: Iterable[HasElements]) -> None:
    """Make exactly these elements be there, in one transaction; flows of all others are forgotten.

    Raises:
        SkerryError: the firewall is not loaded.
    """
    desired = {element for entry in entries for element in entry.elements()}
    found = live_elements()
    _replace(found, desired)
    marks = {element.value for element in found - desired if isinstance(element.value, int)}
    marks |= {int(element.key[1]) for element in found - desired if element.set in _ADMITTED}
    for flows in marks - {element.value for element in desired if element.set.startswith("marks")}:
        conntrack.forget_flows(flows)


def slots(host: HostConfig) -> frozenset[int]:
    """The slots that any element belongs to, whole or in part: what a search for leftovers wants to know.

    Raises:
        SkerryError: the firewall is not loaded.
    """
    return frozenset(_slot(host, _address(one)) for one in live_elements() if one.set != "published")


def _slot(host: HostConfig, name: str) -> int:
    if name.startswith("sk"):
        return int(name.removeprefix("sk"))
    address = ipaddress.ip_address(name)
    prefix = ipaddress.ip_network(host.ipv4 if address.version == 4 else host.ipv6)
    return int(address) - int(prefix.network_address) - FIRST_HOST


def _replace(live: set[Element], desired: set[Element]) -> None:
    nft.change(remove=live - desired, add=desired - live)


def live_elements() -> set[Element]:
    """Every element of our tables.

    Raises:
        SkerryError: the firewall is not loaded.
    """
    with loaded():
        return set().union(*(nft.elements(family, TABLE) for family in _FAMILIES))


@contextlib.contextmanager
def loaded() -> Iterator[None]:
    """Says what to do where nft or the kernel says that the tables are not there."""
    try:
        yield
    except (ProgramError, FileNotFoundError) as error:
        if isinstance(error, ProgramError) and "No such file or directory" not in error.stderr:
            raise
        raise NotLoadedError(
            Code.HOST,
            "the firewall is not loaded: nftables has no table 'skerry'",
            "Run 'systemctl reload-or-restart skerry-firewall' on this host, or its playbook",
        ) from error
