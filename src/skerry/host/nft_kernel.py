"""nftables without ``nft``: a container's own elements, created and deleted by one batch of messages to the kernel.

A tenth of a millisecond instead of a program's start. The kernel knows no types, so the fields of each set that
``/etc/skerry/firewall.nft`` declares are named here; a test lets ``nft`` read what was written.
"""

import errno
import ipaddress
import itertools
import os
import socket
import struct
from collections.abc import Callable, Iterable

from skerry.host import netlink
from skerry.host.netlink import NESTED, attribute
from skerry.host.nft import Element, Field

# Numbers of include/uapi/linux/netfilter/{nfnetlink,nf_tables}.h
_BATCH_BEGIN, _BATCH_END, _SUBSYSTEM = 16, 17, 10
_NEW, _DELETE = _SUBSYSTEM << 8 | 12, _SUBSYSTEM << 8 | 14
_TABLE, _SET, _ELEMENTS, _ELEMENT = 1, 2, 3 | NESTED, 1 | NESTED
_KEY, _DATA, _VALUE = 1 | NESTED, 2 | NESTED, 1
_FAMILIES = {"inet": 1, "bridge": 7}
_GENERIC = struct.Struct("!BBH")  # struct nfgenmsg: family, version, resource


def _interface(field: Field) -> bytes:
    return str(field).encode().ljust(16, b"\0")


def _mac(field: Field) -> bytes:
    return bytes.fromhex(str(field).replace(":", ""))


def _address(field: Field) -> bytes:
    return ipaddress.ip_address(field).packed


def _protocol(field: Field) -> bytes:
    return bytes([{"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}[str(field)]])


def _number(length: int) -> Callable[[Field], bytes]:
    return lambda field: int(field).to_bytes(length, "big")


def _mark(field: Field) -> bytes:
    return struct.pack("=I", field)


_FIELDS: dict[str, tuple[Callable[[Field], bytes], ...]] = {
    "macs": (_interface, _mac),
    "nd_macs": (_interface, _number(6)),
    "own4": (_interface, _address),
    "own6": (_interface, _address),
    "nd_targets": (_interface, _number(16)),
    **{f"{name}{version}": (_address,) for name in ("members", "marks") for version in "46"},
    **{f"services{version}": (_address, _number(2)) for version in "46"},
    **{f"reaches{version}": (_address, _address, _protocol, _number(2)) for version in "46"},
    **{f"published{version}": (_protocol, _number(2)) for version in ("", "4", "6")},
    **{f"admitted{version}": (_address, _mark) for version in "46"},
}
_VALUES = (_address, _number(2))  # of a map whose values are no marks


def create(new: Iterable[Element]) -> bool:
    """Add elements none of which is there yet, in one transaction.

    Returns:
        False where one of them is there already; nothing has changed then.

    Raises:
        OSError: the kernel refused; ENOENT where a set is missing.
    """
    return _transact(_NEW, netlink.CREATE | netlink.EXCLUSIVE, new, refused=errno.EEXIST)


def add(new: Iterable[Element]) -> None:
    """Add elements some of which may be there already, in one transaction.

    Raises:
        OSError: the kernel refused; ENOENT where a set is missing.
    """
    _transact(_NEW, netlink.CREATE, new, refused=0)


def delete(old: Iterable[Element]) -> bool:
    """Take elements away all of which are there, in one transaction.

    Returns:
        False where one of them, or a set, is missing; nothing has changed then.

    Raises:
        OSError: the kernel refused.
    """
    return _transact(_DELETE, 0, old, refused=errno.ENOENT)


def _transact(kind: int, flags: int, elements: Iterable[Element], refused: int) -> bool:
    """Whether the kernel carried it out, or answered ``refused``."""
    by_set = itertools.groupby(sorted(elements, key=_place), key=_place)
    changes = [netlink.message(kind, flags | netlink.ACK, _listed(*place, group)) for place, group in by_set]
    edge = _GENERIC.pack(socket.AF_UNSPEC, 0, _SUBSYSTEM)
    begin, end = (netlink.message(each, 0, edge) for each in (_BATCH_BEGIN, _BATCH_END))
    number = netlink.ask(netlink.NETFILTER, [begin, *changes, end], len(changes))
    if number not in {0, refused}:
        raise OSError(number, f"nftables: {os.strerror(number)}")
    return number == 0


def _place(element: Element) -> tuple[str, str, str]:
    return element.family, element.table, element.set


def _listed(family: str, table: str, name: str, elements: Iterable[Element]) -> bytes:
    """The body of a message about elements of one set."""
    listed = b"".join(attribute(_ELEMENT, _described(element)) for element in elements)
    return (
        _GENERIC.pack(_FAMILIES[family], 0, 0)
        + attribute(_TABLE, table.encode() + b"\0")
        + attribute(_SET, name.encode() + b"\0")
        + attribute(_ELEMENTS, listed)
    )


def _described(element: Element) -> bytes:
    described = attribute(_KEY, attribute(_VALUE, _packed(_FIELDS[element.set], element.key)))
    if element.value is not None:
        value = element.value if isinstance(element.value, tuple) else (element.value,)
        kinds = _VALUES if isinstance(element.value, tuple) else (_mark,)
        described += attribute(_DATA, attribute(_VALUE, _packed(kinds, value)))
    return described


def _packed(kinds: Iterable[Callable[[Field], bytes]], fields: Iterable[Field]) -> bytes:
    """Fields as they stand in packets, one after the other."""
    return b"".join(netlink.padded(raw(field)) for raw, field in zip(kinds, fields, strict=True))
