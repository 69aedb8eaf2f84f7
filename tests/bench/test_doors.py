"""Prints what the API adds to a question to the engine."""

import os
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.bench import hosts, tables
from tests.bench.on_host.doors import CLIENTS
from tests.bench.tables import Goal
from tests.integration.playbooks import play
from tests.integration.tokens import skerry, token

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "30"))
GOALS = (
    Goal("read by the API", "read by the engine's socket", 3.0),
    Goal("delete by the API", "delete by the engine's socket", 1.2),
)
LEAST = 600  # answers a second


@pytest.fixture
def operators(lab: str, host: Host) -> Iterator[list[str]]:
    """A token for each of many clients, on a host with the API."""
    play(lab, "site.yml", "-e", '{"proxy_api": true}').ok()
    names = [f"bench-{number}" for number in range(CLIENTS)]
    yield [token(host, name, "--template operator") for name in names]
    for name in names:
        skerry(host, f"token revoke {name}")


@pytest.mark.usefixtures("hello")
def test_the_api(lab: str, operators: list[str]) -> None:
    hosts.bring(lab)
    done = hosts.run(lab, "doors.py", ROUNDS, *operators)
    found: dict[str, list[float]] = done["milliseconds"]
    print(tables.percentiles("A container by the API, and by the engine's socket", found))
    print(tables.goals("The API beside the engine's socket", found, GOALS))
    each = f"{done['per_second']:.0f}"
    held = "yes" if done["per_second"] >= LEAST else "no"
    rows = [(f"reads a second, {CLIENTS} clients", each, f"≥ {LEAST}", held)]
    print(tables.table("Many at once", ("", "figure", "goal", "held"), rows))
