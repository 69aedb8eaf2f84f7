"""A request that was made for a state of its resource: what a line may say, and what is refused."""

from typing import Any

import pytest

from skerry.engine import admission
from skerry.model.errors import Code, SkerryError
from skerry.protocol import etags

WHO = {"token": "a" * 64, "source": "192.0.2.7"}
VIEW: dict[str, Any] = {"id": "c" * 24, "version": 3, "desired": "started", "state": "running"}
NOW = etags.etag("container", VIEW)


@pytest.mark.parametrize("found", ["x", [1], [None], {"a": 1}, ["x"] * 17, 7, True])
def test_what_is_no_list_of_states_is_refused(found: object) -> None:
    with pytest.raises(SkerryError, match="asker, if_match: this is no list of states") as error:
        admission.asker_of({"asker": {**WHO, "if_match": found}})
    assert error.value.code is Code.INVALID


@pytest.mark.parametrize(("found", "read"), [(None, None), ([], ()), (["a", "b"], ("a", "b"))])
def test_states_are_read(found: object, read: object) -> None:
    assert admission.asker_of({"asker": {**WHO, "if_match": found}}).if_match == read
    assert admission.asker_of({"asker": dict(WHO)}).if_match is None


def test_another_field_is_none_of_an_asker() -> None:
    with pytest.raises(SkerryError, match="which token asks"):
        admission.asker_of({"asker": {**WHO, "if_none_match": []}})


@pytest.mark.parametrize(
    ("wanted", "view", "said"),
    [
        (None, VIEW, ""),
        (None, None, ""),
        ((NOW,), VIEW, ""),
        (("other", NOW), VIEW, ""),
        ((), None, ""),
        (("other",), VIEW, "it was changed meanwhile"),
        ((NOW,), {**VIEW, "version": 4}, "it was changed meanwhile"),
        ((NOW,), {**VIEW, "id": "d" * 24}, "it was changed meanwhile"),
        ((NOW,), None, "there is none"),
        ((), VIEW, "there is one already"),
    ],
)
def test_another_state_is_refused(
    wanted: tuple[str, ...] | None, view: dict[str, Any] | None, said: str
) -> None:
    if not said:
        admission.check_state(wanted, "container", view)
        return
    with pytest.raises(SkerryError, match=said) as error:
        admission.check_state(wanted, "container", view)
    assert error.value.code is Code.STALE


def test_use_and_health_are_no_part_of_a_state() -> None:
    assert etags.etag("container", {**VIEW, "state": "failed", "health_state": "unhealthy"}) == NOW
    assert etags.etag("host", VIEW) == ""
