"""Which suites run, in which order, and how long that takes: decided from declarations and receipts, nothing is run."""

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tools.receipts import Receipt
from tools.suites import KERNEL, Suite, Tier

BUDGET_S = 25 * 60
"""What a run may take to which one held suite is added."""
CI_S = 75 * 60
"""Beyond this, suites are run one by one and their receipts committed: CI is ended after 90 minutes."""

Expected = Callable[[Suite], float]


@dataclass(frozen=True)
class Choice:
    """What runs and what does not."""

    run: Sequence[Suite]
    held: Mapping[str, Receipt] = field(default_factory=dict)
    """The receipts of those that do not run."""
    due: Sequence[str] = ()
    """The names of slow suites that run since no receipt fits."""
    again: str = ""
    """The name of a held suite that runs all the same, since its receipt is the oldest."""


def expected(receipts: Mapping[str, Receipt]) -> Expected:
    """How many seconds a suite takes: what its newest receipt says, else what it declares."""

    def seconds(suite: Suite) -> float:
        receipt = receipts.get(suite.name)
        return receipt.seconds if receipt else suite.seconds

    return seconds


def ordered(chosen: Collection[Suite], seconds: Expected) -> list[Suite]:
    """The longest first, so that none of them is waited for at the end; before all, the kernel that some boot."""
    longest = sorted(chosen, key=lambda suite: (-seconds(suite), suite.name))
    return [KERNEL, *longest] if any(suite.kernel for suite in chosen) else longest


def ready(waiting: Sequence[Suite], kernel_built: bool) -> Suite | None:
    """The first suite in order that may start now."""
    return next((suite for suite in waiting if kernel_built or not suite.kernel), None)


def length(chosen: Collection[Suite], lanes: int, seconds: Expected) -> float:
    """How many seconds the suites take in so many lanes."""
    waiting = ordered(chosen, seconds)
    kernel_built = not any(suite.kernel for suite in chosen)
    running: list[tuple[float, str]] = []
    now = 0.0
    while waiting or running:
        while len(running) < lanes and (suite := ready(waiting, kernel_built)):
            waiting.remove(suite)
            heapq.heappush(running, (now + seconds(suite), suite.name))
        now, ended = heapq.heappop(running)
        kernel_built = kernel_built or ended == KERNEL.name
    return now


def choose(
    all_suites: Sequence[Suite], fitting: Mapping[str, Receipt], lanes: int, seconds: Expected
) -> Choice:
    """The quick suites, the slow ones without a fitting receipt, and of the held ones that fit into the budget the oldest.

    Args:
        all_suites: there are.
        fitting: receipts that fit their suite's inputs, by its name.
        lanes: how many suites run at a time.
        seconds: how long each of them takes.
    """
    run = [suite for suite in all_suites if suite.tier is Tier.QUICK or suite.name not in fitting]
    due = sorted(suite.name for suite in run if suite.tier is Tier.SLOW)
    held = {suite.name: suite for suite in all_suites if suite not in run}
    kept = {name: fitting[name] for name in held}
    for name in sorted(held, key=lambda name: (kept[name].date, name)):
        if length([*run, held[name]], lanes, seconds) <= BUDGET_S:
            del kept[name]
            return Choice([*run, held[name]], kept, due, again=name)
    return Choice(run, kept, due)


def forecast(choice: Choice, lanes: int, seconds: Expected) -> list[str]:
    """What is said before a run: how long it takes, what is run again, and what to do where it is too long for CI."""
    whole = length(choice.run, lanes, seconds)
    number = f"{len(choice.run)} suite{'s' * (len(choice.run) != 1)}"
    lines = [f"{number}, {lanes} at a time: about {whole / 60:.0f} min"]
    if choice.held:
        lines[0] += f"; {len(choice.held)} held"
    if choice.due:
        lines.append(f"slow ones without a receipt that fits: {' '.join(choice.due)}")
    if choice.again:
        lines.append(
            f"{choice.again} is held and runs all the same: of the held suites with which this run stays within "
            f"{BUDGET_S // 60} min, its receipt is the oldest"
        )
    if whole > CI_S and len(choice.run) > 1:
        lines.append(
            f"More than {CI_S // 60} min: CI would be ended. Run the slow ones one by one, "
            f"and commit tests/receipts.toml: make test SUITES={next(iter(choice.due), 'NAME')}"
        )
    return lines
