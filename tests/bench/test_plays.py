"""Prints how long a play in a container takes, beside the same one on the host by ssh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import tables
from tests.bench.tables import Goal
from tests.integration.containers_by_ansible import PLUGIN, THIRTEEN_TASKS, Inventory
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
    folders = [tmp_path / name for name in ("listed", "by-hand")]
    for folder in folders:
        folder.mkdir()
    listed, by_hand = (Inventory(lab, folder) for folder in folders)
    (listed.folder / "containers.skerry.yml").write_text(
        f"plugin: {PLUGIN}\nhosts: [{lab}]\nhostname: skerry_container\n"
    )
    by_hand.write(**{container: {}})
    ways = {
        "in a container": (listed, container),
        "on the host, by ssh": (listed, lab),
        "in one listed by hand": (by_hand, container),
    }
    found: dict[str, list[float]] = {what: [] for what in ways}
    for number in range(ROUNDS + 1):
        for what, (inventory, name) in ways.items():
            fetched = f"fetched={tmp_path}/fetched"
            seconds = inventory.play(name, THIRTEEN_TASKS, "-e", fetched).ok().seconds
            if number:  # the first one opens the connections, and fills caches
                found[what].append(seconds * 1000)
    print(tables.percentiles("A play of 13 tasks", found))
    print(tables.goals("Beside ssh", found, [Goal(*list(found)[:2], 1.1)]))
