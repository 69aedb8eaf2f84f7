"""Containers that live for a time: deleted when it is over, and not before."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.model.errors import SkerryError
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources import periodic
from skerry.resources.containers.expiry import Expiry
from skerry.resources.registered import KINDS
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at

HOUR = 3600.0
SPEC = {"image": "hello", "profile": "build", "ttl": "1h"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A host with a container that stays, and a build that does not."""
    machine = Machine(lambda: None)
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        made = {"name": "hello", "command": ["/app"], **tarball_at(tmp_path / "hello.tar", "hello")}
        ask(found, "image_import", **made)
        ask(found, "create", container={"name": "blog"}, spec={"image": "hello"})
        ask(found, "create", container={"name": "build"}, spec=SPEC)
        yield found
        found.context.db.close()


def ask(engine: Engine, verb: str, **fields: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})))


def names(engine: Engine) -> list[str]:
    return [one["name"] for one in ask(engine, "list")["containers"]]


def look(engine: Engine, monkeypatch: pytest.MonkeyPatch, later: float) -> float:
    """What the observer does so many seconds from now; after how many it looks again."""
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=later)
    monkeypatch.setattr(periodic, "now", lambda: at)
    return Expiry(engine.context, engine.by_itself)._look()


def test_one_is_deleted_when_its_time_is_over(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < look(engine, monkeypatch, HOUR - 60) <= 60
    assert names(engine) == ["blog", "build"]
    assert look(engine, monkeypatch, HOUR + 1) == float("inf")
    assert names(engine) == ["blog"]


def test_who_gives_it_more_time_keeps_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(engine, "update", container={"name": "build"}, spec={"ttl": "2h"})
    look(engine, monkeypatch, HOUR + 1)
    assert names(engine) == ["blog", "build"]


def test_it_has_no_url_and_no_alias_leads_to_it(engine: Engine) -> None:
    found = ask(engine, "info", container={"name": "build"})["container"]
    assert (found["url"], found["urls"]) == ("", [])
    with pytest.raises(SkerryError, match="container build has profile build, which has no URL"):
        ask(engine, "alias_set", alias="shop", container="build")


@pytest.mark.parametrize(
    ("name", "options"), [("build", {"profile": "app", "ttl": ""}), ("blog", dict(SPEC, restart="never"))]
)
def test_a_build_stays_one_and_nothing_becomes_one(
    engine: Engine, name: str, options: dict[str, Any]
) -> None:
    with pytest.raises(
        SkerryError, match=f"container default/default/{name} has profile .*, which cannot become"
    ):
        ask(engine, "update", container={"name": name}, spec=options)
