"""One token cannot take the API from others."""

import contextlib

import pytest

from skerry_api.limits import _KNOWN, REALM, TOKEN, Limits
from skerry_api.problems import ProblemError
from tests.unit.api.conftest import Api


def test_so_many_at_a_time() -> None:
    limits = Limits(lambda: 0.0)
    with contextlib.ExitStack() as under_way:
        for _ in range(TOKEN.at_once):
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

    assert answered(TOKEN.burst * 2) == TOKEN.burst
    now[0] = 1.0
    assert answered(TOKEN.burst) == TOKEN.per_second
    now[0] = 1000.0
    assert answered(TOKEN.burst * 2) == TOKEN.burst


def test_tokens_are_forgotten_but_not_while_they_ask() -> None:
    limits = Limits(lambda: 0.0)
    with limits.asking("first"):
        for number in range(_KNOWN + 10):
            with limits.asking(str(number)):
                pass
        assert len(limits._uses) <= _KNOWN + 1
        assert limits._uses[TOKEN, "first"].under_way == 1


def test_a_token_that_asks_too_much_is_told(api: Api, by: str) -> None:
    api.limits = Limits(lambda: 0.0)
    codes = [api.call("GET", "/self", by).status for _ in range(TOKEN.burst + 1)]
    assert codes == [200] * TOKEN.burst + [429]


def test_a_realm_has_a_share_however_many_tokens_it_makes(api: Api) -> None:
    ours = [
        api.token(f"acme/t{number}", template="reader")
        for number in range(REALM.at_once // TOKEN.at_once + 1)
    ]
    other = api.token("rival/t", template="reader")
    with contextlib.ExitStack() as under_way:
        for _ in range(REALM.at_once):
            under_way.enter_context(api.limits.asking("acme", REALM))
        refused = [api.call("GET", "/self", one).problem for one in ours]
        wrong = "32 requests of the realm of this token are under way. Wait for one of them"
        assert refused == [(429, wrong)] * len(ours)
        assert api.call("GET", "/self", other).status == 200
    assert api.call("GET", "/self", ours[0]).status == 200


def test_a_body_is_read_once_its_token_is_known(api: Api) -> None:
    path = "/realms/acme/projects/shop/volumes"
    by = api.token("acme/ci", template="deploy")
    api.root("token_revoke", token={"name": "acme/ci"})
    assert api.call("POST", path, by, {"name": "data", "size": "32M"}).status == 401
    assert api.call("POST", path, "", {"name": "data", "size": "32M"}).status == 401
    assert api.read == 0
    by = api.token("acme/ci", template="deploy")
    assert api.call("POST", path, by, {"name": "data", "size": "32M"}).status == 201
    assert api.read > 0
