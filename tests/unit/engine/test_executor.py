"""The executor against an imaginary host: whatever fails or is cut off, nothing half-done stays."""

import dataclasses
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skerry.engine import executor
from skerry.model.errors import SkerryError
from skerry.parts.base import Step
from skerry.plan.plan import Plan
from skerry.store import containers, operations


def plan_of(shelf, container, names, *, action="make", recovery="undo", before=None, after=None):
    steps = tuple(Step(action, shelf(name=name), "because") for name in names)
    return Plan("create" if action == "make" else "delete", before, after, steps, recovery)


def begin(db, host, plan):
    with db.transaction():
        return executor.begin(db, host, plan)


def ignore(_event):
    return None


def test_a_whole_run_is_journaled_and_timed(db, host, container, shelf):
    plan, events = plan_of(shelf, container, "abc", after=container), []
    number = begin(db, host, plan)
    assert len(executor.run(db, host, number, plan, events.append)) == 3
    assert shelf.things == ["a", "b", "c"]
    newest = operations.recent(db, 1)[0]
    assert (newest.state, newest.done, len(newest.timings)) == ("done", 3, 3)
    assert [event["number"] for event in events] == [1, 2, 3]


def test_a_failed_step_is_undone_with_all_before_it(db, host, container, shelf):
    plan = plan_of(shelf, container, "abc", after=container)
    shelf.failing.add("make b")
    with pytest.raises(SkerryError, match="create default/default/blog: b broke"):
        executor.run(db, host, begin(db, host, plan), plan, ignore)
    assert shelf.things == []
    assert containers.find(db, container.key) is None
    assert operations.recent(db, 1)[0].state == "undone"
    assert db.value("SELECT id FROM tombstone") == container.id


def test_undoing_touches_nothing_that_another_made(db, host, container, shelf):
    shelf.things.append("c")
    plan = plan_of(shelf, container, "abc", after=container)
    shelf.failing.add("make b")
    with pytest.raises(SkerryError):
        executor.run(db, host, begin(db, host, plan), plan, ignore)
    assert shelf.things == ["c"]


def test_one_step_that_cannot_be_undone_does_not_keep_the_others(db, host, container, shelf):
    plan = plan_of(shelf, container, "abc", after=container)
    shelf.failing |= {"make c", "remove b"}
    with pytest.raises(SkerryError, match="could not undo 'make .*b is stuck"):
        executor.run(db, host, begin(db, host, plan), plan, ignore)
    assert shelf.things == ["b"]


def test_a_delete_that_fails_is_told_and_can_be_tried_again(db, host, container, shelf):
    with db.transaction():
        containers.insert(db, container)
    shelf.things += ["a", "b"]
    shelf.failing.add("remove b")
    plan = plan_of(shelf, container, "ab", action="remove", recovery="finish", before=container)
    with pytest.raises(SkerryError, match="b is stuck"):
        executor.run(db, host, begin(db, host, plan), plan, ignore)
    assert containers.find(db, container.key) is not None
    assert operations.unfinished(db) == []
    shelf.failing.clear()
    executor.run(db, host, begin(db, host, plan), plan, ignore)
    assert shelf.things == []
    assert containers.find(db, container.key) is None


def test_a_full_store_undoes_what_was_done(db, host, container, shelf, monkeypatch):
    plan = plan_of(shelf, container, "abc", after=container)
    number = begin(db, host, plan)

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(operations, "mark", full)
        with pytest.raises(SkerryError, match="cannot be written: database or disk is full"):
            executor.run(db, host, number, plan, ignore)
    assert shelf.things == []


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the engine may catch it."""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_killed_anywhere_then_recovered(db, host, container, shelf, data):
    """Killed after any effect or any mark, a plan is undone as a whole or finished as a whole."""
    shelf.things.clear()
    count = data.draw(st.integers(1, 5))
    names = [f"n{i}" for i in range(count)]
    making = data.draw(st.booleans())
    unique = f"{operations.recent(db, 1)[0].id if operations.recent(db, 1) else 0:024x}"
    fresh = dataclasses.replace(container, id=unique, key=container.key)
    if making:
        plan = plan_of(shelf, fresh, names, after=fresh)
    else:
        with db.transaction():
            containers.insert(db, fresh)
        shelf.things += names
        plan = plan_of(shelf, fresh, names, action="remove", recovery="finish", before=fresh)
    number = begin(db, host, plan)
    die_at, marked = data.draw(st.integers(0, count - 1)), data.draw(st.booleans())
    done = []

    def stop_at(event):
        done.append(event)
        if len(done) == die_at + 1 and marked:
            raise Killed

    real = plan.steps[die_at].part
    original = shelf.make if making else shelf.remove

    def effect_then_die(self, host):
        original(self, host)
        if self == real and not marked:
            raise Killed

    setattr(shelf, "make" if making else "remove", effect_then_die)
    try:
        with pytest.raises(Killed):
            executor.run(db, host, number, plan, stop_at)
    finally:
        setattr(shelf, "make" if making else "remove", original)
    (left,) = operations.unfinished(db)
    outcome = executor.recover(db, host, left)
    whole = making and marked and die_at == count - 1
    assert outcome == ("finished" if whole or not making else "undone")
    assert shelf.things == (names if whole else [])
    assert (containers.find_id(db, fresh.id) is not None) == whole
    if whole:
        with db.transaction():
            containers.delete(db, fresh.id)
