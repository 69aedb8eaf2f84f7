"""Ports: the same ones for the same lab, never one that is taken."""

import pytest

from skerry_base.core.errors import SkerryError
from skerry_lab.ports import FIRST, LAST, choose


def everything_free(_port: int) -> bool:
    return True


def test_the_same_lab_gets_the_same_port() -> None:
    assert choose("try", "ssh", (), everything_free) == choose("try", "ssh", (), everything_free)
    assert choose("try", "ssh", (), everything_free) != choose("try", "https", (), everything_free)


@pytest.mark.parametrize("name", ["try", "lab", "a", "z" * 31])
def test_ports_lie_below_those_that_linux_hands_out(name: str) -> None:
    assert FIRST <= choose(name, "ssh", (), everything_free) <= LAST < 32768


def test_a_port_that_is_promised_or_used_is_passed_over() -> None:
    first = choose("try", "ssh", (), everything_free)
    second = choose("try", "ssh", {first}, everything_free)
    third = choose("try", "ssh", {first}, lambda port: port not in {first, second})
    assert len({first, second, third}) == 3


def test_the_search_goes_round_the_end() -> None:
    assert choose("try", "ssh", (), lambda port: port == FIRST) == FIRST


def test_no_port_left_says_so() -> None:
    with pytest.raises(SkerryError, match=r"no free port between 20000 and 31999"):
        choose("try", "ssh", (), lambda _port: False)
