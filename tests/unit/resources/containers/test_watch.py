"""What the observer of containers writes down and turns, on an imaginary systemd. The real one is in tests/integration."""

import contextlib
import dataclasses
import socket
import threading
from concurrent.futures import Future

import pytest

from skerry.host import ports, systemd
from skerry.host.systemd import Restarts
from skerry.model.ends import Health
from skerry.model.errors import Code, SkerryError
from skerry.parts import ends as launched
from skerry.parts import proxy
from skerry.parts.ends import Ended
from skerry.parts.freezer import Frozen
from skerry.parts.proxy import Route
from skerry.parts.unit import Unit
from skerry.resources.containers import health, stops, store, watch
from skerry.resources.kind import Context
from skerry.store import operations


class World:
    """A host as a test wants it; what was done to it."""

    def __init__(self):
        self.state, self.restarts, self.ended, self.init = "active", Restarts(since=0.0), None, 1
        self.turned, self.reset, self.synced, self.busy, self.proxy_fails = [], 0, 0, False, False
        self.stopped, self.frozen = "", False

    @contextlib.contextmanager
    def alone(self, _name):
        if self.busy:
            raise SkerryError(Code.BUSY, "another operation takes long")
        yield

    def turn(self, route, _host, before):
        if self.proxy_fails:
            raise SkerryError(Code.HOST, "the proxy is silent")
        self.turned.append((before.value.split("|")[0], route.value.split("|")[0]))


@pytest.fixture
def world(monkeypatch):
    found = World()

    def reset(_unit):
        found.reset += 1
        found.restarts = dataclasses.replace(found.restarts, count=0)

    monkeypatch.setattr(systemd, "state", lambda _unit: found.state)
    monkeypatch.setattr(systemd, "restarts", lambda _unit: found.restarts)
    monkeypatch.setattr(systemd, "reset_restarts", reset)
    monkeypatch.setattr(stops, "before", lambda _unit, _at, _grace: found.stopped)
    monkeypatch.setattr(Frozen, "exists", lambda _freezer, _host: found.frozen)
    monkeypatch.setattr(launched, "read", lambda _folder: found.ended)
    monkeypatch.setattr(Unit, "init", lambda _unit: found.init)
    monkeypatch.setattr(Route, "turn", lambda *given: found.turn(*given))  # noqa: PLW0108 - a method of the route
    monkeypatch.setattr(proxy, "sync", lambda _host: setattr(found, "synced", found.synced + 1))
    return found


@pytest.fixture
def observer(host, db, world, container):
    with db.transaction():
        store.insert(db, container)
        store.update(db, dataclasses.replace(container, desired="started"))
    asked = []

    def apply(request, still):
        if still(store.find(db, request.container)):
            asked.append(request)

    made = watch.Watch(Context(host, db), world.alone, apply)
    made.asked = asked
    yield made
    for pool in (made._pool, *made._checkers.values(), *made._restarters.values()):
        pool.shutdown()


def now(db, container):
    return store.find_id(db, container.id)


def look(observer, container):
    return observer._look(container.id)


def test_an_end_is_written_told_and_turned(observer, world, db, container):
    world.state, world.ended, world.restarts = "restarting", Ended(3, 0, 1.0), Restarts(0, 9.0)
    assert look(observer, container) is None
    assert world.turned == [("10.90.1.7", "restarting")]
    assert {row[0].split("|")[0] for row in db.rows("SELECT value FROM route")} == {"restarting"}
    (told,) = operations.recent(db, 9)
    assert (told.verb, told.state, "exit code 3" in told.error) == ("ended", "failed", True)
    look(observer, container)
    assert len(operations.recent(db, 9)) == len(world.turned) == 1, "nothing new is nothing to do"


def test_its_url_leads_to_it_again_when_its_program_runs(observer, world, db, container):
    world.state, world.ended = "restarting", Ended(3, 0, 1.0)
    look(observer, container)
    world.state, world.init = "active", None
    assert look(observer, container) == watch._STARTING, "its root is mounted, and nothing runs yet"
    assert len(world.turned) == 1
    world.init = 1
    look(observer, container)
    assert world.turned[1:] == [("restarting", "10.90.1.7")]
    assert now(db, container).ended.now == "running"


def test_while_an_operation_runs_it_waits(observer, world, db, container):
    world.busy, world.state, world.ended = True, "failed", Ended(1, 0, 1.0)
    assert look(observer, container) == watch._BUSY
    assert now(db, container).ended is None
    world.busy = False
    look(observer, container)
    assert now(db, container).ended.now == "failed"
    assert world.turned == [("10.90.1.7", "stopped")]


def test_what_is_to_be_stopped_is_left_alone(observer, world, db, container):
    with db.transaction():
        store.update(db, container)
    world.state, world.ended = "inactive", Ended(143, 0, 1.0)
    assert look(observer, container) is None
    assert (now(db, container).ended, world.turned) == (None, [])


