"""What all tests share: how hypothesis works here, which lab a test belongs to, and the host on it."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
import testinfra
from hypothesis import settings
from testinfra.host import Host

ROOT = Path(__file__).parents[1]

# The same examples on every run, so that a red run is red again; HYPOTHESIS_PROFILE=deep looks further.
settings.register_profile("gate", max_examples=100, derandomize=True, deadline=None, database=None)
settings.register_profile("deep", max_examples=10_000, deadline=timedelta(seconds=10))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lab", choices=("fast", "metal"), help="run only the tests that belong on this kind of lab"
    )


def belongs_on(item: pytest.Item) -> str:
    """Tests of tests/system, and those that need what only a booted machine has, belong on metal; the others on fast."""
    needs = [what for mark in item.iter_markers("needs") for what in mark.args]
    return "metal" if needs or ROOT / "tests" / "system" in item.path.parents else "fast"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not (lab := config.getoption("--lab")):
        return
    elsewhere = [item for item in items if belongs_on(item) != lab]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


@pytest.fixture(scope="session")
def lab() -> str:
    """The name of the lab that the tests run on; it is up, and site.yml made a platform of it."""
    name = os.environ.get("SKERRY_LAB", "")
    if not name:
        pytest.fail("Which lab? `make test SUITES=fast`, or SKERRY_LAB=name pytest …", pytrace=False)
    return name


@pytest.fixture(scope="session")
def host(lab: str) -> Host:
    """The lab's host, by ssh as root (testinfra)."""
    return testinfra.get_host(f"ansible://{lab}?ansible_inventory={ROOT / 'inventories' / 'lab'}")
