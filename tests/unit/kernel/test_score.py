"""The list of deviations against what the checker says."""

import json

import pytest

from skerry_kernel.score import Score, Verdict, listed, verdict

# Two checks as kernel-hardening-checker 0.6.17.1 prints them.
SAID = json.dumps(
    [
        {
            "option_name": "CONFIG_BUG", "type": "kconfig", "reason": "self_protection", "decision": "defconfig",
            "desired_val": "y", "check_result": "OK", "check_result_bool": True,
        },
        {
            "option_name": "CONFIG_KSM", "type": "kconfig", "reason": "cut_attack_surface", "decision": "clipos",
            "desired_val": "is not set", "check_result": 'FAIL: "y"', "check_result_bool": False,
        },
    ]
)  # fmt: skip
STOCK = Verdict(141, ("CONFIG_KSM", "CONFIG_IO_URING"))


def test_the_checkers_answer_is_counted() -> None:
    assert verdict(SAID) == Verdict(1, ("CONFIG_KSM",))


def test_a_failure_that_is_listed_is_no_problem() -> None:
    score = Score(verdict(SAID), STOCK, {"CONFIG_KSM": "containers share pages"})
    assert score.problems() == []
    assert score.table().splitlines() == [
        "configuration      OK  FAIL",
        "Debian amd64      141     2",
        "ours                1     1",
        "",
        "CONFIG_KSM: containers share pages",
    ]


def test_a_failure_that_is_not_listed_and_a_listed_one_that_passes_are_problems() -> None:
    assert Score(verdict(SAID), STOCK, {"CONFIG_VT": "the console"}).problems() == [
        "CONFIG_KSM: not on the list of deviations",
        "CONFIG_VT: listed, but it no longer fails",
    ]


@pytest.mark.parametrize(
    ("version", "own", "other"),
    [
        ("6.12.118-1", "CONFIG_HARDENED_USERCOPY_DEFAULT_ON", "CONFIG_RANDOM_KMALLOC_CACHES"),
        ("7.3.4-1~bpo13+1", "CONFIG_RANDOM_KMALLOC_CACHES", "CONFIG_HARDENED_USERCOPY_DEFAULT_ON"),
    ],
)
def test_a_version_has_deviations_of_its_own(version: str, own: str, other: str) -> None:
    found = listed(version)
    assert "CONFIG_KSM" in found
    assert own in found
    assert other not in found
    assert all(found.values())