def test_what_a_silent_proxy_missed_is_brought_to_it(observer, world, container):
    world.state, world.ended, world.proxy_fails = "failed", Ended(1, 0, 1.0), True
    with pytest.raises(SkerryError, match="silent"):
        look(observer, container)
    look(observer, container)
    assert world.synced == 1
    look(observer, container)
    assert world.synced == 1


def test_a_healthy_time_lets_the_pauses_begin_anew(observer, world, db, container, monkeypatch):
    monkeypatch.setattr(watch.time, "time", lambda: 1000.0)
    world.restarts, world.ended = Restarts(4, 0.0, 997.0), Ended(1, 0, 900.0)
    assert look(observer, container) == pytest.approx(7.0)
    assert (world.reset, now(db, container).ended.restarts) == (0, 4)
    world.restarts = Restarts(4, 0.0, 990.0)
    assert look(observer, container) is None
    assert (world.reset, now(db, container).ended.restarts) == (1, 0)


@pytest.mark.parametrize(
    ("stopped", "told", "state"),
    [("", "ended", "failed"), ("administrator", "stopped", "done"), ("shutdown", "", "")],
)
def test_who_stopped_it_is_told_and_its_url_waits_for_nothing(
    observer, world, db, container, monkeypatch, stopped, told, state
):
    world.state, world.ended = "failed", Ended(143, 0, 1.0)
    asked = []

    def before(*_):
        asked.append(list(world.turned))
        return stopped

    monkeypatch.setattr(stops, "before", before)
    monkeypatch.setattr(observer._pool, "submit", lambda call, *given: call(*given))
    look(observer, container)
    look(observer, container)
    assert asked[0] == world.turned == [("10.90.1.7", "stopped")]
    found = operations.recent(db, 9)
    assert [(one.verb, one.state) for one in found] == ([(told, state)] if told else [])
    by = "administrator" if stopped == "administrator" else "itself"
    assert (now(db, container).ended.by, now(db, container).down) == (by, True)


@pytest.fixture
def checked(observer, db, container, monkeypatch):
    """Has the container checked, each time with the next of what is said; returns its states."""

    def give(said, **options):
        problems = iter(said)

        def submit(call, *_args):
            done = Future()
            found = next(problems) if call is health.probe else observer.asked.append("restart")
            (done.set_exception if isinstance(found, SkerryError) else done.set_result)(found)
            return done

        for pool in (observer._checker(container), observer._restarter(container)):
            monkeypatch.setattr(pool, "submit", submit)
        check = Health(**{"port": 9, "start_period": 0, "retries": 2} | options)
        spec = container.spec.model_copy(update={"health": check})
        with db.transaction():
            store.update(db, dataclasses.replace(container, desired="started", spec=spec))

    def ask():
        look(observer, container)  # begins a check
        look(observer, container)  # takes what it said
        if container.id in observer._checks:
            observer._checks[container.id].due = 0.0
        return now(db, container).health

    return give, ask


def test_health_is_checked_and_only_where_asked_it_restarts(observer, world, db, checked):
    del world
    give, ask = checked
    give(["no", "no", "", "no"])
    assert [ask().split(":")[0] for _ in range(4)] == ["starting", "unhealthy", "healthy", "healthy"]
    assert observer.asked == []
    assert [one.verb for one in operations.recent(db, 9)] == ["healthy", "unhealthy"]


def test_what_is_wrong_may_change_and_is_told_once(world, db, checked):
    del world
    give, ask = checked
    give(["no", "no 1", "no 2", "no 3"])
    assert [ask() for _ in range(4)] == ["starting", "unhealthy: no 1", "unhealthy: no 2", "unhealthy: no 3"]
    assert [one.error for one in operations.recent(db, 9)] == ["unhealthy: no 1"]


def test_a_host_that_cannot_check_says_nothing_of_the_container(world, checked):
    del world
    give, ask = checked
    broken = SkerryError(Code.HOST, "the command could not be run")
    give(["", broken, broken, broken, "no", "no"])
    assert [ask().split(":")[0] for _ in range(6)] == [*["healthy"] * 5, "unhealthy"]


def test_nobody_asks_a_container_that_is_frozen(observer, world, db, container, checked):
    give, ask = checked
    give(["", "no", "no", "no"])
    assert ask() == "healthy"
    look(observer, container)  # a check is on its way, and will fail
    world.frozen = True
    assert [look(observer, container) for _ in range(5)] == [watch._FROZEN] * 5
    assert now(db, container).health == "healthy"
    world.frozen = False
    observer._checks[container.id].due = 0.0
    assert [ask().split(":")[0] for _ in range(2)] == ["healthy", "unhealthy"], (
        "what failed before counts no more"
    )


