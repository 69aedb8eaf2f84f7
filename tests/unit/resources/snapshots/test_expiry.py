"""Snapshots that expire: deleted in time, tried again where that fails, and left alone while the clock is in doubt."""

import datetime
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.model.errors import Code, SkerryError
from skerry.parts.snapshots import Taken
from skerry.resources import periodic
from skerry.resources.registered import KINDS
from skerry.resources.snapshots.expiry import Expiry
from skerry.store import snapshots as store
from tests.unit.resources.snapshots.conftest import Time, ask

BLOG, DATA = "blog", "volume/data"
LONGEST_S = 20


@pytest.fixture
def expiry(engine: Engine) -> Expiry:
    """It is asked to look by the test, in no thread."""
    return Expiry(engine.context, engine.by_itself)


@pytest.fixture
def started(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Expiry]]:
    """Starts it in its thread."""
    monkeypatch.setattr(periodic, "uptime", lambda: time.monotonic() + 1000)
    made: list[Expiry] = []

    def start() -> Expiry:
        made.append(Expiry(engine.context, engine.by_itself))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()


def take(engine: Engine, source: str, name: str, expires_in: float | None = None) -> None:
    """A snapshot; ``expires_in`` seconds it expires, which no request can say so exactly."""
    ask(engine, "snapshot_create", snapshot={"source": source, "name": name})
    if expires_in is not None:
        at = periodic.now() + datetime.timedelta(seconds=expires_in)
        with engine.context.db.transaction():
            engine.context.db.execute(
                "UPDATE snapshot SET expires = ? WHERE name = ?", at.isoformat(timespec="seconds"), name
            )


def names(engine: Engine) -> list[str]:
    return sorted(one["name"] for one in ask(engine, "snapshot_list")["snapshots"])


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_expired_is_deleted_and_the_journal_says_why(engine: Engine, expiry: Expiry) -> None:
    take(engine, BLOG, "old", -1)
    take(engine, DATA, "older", -3600)
    take(engine, BLOG, "young", 300)
    take(engine, DATA, "ever")
    assert 295 < expiry._look() <= 300
    assert names(engine) == ["ever", "young"]
    newest, before = ask(engine, "operations", count=2)["operations"]
    assert [(one["verb"], one["state"]) for one in (newest, before)] == [("snapshot_delete", "done")] * 2
    assert newest["resource"] == "default/default/blog@old"
    (step,) = newest["steps"]
    assert step.startswith("remove snapshot old: it expired at 20")
    assert step.endswith("; blog stays as it is")


def test_without_any_there_is_nothing_to_wait_for(engine: Engine, expiry: Expiry) -> None:
    take(engine, BLOG, "ever")
    assert expiry._look() == float("inf")


