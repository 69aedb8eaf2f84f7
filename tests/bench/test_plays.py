"""Prints how long a play in a container takes, beside the same one on the host by ssh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import tables
from tests.bench.tables import Goal
from tests.integration.containers_by_ansible import THIRTEEN_TASKS, Inventory
from tests.integration.image_lab import ImageLab
from tests.integration.playbooks import play

NAME, ROUNDS = "bench-play", 8


@pytest.fixture
def container(lab: str) -> Iterator[str]:
    """One with Python, for this test."""
    play(lab, "playbooks/image/import.yml", "-e", "image=debian").ok()
    spec = {"image": "debian", "command": ["/bin/sleep", "infinity"]}
    images = ImageLab(lab)
    images.ask(
        "ensure", container={"name": NAME}, state="started", spec=spec, wait="running", timeout=120
    ).ok()
    yield NAME
    images.ask("ensure", container={"name": NAME}, state="absent").ok()


def test_thirteen_tasks(lab: str, container: str, tmp_path: Path) -> None:
    inventory = Inventory(lab, tmp_path).write(**{container: {}})
    found: dict[str, list[float]] = {"in a container": [], "on the host, by ssh": []}
    for number in range(ROUNDS + 1):
        for what, name in zip(found, (container, lab), strict=True):
            seconds = inventory.play(name, THIRTEEN_TASKS, "-e", f"fetched={tmp_path}/fetched").ok().seconds
            if number:  # the first one opens the connections, and fills caches
                found[what].append(seconds * 1000)
    print(tables.percentiles("A play of 13 tasks", found))
    print(tables.goals("Beside ssh", found, [Goal(*found, 1.1)]))