def test_it_is_not_restarted_once_it_is_frozen(observer, world, db, container):
    world.frozen = True  # by somebody else than Skerry
    observer._restart(container)
    world.frozen = False
    with db.transaction():
        store.update(db, dataclasses.replace(container, desired="frozen"))
    observer._restart(container)
    assert observer.asked == []
    with db.transaction():
        store.update(db, dataclasses.replace(container, desired="started"))
    observer._restart(container)
    assert [one.verb for one in observer.asked] == ["restart"]


def test_what_has_not_come_back_since_the_host_was_started_has_not_ended(observer, world, db, container):
    world.state = "inactive"
    with db.transaction():
        store.let_all_come_back(db)
    assert look(observer, container) is None
    assert (now(db, container).ended, operations.recent(db, 9)) == (None, [])
    with db.transaction():
        store.came_back(db, container.id)
    look(observer, container)
    assert now(db, container).ended.now == "stopped"


def test_restarts_that_take_their_grace_keep_no_other_realm_s_waiting(observer, container):
    go_on, reached = threading.Event(), threading.Event()
    for _ in range(watch._CHECKERS * 2):  # each could take the hour that its option 'grace' may give it
        observer._restarter(container).submit(go_on.wait, 10)
    other = dataclasses.replace(container, id="d" * 24, realm_id="e" * 24)
    observer._restarter(other).submit(reached.set)
    observer._pool.submit(lambda: None).result(5)  # and who ended a container is asked meanwhile
    assert reached.wait(5)
    go_on.set()


def test_notes_of_one_event_do_not_grow_for_ever(db):
    with db.transaction():
        for number in range(60):
            operations.note(db, "container", ("a" * 24, "a/b/c"), "ended", str(number), good=False)
        operations.note(db, "container", ("b" * 24, "a/b/d"), "ended", "other", good=True)
    told = operations.recent(db, 100)
    assert [one.error for one in told[1:]] == [str(number) for number in range(59, 39, -1)]
    assert operations.unfinished(db) == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ([b"HTTP/1.1 200 OK\r\n\r\n"], ""),
        ([b"HTTP/1.0 302 Found\r\nLocation: http://10.90.0.1/\r\n\r\n"], ""),
        ([b"HTTP/1.1 404 Not Found\r\n\r\n"], "GET /live: 404"),
        ([b"HTTP/1.1 500\r\n\r\n"], "GET /live: 500"),
        ([b"SSH-2.0-x\r\n"], "GET /live: the answer is not HTTP"),
        ([], "GET /live: the answer is not HTTP"),
        ([b"x" * 100_000], "GET /live: the answer is not HTTP"),
        ([b"H", 0.3, b"T", 0.3, b"T", 0.3, b"P"], "GET /live: no answer within 0.5 s"),
    ],
)
def test_an_answer_is_good_or_what_is_wrong_with_it(host, container, monkeypatch, answer, problem):
    ours, theirs = socket.socketpair()

    def serve():
        with theirs, contextlib.suppress(OSError):
            theirs.recv(4096)
            for part in answer:
                if isinstance(part, float):
                    threading.Event().wait(part)
                else:
                    theirs.sendall(part)

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setattr(health.socket, "create_connection", lambda _address, timeout: ours)
    assert health.probe(host, container, Health(http="/live", timeout=0.5)) == problem


@pytest.mark.parametrize(("accepts", "problem"), [(True, ""), (False, "port 80 takes no connection")])
def test_a_port_takes_a_connection_or_not(host, container, monkeypatch, accepts, problem):
    asked = []
    monkeypatch.setattr(health.tcp, "accepts", lambda *where: asked.append(where) or accepts)
    assert health.probe(host, container, Health(port=80, timeout=2)) == problem
    assert asked == [("10.90.1.7", 80, 2.0)]


def test_ports_of_containers_that_have_ended_are_removed_and_of_no_other(
    observer, db, container, monkeypatch
):
    there, removed = {3: f"sk{container.slot}", 4: "sk99"}, []
    monkeypatch.setattr(ports, "found", lambda _bridge: dict(there))
    monkeypatch.setattr(ports, "remove", lambda index: removed.append(index) or there.pop(index))
    assert observer._clear_ports() == watch._LEFT, "the kernel is given a moment"
    there[5] = "sk99"  # as of somebody who tries the same slot again
    assert (observer._clear_ports(), removed) == (watch._LEFT, [4])
    del there[5]
    assert (observer._clear_ports(), removed) == (None, [4])
    with db.transaction():
        store.update(db, container)  # it is to be stopped
    look(observer, container)
    assert watch._PORTS in observer._due
    observer._clear_ports()
    observer._clear_ports()
    assert removed == [4, 3]
