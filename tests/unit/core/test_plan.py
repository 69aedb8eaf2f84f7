"""What a module returns of any plan."""

from dataclasses import dataclass

from skerry_base.core.plan import Plan


@dataclass(frozen=True)
class Make:
    """A step of a resource that is in this file only."""

    what: str
    reason: str = "it is not there"

    def __str__(self) -> str:
        return f"make {self.what}"


def test_no_steps_change_nothing() -> None:
    assert Plan[Make]().result() == {"changed": False, "steps": [], "diff": {"prepared": ""}}


def test_steps_are_shown_by_title_and_the_diff_says_why() -> None:
    plan = Plan((Make("a"), Make("b", "a needs it")))
    assert plan.result(url="x") == {
        "changed": True,
        "steps": ["make a", "make b"],
        "diff": {"prepared": "  1. make a: it is not there\n  2. make b: a needs it\n"},
        "url": "x",
    }


def test_a_state_before_and_after_stands_above_the_steps() -> None:
    plan = Plan((Make("a"),), before={}, after={"a": 1})
    assert plan.diff() == {"before": {}, "after": {"a": 1}, "prepared": "  1. make a: it is not there\n"}
