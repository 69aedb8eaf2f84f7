"""Prints how fast containers are beside those of Incus and podman, in turns (``make bench PEERS=1``).

Asserts only that everything worked, and that a second image shares its base: figures depend on the machine.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bench import hosts, tables
from tests.bench.tables import Goal
from tests.bench.test_speed import ROUNDS, WARM_UP
from tests.integration.playbooks import play

pytestmark = pytest.mark.skipif(not os.environ.get("PEERS"), reason="PEERS=1 measures Incus and podman too")

SHARED = 0.95  # of the base's page cache that the second container finds; the rest may be evicted meanwhile
OWN_LAYER = 6 * 1024**2  # bytes on disk: its file of 4 MiB, which can't be compressed, and what podman notes
GOALS = (
    Goal("create → running: ours, socket", "create → running: Incus, REST", 1 / 4),
    Goal("create → running: ours, socket", "create → running: podman run -d", 1 / 2),
    Goal("create → running: ours, socket", "create → running: bare: start → init runs", 1.0),
    Goal("create → running: skerry create", "create → running: incus launch", 1 / 2),
    Goal("stop + delete: ours, socket", "stop + delete: Incus, REST", 1 / 12),
    Goal("stop + delete: skerry delete", "stop + delete: incus delete --force", 1 / 6),
    Goal("exec true: ours, socket", "exec true: bare lxc-attach, no filter", 10, ratio=False),
    Goal("processor time: skerry list", "", 60, ratio=False),
    Goal("processor time: skerry ensure", "", 60, ratio=False),
)
WHOLE = (Goal("create → systemd is up: ours, socket", "create → systemd is up: Incus, REST", 1.0),)
OPERATIONS = ("create → running", "stop + delete", "exec true", "processor time")


@pytest.fixture(scope="module")
def peers(lab: str, hello: str) -> Iterator[dict[str, Any]]:
    """Incus and podman are on the lab, with the sample image; what versions they are."""
    hosts.bring(lab)
    try:
        yield hosts.run(lab, "peers_setup.py", "up")
    finally:
        hosts.run(lab, "peers_setup.py", "down")


def test_versions(peers: dict[str, Any]) -> None:
    rows = [*peers["versions"].items(), ("kernel", peers["kernel"])]
    print(tables.table("What was compared", ("package", "version"), rows))


def test_in_turns(lab: str, peers: dict[str, Any]) -> None:
    report = hosts.run(lab, "peers.py", ROUNDS, WARM_UP)
    found: dict[str, list[float]] = report["milliseconds"]
    for operation in OPERATIONS:
        rows = {
            what.removeprefix(f"{operation}: "): each
            for what, each in found.items()
            if what.startswith(operation)
        }
        print(tables.percentiles(operation, rows))
    print(tables.goals("Beside the peers", found, GOALS))
    steps = {what: each for what, each in found.items() if what.startswith(("create: ", "delete: "))}
    print(tables.percentiles("Where the engine's time goes", steps))
    assert report["leftovers"] == []
    assert all(len(each) == ROUNDS for each in found.values())


def test_a_second_image_on_the_same_base(lab: str, peers: dict[str, Any]) -> None:
    found: dict[str, int] = hosts.run(lab, "second_image.py")
    rows = [
        (what, f"{each}" if what.startswith("files") else mebibytes(each)) for what, each in found.items()
    ]
    print(tables.table("A second image on the same base", ("", "MiB, or files"), rows))
    assert found["files added by the second"] == 1
    assert found["disk added by the second"] < OWN_LAYER < found["disk added by the first"]
    whole = found["base in the page cache, the first has read all"]
    assert found["the same, seen through the second, which has not"] >= SHARED * whole
    assert found["base added when the second reads all"] <= (1 - SHARED) * whole
    assert found["own layer of the second, before"] < found["own layer of the second, after"]


def test_whole_debians(lab: str, peers: dict[str, Any]) -> None:
    play(lab, "playbooks/image/import.yml", "-e", "image=debian").ok()
    report = hosts.run(lab, "whole.py", "debian", max(ROUNDS // 3, 1))
    found: dict[str, list[float]] = report["milliseconds"]
    print(tables.percentiles("A whole Debian", found))
    print(tables.goals("Beside the peers", found, WHOLE))
    print(tables.memory("Memory of each of four idle ones", report["held"]))


def mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f}"