def test_one_is_deleted_when_it_expires_and_one_made_meanwhile_soon(
    engine: Engine, started: Callable[[], Expiry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic, "_ROUND", 0.2)
    take(engine, BLOG, "first", 1)
    started()
    take(engine, DATA, "second", 1)
    assert names(engine) == ["first", "second"]
    until(lambda: names(engine) == [])


def test_it_ends_at_once(engine: Engine, started: Callable[[], Expiry]) -> None:
    take(engine, BLOG, "young", 300)
    observer = started()
    begun = time.monotonic()
    observer.stop()
    assert time.monotonic() - begun < 2
    assert not observer._thread.is_alive()
    take(engine, BLOG, "old", -1)
    assert names(engine) == ["old", "young"]


def test_what_is_busy_keeps_no_other_waiting_and_comes_later(
    engine: Engine, expiry: Expiry, clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    take(engine, BLOG, "of-blog", -2)
    take(engine, DATA, "of-data", -1)
    kinds = {kind.name: kind for kind in KINDS}
    with engine._alone(kinds["container"])("default/default/blog"):
        begun = time.monotonic()
        for _ in range(9):
            expiry._look()
            clock.pass_by(1)
        assert time.monotonic() - begun < 5
        assert names(engine) == ["of-blog"]
    (said,) = warnings(caplog)
    assert "snapshot default/default/blog@of-blog has expired, and stays for now; again in 10 seconds" in said
    clock.pass_by(1)
    expiry._look()
    assert names(engine) == []
    assert expiry._tries._pauses == {}


@pytest.mark.parametrize(
    "error", [SkerryError(Code.FAILED, "the disk is gone"), ValueError("nobody foresaw")]
)
def test_what_fails_is_tried_again_ever_more_seldom(
    engine: Engine,
    expiry: Expiry,
    clock: Time,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    take(engine, BLOG, "old", -1)

    def broken(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Taken, "remove", broken)
        for _ in range(6 * 60):
            expiry._look()
            clock.pass_by(60)
    tries = warnings(caplog)
    assert 8 < len(tries) < 16
    assert str(error) in tries[-1]
    assert "again in 3600 seconds" in tries[-1]
    assert names(engine) == ["old"]
    clock.pass_by(3600)
    expiry._look()
    assert names(engine) == []


def test_what_somebody_deleted_is_not_remembered(
    engine: Engine, expiry: Expiry, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(engine, BLOG, "old", -1)
    with monkeypatch.context() as patched:
        patched.setattr(expiry, "_apply", lambda *_args, **_more: 1 / 0)
        expiry._look()
    assert len(expiry._tries._pauses) == 1
    ask(engine, "snapshot_delete", snapshot={"source": BLOG, "name": "old"})
    expiry._look()
    assert expiry._tries._pauses == {}


@pytest.mark.parametrize("expires_in", [None, 300])
def test_another_of_the_same_name_stays(engine: Engine, expires_in: float | None) -> None:
    """Between the look and its turn somebody deleted it, and took one that has not expired."""

    def apply(request: Any, still: Any, patience: float | None = None) -> None:
        ask(engine, "snapshot_delete", snapshot={"source": BLOG, "name": "old"})
        take(engine, BLOG, "old", expires_in)
        engine.by_itself(request, still, patience)

    take(engine, BLOG, "old", -1)
    Expiry(engine.context, apply)._look()
    assert names(engine) == ["old"]


@pytest.fixture
def looked(expiry: Expiry, clock: Time, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the thread's loop go round as many times, without a thread."""

    def look(times: int) -> None:
        rounds = iter(range(times + 1))

        def wait(seconds: float) -> bool:
            clock.pass_by(seconds)
            return next(rounds) == times

        monkeypatch.setattr(expiry._ended, "wait", wait)
        expiry._run()

    return look


@pytest.mark.parametrize("days", [-9000, 9000])
def test_after_a_jump_of_the_clock_nothing_is_deleted_until_it_is_steady(
    engine: Engine,
    clock: Time,
    looked: Callable[[int], None],
    caplog: pytest.LogCaptureFixture,
    days: int,
) -> None:
    take(engine, BLOG, "young", 30 * 86_400)
    looked(3)
    clock.set_by = datetime.timedelta(days=days)
    looked(30)
    assert names(engine) == ["young"]
    assert len([one for one in warnings(caplog) if "the clock was set by" in one]) == 1
    clock.set_by = datetime.timedelta()
    looked(70)
    assert names(engine) == ["young"]
    clock.pass_by(31 * 86_400)
    looked(1)
    assert names(engine) == []


def test_a_clock_that_stays_so_is_believed(
    engine: Engine, clock: Time, looked: Callable[[int], None]
) -> None:
    take(engine, BLOG, "young", 86_400)
    looked(1)
    clock.set_by = datetime.timedelta(days=2)
    looked(55)
    assert names(engine) == ["young"]
    looked(10)
    assert names(engine) == []


def test_after_a_boot_the_clock_has_two_minutes(
    engine: Engine, clock: Time, looked: Callable[[int], None]
) -> None:
    take(engine, BLOG, "old", -20_000)
    clock.up = 20.0
    looked(5)
    assert names(engine) == ["old"]
    looked(10)
    assert names(engine) == []


def test_a_store_that_cannot_be_read_is_read_later(
    engine: Engine, clock: Time, looked: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    take(engine, BLOG, "old", -1)
    read, tries = store.expired, threading.Semaphore(1)

    def expired(*args: Any) -> Any:
        if tries.acquire(blocking=False):
            raise OSError("no such device")
        return read(*args)

    monkeypatch.setattr(store, "expired", expired)
    looked(4)
    assert names(engine) == []
