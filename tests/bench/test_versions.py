"""Prints how fast this Skerry is beside an earlier one, in turns (``make bench BEFORE=786e862``).

Each has a fast lab of its own on the same computer, with the same image, and the host is set up by its own site.yml.
"""

import collections
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skerry_lab.mitogen import environment
from tests.bench import hosts, tables
from tests.bench.conftest import lab_command
from tests.bench.tables import Goal
from tests.bench.test_speed import ROUNDS, WARM_UP
from tests.upgrade import before

BEFORE = os.environ.get("BEFORE", "")
OLD_LAB = "bench-before"
TURN = 5  # rounds
KEPT = Path(before.__file__).parent
OPERATIONS = ("create → running", "delete → answer")

pytestmark = pytest.mark.skipif(not BEFORE, reason="BEFORE=786e862 measures that version too")


@pytest.fixture(scope="module")
def old_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A lab that the earlier version has set up, with its sample image."""
    kept = [path.parent.name for path in KEPT.glob("*/tree.tar.xz")]
    if BEFORE not in kept:
        pytest.fail(
            f"BEFORE={BEFORE}: no such version is kept; tests/upgrade has {', '.join(kept)}", pytrace=False
        )
    tree = before.unpack(tmp_path_factory.mktemp("old"))
    try:
        lab_command("up", OLD_LAB, "--owner", OLD_LAB, "--fresh")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**environment(), "SKERRY_LAB": OLD_LAB}.items():
                patch.setenv(name, value)
            before.play_old(tree, OLD_LAB, "site.yml").ok()
            before.play_old(tree, OLD_LAB, "playbooks/image/hello.yml").ok()
        with before.without_uidmap(OLD_LAB):
            yield OLD_LAB
    finally:
        lab_command("down", OLD_LAB)


def test_in_turns(lab: str, hello: str, old_lab: str) -> None:
    labs = {"before": old_lab, "now": lab}
    for each in labs.values():
        hosts.bring(each)
    found: dict[str, list[float]] = collections.defaultdict(list)
    for turn in range(-(-ROUNDS // TURN)):
        # Neither is always the one that comes first.
        for which in labs if turn % 2 else reversed(labs):
            report = hosts.run(labs[which], "turn.py", min(TURN, ROUNDS), WARM_UP)
            for what, each in report["milliseconds"].items():
                found[f"{what}, {which}"] += each
    whole = {what: each for what, each in found.items() if what.startswith(OPERATIONS)}
    print(tables.percentiles(f"{BEFORE} and now", whole))
    wanted = [Goal(f"{operation}, now", f"{operation}, before", 1.0) for operation in OPERATIONS]
    print(tables.goals(f"Now beside {BEFORE}", found, wanted))
    steps = {what: found[what] for what in sorted(found) if what not in whole}
    print(tables.percentiles("Where the engines' time goes", steps))
    assert all(len(each) >= ROUNDS for each in found.values())
