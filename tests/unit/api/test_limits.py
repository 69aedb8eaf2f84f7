"""One token cannot take the API from others."""

import contextlib

import pytest

from skerry_api.limits import _KNOWN, AT_ONCE, BURST, PER_SECOND, Limits
from skerry_api.problems import ProblemError
from tests.unit.api.conftest import Api


def test_so_many_at_a_time() -> None:
    limits = Limits(lambda: 0.0)
    with contextlib.ExitStack() as under_way:
        for _ in range(AT_ONCE):
            under_way.enter_context(limits.asking("a"))
        with (
            pytest.raises(ProblemError, match="16 requests of this token are under way") as found,
            limits.asking("a"),
        ):
            pass
        assert (found.value.status, found.value.headers) == (429, {"retry-after": "1"})
        with limits.asking("b"):
            pass
    with limits.asking("a"):
        pass


def test_so_many_a_second_and_those_that_are_refused_do_not_count() -> None:
    now = [0.0]
    limits = Limits(lambda: now[0])

    def answered(tries: int) -> int:
        found = 0
        for _ in range(tries):
            with contextlib.suppress(ProblemError), limits.asking("a"):
                found += 1
        return found

    assert answered(BURST * 2) == BURST
    now[0] = 1.0
    assert answered(BURST) == PER_SECOND
    now[0] = 1000.0
    assert answered(BURST * 2) == BURST


def test_tokens_are_forgotten_but_not_while_they_ask() -> None:
    limits = Limits(lambda: 0.0)
    with limits.asking("first"):
        for number in range(_KNOWN + 10):
            with limits.asking(str(number)):
                pass
        assert len(limits._uses) <= _KNOWN + 1
        assert limits._uses["first"].under_way == 1


def test_a_token_that_asks_too_much_is_told(api: Api, by: str) -> None:
    api.limits = Limits(lambda: 0.0)
    codes = [api.call("GET", "/self", by).status for _ in range(BURST + 1)]
    assert codes == [200] * BURST + [429]
