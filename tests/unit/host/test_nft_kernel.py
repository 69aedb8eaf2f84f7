"""How elements are written for the kernel. That it understands them is seen in test_firewall_changes.py."""

import ipaddress
import re
import struct
from pathlib import Path

import pytest

from skerry.host.nft import Element
from skerry.host.nft_kernel import _FIELDS, _described

RULES = Path(__file__).parents[3] / "roles/firewall/templates/etc/skerry/firewall.nft.j2"
INTERFACE = b"sk1".ljust(16, b"\0")


def test_it_knows_every_set_of_the_rules_and_no_other() -> None:
    assert set(re.findall(r"^\t(?:set|map) (\w+) {", RULES.read_text(), re.MULTILINE)) == set(_FIELDS)


@pytest.mark.parametrize(
    ("name", "key", "value", "raw"),
    [
        ("macs", ("sk1", "02:5e:00:00:00:01"), None, INTERFACE + b"\2\x5e\0\0\0\1\0\0"),
        ("nd_macs", ("sk1", 0x025E00000001), None, INTERFACE + b"\2\x5e\0\0\0\1\0\0"),
        ("own4", ("sk1", "10.90.1.1"), None, INTERFACE + b"\x0a\x5a\1\1"),
        ("own6", ("sk1", "fe80::1"), None, INTERFACE + b"\xfe\x80" + bytes(13) + b"\1"),
        ("nd_targets", ("sk1", 0xFE << 120 | 1), None, INTERFACE + b"\xfe" + bytes(14) + b"\1"),
        ("services4", ("10.90.1.1", 1071), None, b"\x0a\x5a\1\1\4\x2f\0\0"),
        (
            "reaches4",
            ("10.90.1.1", "10.90.1.2", "udp", 1071),
            None,
            b"\x0a\x5a\1\1\x0a\x5a\1\2\x11\0\0\0\4\x2f\0\0",
        ),
        ("marks4", ("10.90.1.1",), 0x5E000001, b"\x0a\x5a\1\1"),
        ("published", ("udp", 5353), 0x5C0014E9, b"\x11\0\0\0\x14\xe9\0\0"),
        ("admitted4", ("10.90.1.1", 0x5C0014E9), None, b"\x0a\x5a\1\1" + struct.pack("=I", 0x5C0014E9)),
    ],
)
def test_a_key_is_written_as_it_stands_in_packets(
    name: str, key: tuple[str | int, ...], value: int | None, raw: bytes
) -> None:
    described = _described(Element("inet", "skerry", name, key, value))
    assert described[:8] == bytes([len(raw) + 8, 0, 1, 0x80, len(raw) + 4, 0, 1, 0])
    assert described[8 : 8 + len(raw)] == raw
    assert len(described) == 8 + len(raw) + (12 if value is not None else 0)


@pytest.mark.parametrize(("name", "address"), [("published4", "10.90.1.1"), ("published6", "fd5e::1")])
def test_where_a_published_port_leads_is_written_as_it_stands_in_packets(name: str, address: str) -> None:
    described = _described(Element("inet", "skerry", name, ("tcp", 5432), (address, 25)))
    assert described[8:16] == b"\6\0\0\0\x15\x38\0\0"
    assert described.endswith(ipaddress.ip_address(address).packed + b"\0\x19\0\0")
