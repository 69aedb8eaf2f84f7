"""An engine with a container and a volume, on an imaginary machine."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources import periodic
from skerry.resources.registered import KINDS
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A host with a running container and a volume of its project."""
    machine = Machine(lambda: None)
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        for name in ("hello", "other"):
            made = {"name": name, "command": ["/app"], **tarball_at(tmp_path / f"{name}.tar", name)}
            ask(found, "image_import", **made)
        ask(found, "create", container={"name": "blog"}, spec={"image": "hello", "rollbacks": 0})
        ask(found, "volume_create", volume={"name": "data"}, size="64M")
        yield found
        found.context.db.close()


def ask(engine: Engine, verb: str, **fields: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})))


class Time:
    """The host's two clocks: one that somebody can set, and the seconds since its start."""

    def __init__(self) -> None:
        self.up, self.set_by = 10_000.0, datetime.timedelta()

    def pass_by(self, seconds: float) -> None:
        self.up += seconds

    def now(self) -> datetime.datetime:
        return (
            datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.up - 10_000.0) + self.set_by
        )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    found = Time()
    monkeypatch.setattr(periodic, "now", found.now)
    monkeypatch.setattr(periodic, "uptime", lambda: found.up)
    return found
