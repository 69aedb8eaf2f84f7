"""Which suites run: the quick, those without a receipt that fits, and the oldest held one that fits into the budget."""

from dataclasses import replace

from tools.receipts import Receipt
from tools.schedule import BUDGET_S, choose, expected, forecast, length, ordered, ready
from tools.suites import KERNEL, Suite, Tier

MIN = 60


def suite(name: str, minutes: float, tier: Tier = Tier.SLOW, *, kernel: bool = False) -> Suite:
    return Suite(name, "-", 90, [["true"]], kernel=kernel, tier=tier, seconds=minutes * MIN)


def receipt(name: str, day: int, minutes: float = 1) -> Receipt:
    return Receipt(name, "a" * 64, {"passed": 1}, round(minutes * MIN), f"2026-11-{day:02}T00:00Z", "0")


def names(suites: object) -> list[str]:
    return sorted(one.name for one in suites)  # type: ignore[attr-defined]


UNIT = suite("unit", 4, Tier.QUICK)
DECLARED = expected({})


def test_a_receipt_knows_better_than_the_declaration() -> None:
    seconds = expected({"a": receipt("a", 1, minutes=7)})
    assert seconds(suite("a", 1)) == 7 * MIN
    assert seconds(suite("b", 1)) == 1 * MIN


def test_what_has_no_fitting_receipt_runs_and_the_rest_is_held() -> None:
    every = [UNIT, suite("a", 40), suite("b", 50), suite("c", 3)]
    choice = choose(every, {"a": receipt("a", 2)}, 2, DECLARED)
    assert names(choice.run) == ["b", "c", "unit"]
    assert list(choice.held) == ["a"]
    assert choice.again == ""


def test_the_oldest_held_suite_runs_if_it_fits() -> None:
    every = [UNIT, suite("old", 5), suite("older", 5), suite("new", 5)]
    held = {"old": receipt("old", 3), "older": receipt("older", 2), "new": receipt("new", 4)}
    choice = choose(every, held, 2, DECLARED)
    assert choice.again == "older"
    assert names(choice.run) == ["older", "unit"]
    assert sorted(choice.held) == ["new", "old"]


def test_one_that_does_not_fit_gives_way_to_the_next_oldest() -> None:
    every = [UNIT, suite("long", 26), suite("short", 5)]
    held = {"long": receipt("long", 1), "short": receipt("short", 9)}
    assert choose(every, held, 2, DECLARED).again == "short"
    # In one lane, it would come on top of the others.
    assert choose([suite("unit", 21, Tier.QUICK), suite("short", 5)], held, 1, DECLARED).again == ""
    assert choose([suite("unit", 21, Tier.QUICK), suite("short", 5)], held, 2, DECLARED).again == "short"


def test_who_boots_the_kernel_takes_its_minutes_along() -> None:
    every = [UNIT, suite("boots", 1, kernel=True)]
    assert BUDGET_S - KERNEL.seconds < 1 * MIN
    assert choose(every, {"boots": receipt("boots", 1)}, 2, DECLARED).again == ""


def test_the_longest_is_first_and_nobody_waits_for_the_kernel_with_a_lane() -> None:
    boots, short, long = suite("boots", 30, kernel=True), suite("short", 1), suite("long", 20)
    waiting = ordered([short, boots, long], DECLARED)
    assert [one.name for one in waiting] == ["kernel-lab", "boots", "long", "short"]
    assert ready(waiting[1:], kernel_built=False) is long
    assert ready(waiting[1:], kernel_built=True) is boots
    assert ready([boots], kernel_built=False) is None
    assert KERNEL not in ordered([short, long], DECLARED)


def test_the_length_of_a_run_is_that_of_its_lanes() -> None:
    three = [suite("a", 10), suite("b", 6), suite("c", 5)]
    assert length(three, 1, DECLARED) == 21 * MIN
    assert length(three, 2, DECLARED) == 11 * MIN
    kernel = KERNEL.seconds
    assert length([suite("a", 10, kernel=True)], 2, DECLARED) == kernel + 10 * MIN
    assert length([*three, suite("k", 10, kernel=True)], 2, DECLARED) == kernel + 10 * MIN
    assert length([], 2, DECLARED) == 0


def test_the_forecast_says_how_long_and_why() -> None:
    every = [UNIT, suite("a", 100), suite("old", 5)]
    choice = choose(every, {"old": receipt("old", 3)}, 2, DECLARED)
    told = "\n".join(forecast(choice, 2, DECLARED))
    assert "2 suites, 2 at a time: about 100 min; 1 held" in told
    assert "slow ones without a receipt that fits: a" in told
    assert "More than 75 min" in told
    assert "make test SUITES=a" in told
    choice = choose([UNIT, suite("old", 5)], {"old": receipt("old", 3)}, 2, DECLARED)
    told = "\n".join(forecast(choice, 2, DECLARED))
    assert "old is held and runs all the same" in told
    assert "More than" not in told
    assert "without a receipt" not in told
    # Alone, it is what it asks for.
    assert "More than" not in "\n".join(forecast(replace(choice, run=[suite("a", 100)]), 2, DECLARED))
