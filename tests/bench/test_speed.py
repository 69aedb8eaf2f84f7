"""Prints how fast things are (`make bench`). Asserts only that they worked: figures depend on the machine and its load.

BENCH_ROUNDS (30) is how often a container is made; BENCH_ALL=1 times the gate and the unit tests too.
"""

import json
import os
import subprocess
import sys
import time

import pytest

from tests.bench import tables
from tests.bench.tables import SiteRun
from tests.conftest import ROOT

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "30"))
WARM_UP = 2
GATES = {
    "make check": (["-m", "tools.check"], "≤ 120"),
    "unit tests": (["-m", "pytest", "-q", "tests/unit"], "≤ 20"),
}
PAIRS = (
    ("create → running", "bare: start → init runs", "≤ 1.3"),
    ("create → first 200", "bare: start → first answer", ""),
    ("delete → answer", "bare: kill → ended", ""),
)


def test_site(site_runs: list[SiteRun]) -> None:
    rows = [
        (f"{run.which}, {run.strategy}", f"{run.seconds:.0f}", f"{run.tasks}", f"{run.changed}")
        for run in site_runs
    ]
    print(tables.table("site.yml, one host", ("run", "seconds", "tasks", "changed"), rows))


@pytest.mark.usefixtures("hello")
def test_containers(on_host) -> None:
    done = on_host("bench_start.py", ROUNDS, WARM_UP)
    assert done.rc == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    found: dict[str, list[float]] = report["milliseconds"]
    steps = {what: each for what, each in found.items() if what.startswith(("create: ", "delete: "))}
    print(
        tables.percentiles("A container", {what: each for what, each in found.items() if what not in steps})
    )
    print(tables.ratios(found, PAIRS))
    print(tables.percentiles("Where the engine's time goes", steps))
    assert report["leftovers"] == []
    assert all(len(each) == ROUNDS for each in found.values())


@pytest.mark.skipif(
    not os.environ.get("BENCH_ALL"), reason="BENCH_ALL=1 runs the gate and the unit tests too"
)
def test_gates() -> None:
    rows = []
    for what, (command, goal) in GATES.items():
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        rows.append((what, f"{time.monotonic() - started:.0f}", goal))
    print(tables.table("The gates", ("what", "seconds", "goal"), rows))
