"""A store of before is opened and migrated, whatever was cut off in it; one of a newer Skerry is left alone."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.engine.reconcile import reconcile
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.protocol.table import TABLE
from skerry.resources.containers import store as containers
from skerry.resources.images import factory
from skerry.resources.images import store as images
from skerry.resources.kind import Context
from skerry.resources.registered import KINDS
from skerry.store import operations
from skerry.store.db import Database
from tests.unit.engine.machine import Machine

OLD = Path(__file__).parents[2] / "upgrade" / "786e862" / "store.sql"
Change = Callable[[str], None]
KNOWN = len(list(Path(operations.__file__).parent.glob("schema_*.sql")))


@pytest.fixture
def host(tmp_path: Path) -> HostConfig:
    """A host with the state of 786e862: containers and images, and three operations that were cut off."""
    state = str(tmp_path)
    host = HostConfig(domain="example.org", state=state, pool=f"{state}/pool", run=f"{state}/run")
    with sqlite3.connect(host.database) as db:
        db.executescript(OLD.read_text())
    db.close()
    return host


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine(lambda: None)
    with machine.under_the_engine():
        yield machine


def start(host: HostConfig) -> Engine:
    engine = Engine(Context(host, Database.open(host.database, KINDS.tables()), b"s" * 32), KINDS, TABLE)
    reconcile(engine)
    return engine


def change(host: HostConfig, sql: str) -> None:
    with sqlite3.connect(host.database) as db:
        db.executescript(sql)
    db.close()


def rows(host: HostConfig) -> list[tuple[Any, ...]]:
    with sqlite3.connect(host.database) as db:
        found = db.execute("SELECT id, verb, plan, done, state FROM operation ORDER BY id").fetchall()
    db.close()
    return found


def test_every_operation_is_one_of_containers_with_all_that_it_had(host: HostConfig) -> None:
    before = rows(host)
    db = Database.open(host.database)
    found = operations.recent(db, 100)
    assert {(one.kind, one.resource.split("/")[0]) for one in found} == {("container", "default")}
    assert [one.state for one in reversed(found)] == ["done"] * 4 + ["open"] * 3 + ["undone"]
    assert found[-1].timings == [1.5] * 6
    db.close()
    assert [plan_of(row) for row in rows(host)] == [plan_of(row) for row in before]


def plan_of(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of the journal with its plan read, and what it calls the desired state now."""
    number, verb, text, *rest = row
    plan = json.loads(text)
    for resource in filter(None, (plan["before"], plan["after"])):
        if "wanted" in resource:
            resource["desired"] = resource.pop("wanted")
    return number, verb, plan, *rest


def test_what_was_cut_off_is_settled(host: HostConfig, machine: Machine) -> None:
    Path(host.pool, "images").mkdir(parents=True)
    for digest in ("a" * 64, "b" * 64):
        Path(factory.file_path(host, digest)).write_text("")
    change(host, "INSERT INTO meta VALUES ('boot_id', '')")
    engine = start(host)
    db = engine.context.db
    names = {one.key.name: one.desired for one in containers.all_containers(db)}
    assert names == {"running": "started", "stopped": "stopped", "restarting": "started"}
    assert [(one.verb, one.state) for one in operations.recent(db, 4)] == [
        ("update", "undone"), ("restart", "undone"), ("delete", "done"), ("create", "undone"),
    ]  # fmt: skip
    restarted = containers.all_containers(db)[0]
    assert machine.unit_state(f"skerry-{restarted.id}.service") == "active"
    assert [image.name for image in images.all_images(db)] == ["hello", "hello@" + "a" * 12]
    assert len(engine.answer(TABLE.parse({"version": 3, "verb": "operations"}))["operations"]) >= 8
    again = Database.open(host.database, KINDS.tables())
    assert again.value("PRAGMA user_version") == KNOWN


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("PRAGMA user_version = 99", f"has schema 99, this Skerry knows {KNOWN}"),
        ("INSERT INTO kind_schema VALUES ('image', 7)", "has schema 7 of image, this Skerry knows 1"),
    ],
)
def test_a_store_of_a_newer_skerry_is_refused(host: HostConfig, sql: str, said: str) -> None:
    Database.open(host.database).close()
    change(host, sql)
    with pytest.raises(SkerryError, match=said) as caught:
        Database.open(host.database, KINDS.tables())
    assert caught.value.hint == "Install the Skerry that wrote it, or a newer one"


def an_unknown_kind(host: HostConfig) -> None:
    change(host, "UPDATE operation SET kind = 'volume' WHERE verb = 'delete'")


def an_unknown_part(host: HostConfig) -> None:
    step = {"action": "remove", "part": {"kind": "tape"}, "reason": "", "before": None}
    plan = json.dumps({"verb": "delete", "before": None, "after": None, "recovery": "finish",
                       "restart_required": [], "stored": [],
                       "steps": [step]})  # fmt: skip
    change(host, f"UPDATE operation SET plan = '{plan}' WHERE verb = 'delete'")


@pytest.mark.parametrize(
    ("spoil", "name"),
    [(an_unknown_kind, "operation of kind 'volume'"), (an_unknown_part, "part of kind 'tape'")],
)
def test_what_is_not_registered_stops_with_its_name_and_loses_nothing(
    host: HostConfig, machine: Machine, spoil: Change, name: str
) -> None:
    Database.open(host.database).close()
    spoil(host)
    before = rows(host)
    with pytest.raises(SkerryError, match=name):
        start(host)
    assert rows(host) == before
    assert machine.parts == {}


def test_the_journal_can_be_read_whatever_is_in_it(host: HostConfig, machine: Machine) -> None:
    Database.open(host.database).close()
    an_unknown_part(host)
    change(host, "UPDATE operation SET kind = 'volume', state = 'done'")
    shown = start(host).answer(TABLE.parse({"version": 3, "verb": "operations"}))["operations"]
    assert ["remove tape: "] in [one["steps"] for one in shown]


@pytest.mark.parametrize("version", [None, 1, 2, 4, "3", True])
def test_another_version_of_the_wire_format_is_refused_and_both_are_named(version: object) -> None:
    request = {"verb": "status"} if version is None else {"verb": "status", "version": version}
    with pytest.raises(SkerryError) as caught:
        TABLE.parse(request)
    shown = "names no version" if version is None else f"version {version!r}"
    assert shown in caught.value.message
    assert "this engine speaks version 3" in caught.value.message
