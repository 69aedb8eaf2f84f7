"""The executor against an imaginary host: whatever fails or is cut off, nothing half-done stays."""

import dataclasses
import sqlite3
import traceback

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skerry.engine import executor
from skerry.host import btrfs
from skerry.model.errors import SkerryError
from skerry.parts.base import Step
from skerry.resources.containers import store as containers
from skerry.resources.containers.kind import Containers
from skerry.resources.kind import Context, Plan
from skerry.store import operations

KIND = Containers()


def plan_of(shelf, container, names, *, action="make", recovery="undo", before=None, after=None):
    steps = tuple(Step(action, shelf(name=name), "because") for name in names)
    return Plan("create" if action == "make" else "delete", before, after, steps, recovery)


def begin(db, host, plan):
    with db.transaction():
        return executor.begin(Context(host, db), KIND, plan)


def ignore(_event):
    return None


def test_a_whole_run_is_journaled_and_timed(db, host, container, shelf):
    plan, events = plan_of(shelf, container, "abc", after=container), []
    done = executor.run(begin(db, host, plan), events.append)
    assert (done.plan, len(done.timings), done.following) == (plan, 3, None)
    assert shelf.things == ["a", "b", "c"]
    newest = operations.recent(db, 1)[0]
    assert (newest.state, newest.done, len(newest.timings)) == ("done", 3, 3)
    assert [event["number"] for event in events] == [1, 2, 3]


@pytest.mark.parametrize(
    ("pooled", "expected"),
    [("ab", ["commit", "commit", "awaited 2"]), ("c", ["commit", "awaited 1"]), ("", [])],
)
def test_what_lies_in_the_pool_is_on_the_disk_before_all_is_marked_as_done(
    db, host, container, shelf, monkeypatch, pooled, expected
):
    """Or a loss of power leaves a container that the store has and the pool has not."""
    told = []

    class Pooled(shelf):
        kind = "pooled"
        in_pool = True

    def begin_commit(pool):
        assert pool == host.pool
        told.append("commit")
        return told.count("commit")

    def await_commit(pool, transaction):
        assert (pool, operations.recent(db, 1)[0].done) == (host.pool, 2), "the last step is marked before"
        told.append(f"awaited {transaction}")

    monkeypatch.setattr(btrfs, "begin_commit", begin_commit)
    monkeypatch.setattr(btrfs, "await_commit", await_commit)
    plan = plan_of(shelf, container, "abc", after=container)
    steps = tuple(
        Step("make", Pooled(name), "because") if name in pooled else one
        for one, name in zip(plan.steps, "abc", strict=True)
    )
    executor.run(begin(db, host, dataclasses.replace(plan, steps=steps)), ignore)
    assert told == expected
    assert shelf.things == ["a", "b", "c"]


def test_a_pool_that_cannot_be_synced_is_told_and_all_is_undone(db, host, container, shelf, monkeypatch):
    def refuse(_pool, _transaction):
        raise SkerryError("failed", "btrfs: could not sync the pool: Read-only file system", "")

    monkeypatch.setattr(shelf, "in_pool", True)
    monkeypatch.setattr(btrfs, "begin_commit", lambda _pool: 1)
    monkeypatch.setattr(btrfs, "await_commit", refuse)
    plan = plan_of(shelf, container, "ab", after=container)
    with pytest.raises(SkerryError, match="could not sync the pool"):
        executor.run(begin(db, host, plan), ignore)
    assert (shelf.things, operations.recent(db, 1)[0].state) == ([], "undone")


def test_the_journal_keeps_the_newest_and_options_only_of_what_is_open(
    db, host, container, shelf, monkeypatch
):
    monkeypatch.setattr(operations, "_KEPT", 3)
    left = begin(db, host, plan_of(shelf, container, "x", after=container))
    for name in "abcde":
        running = begin(db, host, plan_of(shelf, container, name, before=container))
        assert operations.recent(db, 1)[0].plan["before"]["spec"]
        executor.run(running, ignore)
    found = operations.recent(db, 100)
    assert [one.state for one in found] == ["done"] * 3 + ["open"]
    assert "spec" not in found[0].plan["before"]
    assert found[-1].id == left.id
    assert found[-1].plan["after"]["spec"]


def test_a_failed_step_is_undone_with_all_before_it(db, host, container, shelf):
    plan = plan_of(shelf, container, "abc", after=container)
    shelf.failing.add("make b")
    with pytest.raises(SkerryError, match="create default/default/blog: b broke"):
        executor.run(begin(db, host, plan), ignore)
    assert shelf.things == []
    assert containers.find(db, container.key) is None
    assert operations.recent(db, 1)[0].state == "undone"
    assert db.value("SELECT id FROM tombstone") == container.id


def test_what_fails_besides_the_steps_is_undone_as_well(db, host, container, shelf):
    def following():
        raise OSError("the mount is gone")

    plan = plan_of(shelf, container, "ab", after=container)
    with pytest.raises(SkerryError, match="the mount is gone"):
        executor.run(begin(db, host, plan), ignore, following)
    assert shelf.things == []
    assert operations.recent(db, 1)[0].state == "undone"


