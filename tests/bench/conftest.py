"""The lab that the figures are from: the one of SKERRY_LAB, or one of our own that goes again afterwards."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from skerry_lab.mitogen import environment
from tests.bench.tables import SiteRun
from tests.integration.playbooks import Run, play

OWN_LAB = "bench"
_TASKS = re.compile(r"in all; tasks: .*?(\d+)$", re.MULTILINE)


def lab_command(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "skerry_lab", *words], check=True)


@pytest.fixture(scope="session")
def site_runs() -> Iterator[list[SiteRun]]:
    """site.yml on the lab with each strategy: twice on a new lab of our own, once on a lab that is there."""
    given = os.environ.get("SKERRY_LAB", "")
    strategies = {"Mitogen": environment(), "stock": {}}
    if given:
        yield [timed(given, strategy, "again", extra) for strategy, extra in strategies.items()]
        return
    os.environ["SKERRY_LAB"] = OWN_LAB
    runs = []
    try:
        for strategy, extra in strategies.items():
            lab_command("up", OWN_LAB, "--owner", OWN_LAB, "--fresh")
            runs += [timed(OWN_LAB, strategy, which, extra) for which in ("first", "second")]
        yield runs
    finally:
        lab_command("down", OWN_LAB)
        del os.environ["SKERRY_LAB"]


def timed(lab: str, strategy: str, which: str, extra: dict[str, str]) -> SiteRun:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in extra.items():
            patch.setenv(name, value)
        started = time.monotonic()
        run = play(lab, "site.yml").ok()
        seconds = time.monotonic() - started
    return SiteRun(strategy, which, seconds, tasks_of(run), len(run.changed))


def tasks_of(run: Run) -> int:
    """How many tasks there were, as the play's own summary says."""
    found = _TASKS.findall(run.output)
    assert found, run.output[-500:]
    return int(found[-1])


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> str:
    """The lab of all other fixtures (it overrides the one that the tests share); one that is given is set up already."""
    if not os.environ.get("SKERRY_LAB"):
        request.getfixturevalue("site_runs")
    return os.environ["SKERRY_LAB"]
