"""Snapshots that are taken by themselves: when the next is due, what is skipped, and what is said where none can be."""

import datetime
import logging
from typing import Any

import pytest

from skerry.cli import show
from skerry.engine.engine import Engine
from skerry.model.errors import Code, SkerryError
from skerry.parts import snapshots as parts
from skerry.parts.snapshots import Taken
from skerry.resources import periodic
from skerry.resources.registered import KINDS
from skerry.resources.snapshots import verbs
from skerry.resources.snapshots.schedule import Schedule
from skerry.store import schedules
from tests.unit.resources.snapshots.conftest import Time, ask

BLOG, DATA = "blog", "volume/data"
HOUR = 3600.0


@pytest.fixture(autouse=True)
def changed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The places in the pool whose files have changed; here all, until a test says otherwise."""
    found = {"all"}
    monkeypatch.setattr(parts, "changed_since", lambda _host, place, _taken: "all" in found or place in found)
    return found


@pytest.fixture
def schedule(engine: Engine, clock: Time) -> Schedule:
    """It is asked to look by the test, in no thread."""
    return Schedule(engine.context, engine.by_itself)


def every(engine: Engine, pause: str, keep: str = "1w", source: str = BLOG) -> None:
    options = {"snapshot_every": pause, "snapshot_keep": keep}
    if source == BLOG:
        ask(engine, "update", container={"name": "blog"}, spec=options)
    else:
        ask(engine, "volume_update", volume={"name": "data"}, **options)


def automatic(engine: Engine, source: str = BLOG) -> list[dict[str, Any]]:
    found = ask(engine, "snapshot_list", source=source)["snapshots"]
    return [one for one in found if one["name"].startswith("auto-")]


def aged(engine: Engine, by: float) -> None:
    """As if all that is there had been made so many seconds earlier."""
    with engine.context.db.transaction():
        for table in ("snapshot", "container", "volume"):
            for row in engine.context.db.rows(f"SELECT id, created FROM {table}"):
                at = datetime.datetime.fromisoformat(row["created"]) - datetime.timedelta(seconds=by)
                engine.context.db.execute(
                    f"UPDATE {table} SET created = ? WHERE id = ?",
                    at.isoformat(timespec="milliseconds"),
                    row["id"],
                )


def of_journal(engine: Engine, verb: str) -> list[dict[str, Any]]:
    return [one for one in ask(engine, "operations", count=100)["operations"] if one["verb"] == verb]


def test_without_the_option_none_is_taken(engine: Engine, schedule: Schedule) -> None:
    aged(engine, 1000 * HOUR)
    assert schedule._look() == float("inf")
    assert ask(engine, "snapshot_list")["snapshots"] == []


@pytest.mark.parametrize("source", [BLOG, DATA])
def test_the_first_comes_after_one_pause_and_the_next_after_another(
    engine: Engine, schedule: Schedule, source: str
) -> None:
    every(engine, "6h", "2d", source)
    assert 5.9 * HOUR < schedule._look() <= 6 * HOUR
    assert automatic(engine, source) == []
    aged(engine, 6 * HOUR)
    schedule._look()
    (first,) = automatic(engine, source)
    kept = datetime.datetime.fromisoformat(first["expires"]) - datetime.datetime.fromisoformat(
        first["created"]
    )
    assert abs(kept - datetime.timedelta(days=2)) < datetime.timedelta(minutes=1)
    (operation,) = of_journal(engine, "snapshot_create")
    assert operation["state"] == "done"
    assert 5.9 * HOUR < schedule._look() <= 6 * HOUR
    assert len(automatic(engine, source)) == 1
    aged(engine, 6 * HOUR)
    schedule._look()
    assert len(automatic(engine, source)) == 2


def test_after_a_long_rest_of_the_host_there_is_one(engine: Engine, schedule: Schedule) -> None:
    every(engine, "15m", "1d")
    aged(engine, 100 * HOUR)
    for _ in range(3):
        schedule._look()
    assert len(automatic(engine)) == 1


def test_those_of_a_person_do_not_count(engine: Engine, schedule: Schedule) -> None:
    every(engine, "1h")
    aged(engine, 2 * HOUR)
    ask(engine, "snapshot_create", snapshot={"source": BLOG, "name": "mine"})
    schedule._look()
    assert len(automatic(engine)) == 1


def test_where_no_file_has_changed_none_is_taken_until_the_last_is_gone(
    engine: Engine, schedule: Schedule, clock: Time, changed: set[str]
) -> None:
    every(engine, "1h")
    aged(engine, 2 * HOUR)
    schedule._look()
    (first,) = automatic(engine)
    changed.clear()
    aged(engine, HOUR)
    assert schedule._look() == float("inf")  # it was looked at now
    assert 0.9 * HOUR < schedule._look() <= HOUR
    changed.add("all")
    schedule._look()
    assert automatic(engine)[0]["id"] == first["id"]
    assert len(automatic(engine)) == 1
    changed.clear()
    ask(engine, "snapshot_delete", snapshot={"source": BLOG, "name": first["name"]})
    schedule._look()
    (second,) = automatic(engine)
    assert second["id"] != first["id"]
    aged(engine, HOUR)
    clock.pass_by(1)
    changed.add(f"c/{ask(engine, 'info', container={'name': 'blog'})['container']['id']}")
    schedule._look()
    assert len(automatic(engine)) == 2


def test_what_is_busy_keeps_no_other_waiting_and_is_no_miss(
    engine: Engine, schedule: Schedule, clock: Time
) -> None:
    every(engine, "1h")
    every(engine, "1h", source=DATA)
    aged(engine, 2 * HOUR)
    kinds = {kind.name: kind for kind in KINDS}
    with engine._alone(kinds["container"])("default/default/blog"):
        schedule._look()
        assert (automatic(engine), len(automatic(engine, DATA))) == ([], 1)
    clock.pass_by(10)
    schedule._look()
    assert len(automatic(engine)) == 1
    assert of_journal(engine, "snapshot_missed") == []


def test_too_many_are_told_of_once(
    engine: Engine,
    schedule: Schedule,
    clock: Time,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    every(engine, "1h")
    aged(engine, 2 * HOUR)
    for name in ("one", "two"):
        ask(engine, "snapshot_create", snapshot={"source": BLOG, "name": name})
    monkeypatch.setattr(verbs, "_MOST", 2)
    for _ in range(360):
        schedule._look()
        clock.pass_by(10)
    (missed,) = of_journal(engine, "snapshot_missed")
    assert (missed["state"], missed["resource"]) == ("failed", "default/default/blog")
    assert "has 2 snapshots, and may have 2" in missed["error"]
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) < 12
    ask(engine, "snapshot_delete", snapshot={"source": BLOG, "name": "one"})
    clock.pass_by(HOUR)
    schedule._look()
    assert len(automatic(engine)) == 1
    assert schedule._told == {}


def test_a_full_disk_is_an_operation_of_the_journal_and_seldom(
    engine: Engine, schedule: Schedule, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    every(engine, "1h")
    aged(engine, 2 * HOUR)

    def full(*_: Any) -> None:
        raise SkerryError(Code.FAILED, "btrfs: could not keep a snapshot: No space left on device")

    monkeypatch.setattr(Taken, "make", full)
    for _ in range(360):
        schedule._look()
        clock.pass_by(10)
    failed = of_journal(engine, "snapshot_create")
    assert {one["state"] for one in failed} == {"undone"}
    assert "No space left" in failed[0]["error"]
    assert 5 < len(failed) < 12
    assert of_journal(engine, "snapshot_missed") == []


def test_what_was_switched_off_meanwhile_is_left_alone(engine: Engine, clock: Time) -> None:
    every(engine, "1h")
    aged(engine, 2 * HOUR)

    def apply(request: Any, still: Any, patience: float | None = None) -> None:
        every(engine, "")
        engine.by_itself(request, still, patience)

    observer = Schedule(engine.context, apply)
    observer._look()
    assert automatic(engine) == []
    assert observer._look() == float("inf")


def test_one_that_a_wrong_clock_has_dated_in_the_future_does_not_count(
    engine: Engine, schedule: Schedule, clock: Time
) -> None:
    every(engine, "1h")
    aged(engine, 2 * HOUR)
    schedule._look()
    aged(engine, -9000 * 24 * HOUR)
    schedule._look()
    assert len(automatic(engine)) == 2
    assert 0.9 * HOUR < schedule._look() <= HOUR
    assert len(automatic(engine)) == 2


def test_a_deleted_one_is_forgotten(engine: Engine, schedule: Schedule, changed: set[str]) -> None:
    every(engine, "1h")
    aged(engine, 2 * HOUR)
    schedule._look()
    changed.clear()
    aged(engine, HOUR)
    schedule._look()
    assert len(engine.context.db.rows("SELECT * FROM snapshot_due WHERE looked <> ''")) == 1
    ask(engine, "delete", container={"name": "blog"})
    schedule._look()
    assert engine.context.db.rows("SELECT * FROM snapshot_due") == []


def shown(engine: Engine) -> dict[str, Any]:
    """What is said of the schedule, wherever it is shown."""
    found = ask(engine, "info", container={"name": "blog"})["container"]
    for one in ask(engine, "snapshot_list", source=BLOG)["schedules"]:
        assert (one["next"], one["missed"]) == (found["snapshot_next"], found["snapshot_missed"])
    return {"next": found["snapshot_next"], "missed": found["snapshot_missed"]}


def test_what_was_missed_is_shown_with_the_reason(
    engine: Engine, schedule: Schedule, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(engine) == {"next": None, "missed": ""}
    every(engine, "1h")
    next_ = datetime.datetime.fromisoformat(shown(engine)["next"])
    assert abs(next_ - periodic.now() - datetime.timedelta(hours=1)) < datetime.timedelta(minutes=1)
    aged(engine, HOUR)
    schedule._look()
    assert shown(engine)["missed"] == ""

    aged(engine, 2 * HOUR)
    with monkeypatch.context() as broken:

        def full(*_: Any) -> None:
            raise SkerryError(Code.FAILED, "btrfs: No space left on device")

        broken.setattr(Taken, "make", full)
        schedule._look()
    assert "and not taken yet: " in shown(engine)["missed"]
    assert "No space left on device" in shown(engine)["missed"]
    clock.pass_by(60)
    schedule._look()
    told = shown(engine)["missed"]
    assert "and taken at " in told
    assert "No space left on device" in told
    assert "not taken yet" not in told

    for up, why in ((200.0, "the host was off"), (90_000.0, "no engine ran, or its clock was in doubt")):
        aged(engine, 3 * HOUR)
        clock.up, clock.set_by = up, datetime.timedelta(seconds=10_000.0 - up)
        schedule._look()
        assert why in shown(engine)["missed"]
    aged(engine, HOUR)
    schedule._look()
    assert shown(engine)["missed"] == ""
    every(engine, "")
    assert shown(engine) == {"next": None, "missed": ""}


def test_a_volume_and_the_command_line_show_it(engine: Engine, schedule: Schedule) -> None:
    every(engine, "6h", "2d", DATA)
    found = ask(engine, "snapshot_list")
    info = ask(engine, "volume_info", volume={"name": "data"})["volume"]
    assert info["snapshot_missed"] == ""
    (one,) = found["schedules"]
    assert (one["source"], one["every"], one["keep"], one["next"]) == (
        DATA,
        "6h",
        "2d",
        info["snapshot_next"],
    )
    command: Any = {
        "changes": False,
        "resource": "snapshot",
        "resources": "snapshots",
        "columns": ["source", "name"],
    }
    text = show.answer(command, found)
    assert text.startswith("no snapshots\n\nSOURCE       PROJECT  EVERY  KEEP  NEXT")
    assert one["next"] in text


def test_a_container_of_an_older_store_has_no_schedule(engine: Engine) -> None:
    db = engine.context.db
    with db.transaction():
        db.execute("UPDATE container SET spec = json_remove(spec, '$.snapshot_every', '$.snapshot_keep')")
    assert schedules.scheduled(db, periodic.now()) == []
    found = ask(engine, "info", container={"name": "blog"})["container"]
    assert (found["snapshot_every"], found["snapshot_keep"]) == ("", "1w")