def test_a_plan_of_an_unknown_form_is_refused_without_its_values(container, shelf):
    journaled = KIND.dump(plan_of(shelf, container, "a", after=container))
    journaled["after"]["spec"]["env"] = {"PASSWORD": ["hunter2"]}
    with pytest.raises(SkerryError, match="in a form that this Skerry does not know") as refused:
        KIND.load(journaled)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_undoing_touches_nothing_that_another_made(db, host, container, shelf):
    shelf.things.append("c")
    plan = plan_of(shelf, container, "abc", after=container)
    shelf.failing.add("make b")
    with pytest.raises(SkerryError):
        executor.run(begin(db, host, plan), ignore)
    assert shelf.things == ["c"]


def test_one_step_that_cannot_be_undone_does_not_keep_the_others(db, host, container, shelf):
    plan = plan_of(shelf, container, "abc", after=container)
    shelf.failing |= {"make c", "remove b"}
    with pytest.raises(SkerryError, match=r"could not undo 'make .*b is stuck"):
        executor.run(begin(db, host, plan), ignore)
    assert shelf.things == ["b"]


def test_a_delete_that_fails_is_told_and_can_be_tried_again(db, host, container, shelf):
    with db.transaction():
        containers.insert(db, container)
    shelf.things += ["a", "b"]
    shelf.failing.add("remove b")
    plan = plan_of(shelf, container, "ab", action="remove", recovery="finish", before=container)
    with pytest.raises(SkerryError, match="b is stuck"):
        executor.run(begin(db, host, plan), ignore)
    assert containers.find(db, container.key) is not None
    assert operations.unfinished(db) == []
    shelf.failing.clear()
    executor.run(begin(db, host, plan), ignore)
    assert shelf.things == []
    assert containers.find(db, container.key) is None


def test_a_full_store_undoes_what_was_done(db, host, container, shelf, monkeypatch):
    plan = plan_of(shelf, container, "abc", after=container)
    running = begin(db, host, plan)

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(operations, "mark", full)
        with pytest.raises(SkerryError, match="cannot be written: database or disk is full"):
            executor.run(running, ignore)
    assert shelf.things == []


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the engine may catch it."""


@dataclasses.dataclass
class Scene:
    """One drawn case: how many steps, making or removing, and where it dies."""

    count: int
    making: bool
    die_at: int
    marked: bool

    @property
    def whole(self):
        """Whether the last step of a making plan was marked: then there is nothing left but to close it."""
        return self.making and self.marked and self.die_at == self.count - 1


@st.composite
def scenes(draw):
    count = draw(st.integers(1, 5))
    return Scene(count, draw(st.booleans()), draw(st.integers(0, count - 1)), draw(st.booleans()))


def dying(operation, name):
    """``operation`` of a part; after that of the part called ``name`` the process is gone."""

    def wrapper(self, host):
        operation(self, host)
        if self.name == name:
            raise Killed

    return wrapper


def run_until_death(db, host, shelf, plan, scene):
    running, seen, operation = begin(db, host, plan), [], "make" if scene.making else "remove"

    def mark_then_die(event):
        seen.append(event)
        if scene.marked and len(seen) == scene.die_at + 1:
            raise Killed

    original = getattr(shelf, operation)
    if not scene.marked:
        setattr(shelf, operation, dying(original, plan.steps[scene.die_at].part.name))
    try:
        with pytest.raises(Killed):
            executor.run(running, mark_then_die)
    finally:
        setattr(shelf, operation, original)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(scene=scenes())
def test_killed_anywhere_then_recovered(db, host, container, shelf, scene):
    """Killed after any effect or any mark, a plan is undone as a whole or finished as a whole."""
    fresh = dataclasses.replace(container, id=f"{db.value('SELECT count(*) FROM operation'):024x}")
    names = [f"n{number}" for number in range(scene.count)]
    shelf.things[:] = [] if scene.making else names
    if scene.making:
        plan = plan_of(shelf, fresh, names, after=fresh)
    else:
        with db.transaction():
            containers.insert(db, fresh)
        plan = plan_of(shelf, fresh, names, action="remove", recovery="finish", before=fresh)
    run_until_death(db, host, shelf, plan, scene)
    (left,) = operations.unfinished(db)
    outcome = executor.recover(Context(host, db), KIND, left)
    assert outcome == ("finished" if scene.whole or not scene.making else "undone")
    assert shelf.things == (names if scene.whole else [])
    assert (containers.find_id(db, fresh.id) is not None) == scene.whole
    with db.transaction():
        containers.delete(db, fresh.id)


def test_what_is_finished_after_a_crash_has_no_long_waits(db, host, container, shelf, monkeypatch):
    monkeypatch.setattr(shelf, "hurried", lambda part: shelf(name=part.name.upper()))
    shelf.things.extend("AB")
    with db.transaction():
        containers.insert(db, container)
    begin(db, host, plan_of(shelf, container, "ab", action="remove", recovery="finish", before=container))
    assert executor.recover(Context(host, db), KIND, operations.unfinished(db)[0]) == "finished"
    assert shelf.things == []
