"""A container's port on the bridge, set apart and taken away, as the kernel's own programs see it."""

import json
from collections.abc import Iterator

import pytest

from skerry.host import links
from tests.integration.namespaces import Net, run, standing

PORT = "sk1"


@pytest.fixture
def net() -> Iterator[Net]:
    """A host whose ports are not set apart; the test itself is inside the host's namespace."""
    with standing("sklinks") as built:
        yield built


def isolated() -> dict[str, bool]:
    """Which ports are."""
    found = json.loads(run("ip", "-json", "-details", "link", "show", "type", "bridge_slave"))
    return {link["ifname"]: link["linkinfo"]["info_slave_data"]["isolated"] for link in found if link}


@pytest.mark.usefixtures("net")
def test_one_port_is_set_apart_and_no_other() -> None:
    assert isolated() == {"sk1": False, "sk2": False, "sk3": False}
    for _ in range(2):
        links.isolate(PORT)
        assert isolated() == {"sk1": True, "sk2": False, "sk3": False}


@pytest.mark.usefixtures("net")
def test_one_link_is_taken_away_once_and_no_other() -> None:
    for _ in range(2):
        links.remove(PORT)
        assert set(isolated()) == {"sk2", "sk3"}


@pytest.mark.usefixtures("net")
def test_what_is_no_port_cannot_be_set_apart() -> None:
    for name in ("sk9", "lo"):
        with pytest.raises(OSError, match=r"No such device|not supported|no interface"):
            links.isolate(name)
