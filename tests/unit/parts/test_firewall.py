"""Which elements a container has, and that no two containers share one."""

import ipaddress
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.host.nft import Element
from skerry.model.addresses import addresses
from skerry.model.host import HostConfig
from skerry.model.publish import mark
from skerry.parts.base import Part
from skerry.parts.firewall import FirewallEntry, _address, _ended, _slot, link_local

HOST = HostConfig(domain="skerry.test")
SLOTS = st.integers(1, 40_000)
PUBLISHED = st.lists(
    st.tuples(st.sampled_from(["tcp", "udp"]), st.integers(1, 65_535), st.integers(1, 65_535)),
    unique_by=lambda one: one[:2],
    max_size=8,
).map(tuple)
SERVICES = st.lists(st.integers(1, 65_535), unique=True, max_size=8).map(tuple)


def entry(
    slot: int, services: tuple[int, ...] = (1071,), published: tuple[tuple[str, int, int], ...] = ()
) -> FirewallEntry:
    own = addresses(HOST, slot)
    return FirewallEntry(slot, own.mac, own.ipv4, own.ipv6, services, published)


def test_the_elements_of_slot_one() -> None:
    bridge = {(item.set, item.key) for item in entry(1).elements() if item.family == "bridge"}
    inet = {(item.set, item.key, item.value) for item in entry(1).elements() if item.family == "inet"}
    assert bridge == {
        ("macs", ("sk1", "02:5e:00:00:00:01")),
        ("own4", ("sk1", "10.90.1.1")),
        ("own6", ("sk1", "fd5e:6b65:7279::101")),
        ("own6", ("sk1", "fe80::5e:ff:fe00:1")),
        ("nd_macs", ("sk1", 0x025E00000001)),
        ("nd_targets", ("sk1", 0xFD5E6B65727900000000000000000101)),
        ("nd_targets", ("sk1", 0xFE80000000000000005E00FFFE000001)),
    }
    assert inet == {
        ("members4", ("10.90.1.1",), None),
        ("members6", ("fd5e:6b65:7279::101",), None),
        ("marks4", ("10.90.1.1",), 0x5E000001),
        ("marks6", ("fd5e:6b65:7279::101",), 0x5E000001),
        ("services4", ("10.90.1.1", 1071), None),
        ("services6", ("fd5e:6b65:7279::101", 1071), None),
    }


def test_the_elements_of_a_published_port() -> None:
    every = set(entry(1, (), (("udp", 5353, 53),)).elements()) - set(entry(1, ()).elements())
    assert {(item.set, item.key, item.value) for item in every} == {
        ("published", ("udp", 5353), 0x5C0014E9),
        ("published4", ("udp", 5353), ("10.90.1.1", 53)),
        ("published6", ("udp", 5353), ("fd5e:6b65:7279::101", 53)),
        ("admitted4", ("10.90.1.1", 0x5C0014E9), None),
        ("admitted6", ("fd5e:6b65:7279::101", 0x5C0014E9), None),
    }


@pytest.mark.parametrize(
    ("after", "forgotten"),
    [
        ((("tcp", 5432, 5432), ("udp", 53, 53)), set()),
        ((("tcp", 5432, 5432),), {("udp", 53)}),
        ((("udp", 53, 53),), set()),  # by TCP both ends are told
        ((("tcp", 5432, 5433), ("udp", 53, 54)), {("tcp", 5432), ("udp", 53)}),
        ((("tcp", 5432, 5432), ("udp", 53, 53), ("udp", 54, 54)), set()),
    ],
)
def test_flows_are_forgotten_where_they_lead_elsewhere(
    after: tuple[tuple[str, int, int], ...], forgotten: set[tuple[str, int]]
) -> None:
    before = set(entry(1, (), (("tcp", 5432, 5432), ("udp", 53, 53))).elements())
    assert _ended(before - set(entry(1, (), after).elements())) == {mark(*one) for one in forgotten}


@given(SLOTS, SERVICES)
def test_their_number_follows_from_the_services_alone(slot: int, services: tuple[int, ...]) -> None:
    assert len(list(entry(slot, services).elements())) == 11 + 2 * len(services)


@given(st.lists(SLOTS, unique=True, min_size=2, max_size=20))
def test_no_two_containers_share_an_element_or_a_mark(slots: list[int]) -> None:
    everything = [element for slot in slots for element in entry(slot).elements()]
    assert len({(element.set, element.key) for element in everything}) == len(everything)
    assert len({element.value for element in everything if element.value is not None}) == len(slots)


@given(SLOTS, SLOTS, SERVICES, PUBLISHED)
def test_a_container_owns_its_elements_and_nobody_else_s(
    slot: int, other: int, services: tuple[int, ...], published: tuple[tuple[str, int, int], ...]
) -> None:
    half = len(published) // 2
    mine = set(entry(slot, published=published[:half]).elements())
    live = mine | set(entry(other, services, published[half:]).elements())
    assert entry(slot)._own(live) == (live if slot == other else mine)


@given(SLOTS, PUBLISHED)
def test_the_slot_can_be_read_from_every_element(
    slot: int, published: tuple[tuple[str, int, int], ...]
) -> None:
    """But for the mark of a published port, which comes with others."""
    every = [one for one in entry(slot, published=published).elements() if one.set != "published"]
    assert {_slot(HOST, _address(element)) for element in every} == {slot}


@pytest.mark.parametrize("text", ["FD5E:6B65:7279:0:0:0:0:101", "fd5e:6b65:7279:0000::0101"])
def test_an_address_is_written_as_nft_writes_it(text: str) -> None:
    own = addresses(HOST, 1)
    assert set(FirewallEntry(1, own.mac, own.ipv4, text, (1071,)).elements()) == set(entry(1).elements())


@given(st.binary(min_size=6, max_size=6))
def test_link_local_addresses_are_modified_eui_64(mac: bytes) -> None:
    address = link_local(mac.hex(":"))
    assert address in ipaddress.IPv6Network("fe80::/64")
    interface = address.packed[8:]
    assert (interface[3:5], interface[1:3] + interface[5:]) == (b"\xff\xfe", mac[1:])
    assert interface[0] ^ mac[0] == 0x02


@given(SLOTS, SERVICES, PUBLISHED)
def test_the_journal_gives_back_what_it_was_given(
    slot: int, services: tuple[int, ...], published: tuple[tuple[str, int, int], ...]
) -> None:
    given_ = entry(slot, services, published)
    assert Part.from_json(json.loads(json.dumps(given_.to_json()))) == given_


def test_the_journal_of_an_older_skerry_is_read() -> None:
    older = entry(1).to_json()
    del older["published"]
    assert Part.from_json(older) == entry(1)


def test_elements_are_values() -> None:
    assert Element("inet", "skerry", "members4", ("10.90.1.1",)) in set(entry(1).elements())
