"""Prints what a policy costs the proxy for each request, and that many of them cost no more."""

import json
from collections.abc import Callable

import pytest
from testinfra.backend.base import CommandResult

from tests.bench import tables

GOALS = (("ip", 2.0), ("basic", 2.0), ("token", 2.0), ("jwt", 2.0))
MORE, LIVE_MS = 1.25, 30  # of 10,000 policies beside it, as a ratio; of a change


@pytest.mark.usefixtures("hello")
def test_what_a_request_costs(on_host: Callable[..., CommandResult]) -> None:
    done = on_host("lock_sweep.py", "cost")
    assert done.rc == 0, done.stderr
    told = json.loads(done.stdout)
    us, many = told["us"], told["many"]
    rows = [
        (
            f"{name}, cached" if name == "jwt" else name,
            f"{us[name]:.0f}",
            f"{us[name] / us['open']:.2f}",
            f"≤ {most:g}",
        )
        for name, most in GOALS
    ]
    rows.append(
        (
            "10,000 policies beside it",
            f"{many['10000']:.0f}",
            f"{many['10000'] / many['alone']:.2f}",
            f"≤ {MORE:g}",
        )
    )
    header = ("a request", "µs of CPU", "of an open URL's", "goal")
    print(tables.table(f"Locks: an open URL takes {us['open']:.0f} µs", header, rows))
    print(
        tables.table(
            "A change", ("", "ms", "goal"), [("a policy is live", f"{told['live_ms']:.1f}", f"≤ {LIVE_MS}")]
        )
    )
