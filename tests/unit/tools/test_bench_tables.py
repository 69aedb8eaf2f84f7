"""The tables of the bench: what a goal compares, and when it holds."""

import pytest

from tests.bench.tables import Goal, goals, p99

FOUND = {"ours": [10.0, 20.0, 60.0], "theirs": [40.0, 80.0, 40.0]}


def cells(wanted: Goal) -> list[str]:
    """The only row of the table, without the goal's name."""
    row = goals("title", FOUND, [wanted]).splitlines()[-1]
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Goal("ours", "theirs", 1 / 2), ["0.5", "0.25", "≤ 0.5", "yes"]),
        (Goal("ours", "theirs", 1 / 4), ["0.5", "0.25", "≤ 0.25", "no"]),
        (Goal("theirs", "ours", 19, ratio=False), ["20", "30", "≤ 19 ms", "no"]),
        (Goal("ours", "", 20, ratio=False), ["20", "20", "≤ 20 ms", "yes"]),
    ],
)
def test_a_goal_compares_medians_and_rounds(wanted: Goal, expected: list[str]) -> None:
    assert cells(wanted) == expected


def test_a_goal_for_two_that_were_not_measured_as_often_is_refused() -> None:
    with pytest.raises(ValueError, match="rounds"):
        goals("title", {"ours": [1.0], "theirs": [1.0, 2.0]}, [Goal("ours", "theirs", 1)])


def test_of_few_values_the_99th_percentile_is_the_largest() -> None:
    assert p99([3.0, 1.0, 2.0]) == 3.0
