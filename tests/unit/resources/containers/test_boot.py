"""After a boot of the host: who is started, in which order, and what a user does meanwhile. On an imaginary machine."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.engine.reconcile import reconcile
from skerry.host import cgroups, systemd
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.unit import Unit
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import boot, health, store
from skerry.resources.kind import Context
from skerry.resources.registered import KINDS
from skerry.store import operations
from skerry.store.db import Database
from tests.unit.engine.machine import Machine

LONGEST_S = 20


class Host(Machine):
    """A machine whose programs can be slow or broken, with an engine that can end and come anew."""

    def __init__(self, folder: str) -> None:
        super().__init__(lambda: None)
        self._config = HostConfig(domain="example.org", state=folder, pool=f"{folder}/pool", run=folder)
        self.tried: list[str] = []
        self.looked: list[str] = []
        self.broken: set[str] = set()
        self.slow: dict[str, threading.Event] = {}

    def make(self, part: Any, host: Any) -> None:
        if isinstance(part, Unit):
            self.tried.append(part.hostname)
            if part.hostname in self.slow:
                assert self.slow[part.hostname].wait(LONGEST_S)
            if part.hostname in self.broken:
                raise SkerryError(Code.FAILED, "its program ended at once")
        super().make(part, host)

    def start_engine(self) -> None:
        """Up to where it is ready."""
        db = Database.open(self._config.database, KINDS.tables())
        self.engine = Engine(Context(self._config, db, b"secret"), KINDS, TABLE)
        reconcile(self.engine)
        self.boot = boot.Boot(self.engine.context, self.engine.by_itself, self.looked.append)

    def end_engine(self) -> None:
        self.boot.stop()
        self.engine.context.db.close()

    def restart_engine(self) -> None:
        self.end_engine()
        self.start_engine()

    def reboot(self) -> None:
        with self.engine.context.db.transaction():
            self.engine.context.db.set_meta("boot_id", "another")
        self.parts = {key: value for key, value in self.parts.items() if key[0] != "unit"}
        self.tried.clear()
        self.restart_engine()

    def ask(self, verb: str, name: str = "", /, **request: Any) -> Any:
        about = {"container": {"name": name}} if name else {}
        return self.engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": verb, **about, **request}))

    def create(self, name: str, *after: str, start: bool = True, **spec: Any) -> None:
        self.ask("create", name, spec={"image": "hello", "after": list(after), **spec}, start=start)

    def unit_states(self, _pattern: str) -> dict[str, str]:
        return {f"skerry-{name}.service": "active" for kind, name in self.parts if kind == "unit"}

    def states(self) -> dict[str, str]:
        return {one["name"]: one["state"] for one in self.ask("list")["containers"]}

    def coming(self) -> list[str]:
        db = self.engine.context.db
        return [one.key.name for one in store.all_containers(db) if store.comes_back(db, one.id)]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(cgroups, "has_controllers", lambda: True)
    monkeypatch.setattr(cgroups, "to_be_frozen", lambda _group: False)
    for name in ("_FIRST_TRY", "_LAST_TRY", "_PAUSE"):
        monkeypatch.setattr(boot, name, 0.01)
    host = Host(str(tmp_path))
    with host.under_the_engine():
        monkeypatch.setattr(systemd, "states", host.unit_states)
        host.start_engine()
        host.ask("image_build", name="hello", command=["/app"])
        yield host
        for event in host.slow.values():
            event.set()
        host.end_engine()


@pytest.mark.parametrize("broken", [set(), {"db"}])
def test_each_comes_after_those_before_it(host: Host, broken: set[str]) -> None:
    host.create("db")
    host.create("api", "db")
    host.create("web", "api")
    host.create("one")
    host.create("never", start=False)
    host.broken = broken
    host.reboot()
    assert set(host.states().values()) == {"starting", "stopped"}
    assert host.tried == [], "the engine is ready first"
    host.boot.start()
    until(lambda: host.coming() == list(broken))
    running = {"api", "web", "one"} | {"db"} - broken
    assert host.states() == dict.fromkeys(sorted(running), "running") | {
        "never": "stopped",
        **dict.fromkeys(broken, "starting"),
    }
    assert host.tried.index("db") < host.tried.index("api") < host.tried.index("web")


def test_a_circle_which_no_request_makes_stops_no_boot(host: Host) -> None:
    host.create("one")
    host.create("two", "one")
    db = host.engine.context.db
    (one, _two) = store.all_containers(db)
    with db.transaction():
        store.update(db, dataclasses.replace(one, spec=one.spec.model_copy(update={"after": ["two"]})))
    host.reboot()
    host.boot.start()
    until(lambda: sorted(host.tried) == ["one", "two"])


def test_what_a_user_asks_for_meanwhile_wins(host: Host) -> None:
    names = ["stopped", "deleted", "anew", "started", "ended"]
    host.slow["db"] = threading.Event()
    host.slow["db"].set()
    for name in ("db", *names):
        host.create(name, *([] if name == "db" else ["db"]))
    host.slow["db"].clear()
    host.reboot()
    host.boot.start()
    until(lambda: host.tried == ["db"])
    assert host.states() == dict.fromkeys(["db", *names], "starting")
    host.ask("stop", "stopped")
    host.ask("delete", "deleted")
    host.ask("delete", "anew")
    host.create("anew", start=False)
    host.ask("start", "started")
    host.ask("start", "ended")
    (ended,) = [one.id for one in store.all_containers(host.engine.context.db) if one.key.name == "ended"]
    del host.parts["unit", ended]  # its program is done
    assert host.coming() == ["db"]
    host.slow["db"].set()
    until(lambda: host.coming() == [])
    host.boot.stop()
    assert host.tried == ["db", "started", "ended"]
    assert host.states() == {
        "anew": "stopped", "db": "running", "ended": "stopped", "started": "running", "stopped": "stopped"
    }  # fmt: skip


def test_tries_go_on_in_the_next_engine_and_end_once_nobody_wants_them(host: Host) -> None:
    for name in ("db", "job", "wrong"):
        host.create(name)
    host.broken = {"db", "wrong"}
    host.reboot()
    host.boot.start()
    until(lambda: host.tried.count("db") > 2)
    (job,) = [one.id for one in store.all_containers(host.engine.context.db) if one.key.name == "job"]
    del host.parts["unit", job]  # its program is done
    host.restart_engine()
    assert host.coming() == ["db", "wrong"], "what has come back is not started anew when it ends"
    host.tried.clear()
    host.boot.start()
    until(lambda: host.tried.count("db") > 2)
    host.broken = {"wrong"}
    until(lambda: host.coming() == ["wrong"])
    host.ask("update", "wrong", spec={"restart": "never"})
    until(lambda: host.coming() == [])
    host.boot.stop()
    assert "job" not in host.tried
    host.restart_engine()
    host.tried.clear()
    host.boot.start()
    assert host.tried == []


def test_one_that_is_never_to_be_started_again_is_tried_once(host: Host) -> None:
    host.create("once", restart="never")
    host.broken = {"once"}
    host.reboot()
    host.boot.start()
    until(lambda: len(host.looked) == 1)
    assert (host.tried, host.coming()) == (["once"], [])
    failed = operations.recent(host.engine.context.db, 1)[0]
    assert (failed.verb, failed.state) == ("start", "undone")


def test_an_engine_that_ends_waits_for_nobody(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "_FIRST_TRY", 3600.0)
    host.create("broken")
    host.create("sick", health={"port": 9})
    host.create("after", "sick")
    monkeypatch.setattr(health, "probe", lambda *_given: "no")
    host.broken = {"broken"}
    host.reboot()
    host.boot.start()
    until(lambda: sorted(host.tried) == ["broken", "sick"])
    begun = time.monotonic()
    host.boot.stop()
    assert time.monotonic() - begun < LONGEST_S / 2
    assert host.coming() == ["after", "broken"]


def test_nobody_waits_for_the_health_of_one_that_does_not_run_any_more(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "probe", lambda *_given: "no")
    host.create("sick", health={"port": 9})
    host.create("after", "sick")
    host.reboot()
    host.boot.start()
    until(lambda: host.tried == ["sick"] and host.coming() == ["after"])
    host.ask("stop", "sick")
    until(lambda: host.coming() == [])
    assert host.states() == {"after": "running", "sick": "stopped"}


def test_those_that_never_get_healthy_keep_no_other_waiting(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, asked = threading.Event(), set()

    def probe(_host: HostConfig, one: Any, _check: Any) -> str:
        asked.add(one.key.name)
        return "" if healthy.is_set() else "no"

    monkeypatch.setattr(health, "probe", probe)
    for number in range(boot._AT_ONCE + 2):
        host.create(f"sick{number}", health={"port": 9})
        host.create(f"after{number}", f"sick{number}")
    host.create("z")
    host.reboot()
    host.boot.start()
    waiting = sorted(f"after{number}" for number in range(boot._AT_ONCE + 2))
    until(lambda: host.coming() == waiting)  # without z, which would come after the others' minutes
    healthy.set()
    until(lambda: host.coming() == [])
    assert asked == {f"sick{number}" for number in range(boot._AT_ONCE + 2)}, "nobody comes after the others"
