"""How elements are written for nft and read from it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from skerry.host.nft import Element, _parse, _render

FIELDS = st.one_of(
    st.ip_addresses().map(str),
    st.integers(0, 65_535),
    st.integers(2**63, 2**128 - 1),
    st.from_regex(r"sk[1-9][0-9]{0,4}", fullmatch=True),
    st.binary(min_size=6, max_size=6).map(lambda mac: mac.hex(":")),
)
ELEMENTS = st.builds(
    Element,
    st.just("inet"),
    st.just("skerry"),
    st.sampled_from(["members4", "services6", "macs"]),
    st.lists(FIELDS, min_size=1, max_size=3).map(tuple),
    st.none() | st.integers(0, 2**32 - 1) | st.tuples(st.ip_addresses().map(str), st.integers(0, 65_535)),
)


def listing(element: Element) -> dict[str, Any]:
    """A set with this one element, as nft lists it."""
    rendered = _render(element)["element"]
    kind = "set" if element.value is None else "map"
    return {kind: {"family": "inet", "table": "skerry", "name": element.set, "elem": rendered["elem"]}}


@given(st.lists(ELEMENTS, max_size=5))
def test_what_is_written_is_read_back(elements: list[Element]) -> None:
    listed = [{"metainfo": {"version": "1.1.3"}}, {"table": {"name": "skerry"}}, *map(listing, elements)]
    assert set(_parse("inet", "skerry", listed)) == set(elements)


def test_numbers_above_64_bits_are_written_in_hexadecimal() -> None:
    entry = _render(Element("bridge", "skerry", "nd_targets", ("sk1", 0xFD << 120)))["element"]["elem"][0]
    assert entry == {"concat": ["sk1", "0xfd" + "0" * 30]}


def test_an_empty_set_has_no_elements() -> None:
    assert list(_parse("inet", "skerry", [{"set": {"name": "members4", "table": "skerry"}}])) == []


def test_an_element_with_a_comment_is_read_like_any_other() -> None:
    elem = [{"elem": {"val": {"concat": ["10.90.1.1", 1071]}, "comment": "by hand"}}]
    found = list(_parse("inet", "skerry", [{"set": {"name": "services4", "elem": elem}}]))
    assert found == [Element("inet", "skerry", "services4", ("10.90.1.1", 1071))]
