"""How often snapshots are taken by themselves and how long they are kept: what is taken, and what is refused how."""

import pytest

from skerry.model.schedule import MOST, check_every, check_kept, check_schedule


@pytest.mark.parametrize(
    ("given", "found"), [("", ""), ("6h", "6h"), ("24h", "1d"), ("15m", "15m"), (" 7d ", "1w"), ("60m", "1h")]
)
def test_a_pause_is_written_in_one_way(given: str, found: str) -> None:
    assert check_every(given) == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("14m", "'14m' is too often; give at least 15m, or nothing for never"),
        ("1m", "too often"),
        ("daily", "'daily' is not a duration; give a number with m, h, d or w"),
        ("0h", "is not a duration"),
        ("6", "is not a duration"),
    ],
)
def test_what_is_no_pause_or_too_short_is_refused(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_every(given)


def test_each_is_kept_for_a_time() -> None:
    assert check_kept("14d") == "2w"
    with pytest.raises(ValueError, match="'' is not a duration"):
        check_kept("")


@pytest.mark.parametrize(
    ("every", "keep"), [("", "1m"), ("6h", "6h"), ("15m", "4d"), ("1d", "1w"), ("1d", f"{MOST}d")]
)
def test_these_go_together(every: str, keep: str) -> None:
    check_schedule(every, keep)


@pytest.mark.parametrize(
    ("every", "keep", "said"),
    [
        ("1d", "23h", "snapshot_keep 23h is shorter than snapshot_every 1d, .*; keep each for at least 1d"),
        ("15m", "5d", "makes 480 snapshots, and 400 is the most; take them less often"),
        ("1d", f"{MOST + 1}d", f"makes {MOST + 1} snapshots"),
    ],
)
def test_these_do_not(every: str, keep: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_schedule(every, keep)
