"""The host's end of the connection plugin: when it refuses, and that nobody else can say so."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from skerry import attach, client, connect
from tests.unit.client.conftest import StartEngine
from tests.unit.client.engine_stub import done, refused

MARK = "skerry-0123456789abcdef"
ID = "c" * 24
TICKET = {"id": ID, "run": "/run/skerry/c/x", "command": ["x"], "env": {}, "user": "0", "workdir": "/"}


def words(**given: Any) -> str:
    fixed = {"mark": MARK, "container": {"realm": "a", "project": "b", "name": "c"}, "id": "", "user": "0"}
    return base64.b64encode(json.dumps(fixed | {"command": "id", "age": 0.0} | given).encode()).decode()


def ended(asked: str) -> int:
    with pytest.raises(SystemExit) as caught:
        connect.main(asked)
    return int(caught.value.code or 0)


@pytest.fixture(autouse=True)
def socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.EngineClient.__init__, "__defaults__", (str(tmp_path / "engine.sock"), 5.0))


def test_it_becomes_what_the_engine_says(engine: StartEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[Any] = []
    monkeypatch.setattr(attach, "replace", began.append)
    server = engine([done(**TICKET)])
    connect.main(words(command="echo 'a b'", user="postgres"))
    assert began == [TICKET]
    asked = {name: server.asked[0][name] for name in ("verb", "command", "user", "workdir", "container")}
    assert asked == {
        "verb": "exec",
        "command": ["/bin/sh", "-c", "echo 'a b'"],
        "user": "postgres",
        "workdir": "/",
        "container": {"realm": "a", "project": "b", "name": "c"},
    }


def test_a_refusal_begins_with_the_mark(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    engine([refused("invalid", "container a/b/c is frozen", "Let it go on first")])
    assert ended(words()) == 125
    assert capsys.readouterr().err == f"{MARK} container a/b/c is frozen. Let it go on first\n"


def test_another_container_of_that_name_is_refused(
    engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine([done(**TICKET)])
    assert ended(words(id="d" * 24)) == 125
    assert (
        f"container a/b/c is another one than was meant: its id is {ID}, not {'d' * 24}"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(("age", "code"), [(0.0, 0), (1e9, 125)])
def test_one_that_was_restarted_meanwhile_is_told(
    engine: StartEngine, capsys: pytest.CaptureFixture[str], age: float, code: int
) -> None:
    engine([done(**TICKET)], [done(id=ID, pid=os.getpid(), uid_base=0, path="/", owner=None, mode=None)])
    assert ended(words(command="", age=age)) == code
    assert ("was restarted meanwhile" in capsys.readouterr().err) is (code != 0)
