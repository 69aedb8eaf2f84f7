"""One operation at a time: who waits is told, and who waits too long is refused."""

import threading
from typing import Any

import pytest

from skerry.engine import locks
from skerry.engine.locks import Locks
from skerry.model.errors import Code, SkerryError


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Locks:
    """Locks of which another thread holds ``images`` for as long as the test runs."""
    monkeypatch.setattr(locks, "_TOLD_EVERY", 0.01)
    found = Locks()
    found._locks["images"].acquire()
    return found


def test_who_waits_too_long_is_refused_with_what_it_waited_for(held: Locks) -> None:
    told: list[dict[str, Any]] = []
    with (
        pytest.raises(SkerryError, match="images: another operation takes long") as caught,
        held.only("images", 0.05, told.append),
    ):
        pass
    assert caught.value.code == Code.BUSY
    assert {event["stage"] for event in told} == {"waiting for another operation on images"}


def test_it_goes_on_when_the_other_one_is_done(held: Locks) -> None:
    threading.Timer(0.05, held._locks["images"].release).start()
    with held.only("images", 10, lambda _event: None):
        assert held._locks["images"].locked()
    assert not held._locks["images"].locked()


def test_another_resource_does_not_wait(held: Locks) -> None:
    told: list[dict[str, Any]] = []
    with held.only("container default/default/blog", 0, told.append):
        assert told == []


def test_it_is_free_again_after_an_error(held: Locks) -> None:
    with pytest.raises(ValueError, match="broke"), held.only("container x", 1, lambda _event: None):
        raise ValueError("broke")
    with held.only("container x", 0, lambda _event: None):
        pass
