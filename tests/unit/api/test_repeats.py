"""Requests that are sent again, answers ahead of the end, and progress: with a real engine that is killed in between."""

import json
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.admission import Asker
from skerry.engine.engine import Engine
from skerry.model import token as model
from skerry.model.errors import SkerryError
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.registered import KINDS
from skerry.store import kept_answers, operations
from tests.unit.api.conftest import SHOP, Api
from tests.unit.engine.kill_points import Death, Killed, Sweep
from tests.unit.engine.machine import Machine

VOLUMES = f"{SHOP}/volumes"
DATA = {"name": "data", "size": "32M"}


def test_the_same_again_is_answered_the_same(api: Api, by: str) -> None:
    key = {"idempotency-key": "one"}
    made = api.call("POST", VOLUMES, by, DATA, key)
    again = api.call("POST", VOLUMES, by, DATA, key)
    assert (made.status, again.status) == (201, 201)
    assert (made.raw, made.headers) == (again.raw, again.headers)
    other = api.call("POST", VOLUMES, by, {**DATA, "size": "64M"}, key)
    assert (other.status, other.body["code"]) == (422, "reused")
    assert api.call("POST", VOLUMES, by, DATA).body["code"] == "exists"
    mine = api.token("mine", template="operator")
    assert api.call("POST", VOLUMES, mine, DATA, key).body["code"] == "exists", "a key is its token's own"


def test_what_was_refused_keeps_no_key(api: Api, by: str) -> None:
    key = {"idempotency-key": "one"}
    assert api.call("POST", VOLUMES, by, {**DATA, "size": "1"}, key).status == 400
    assert api.call("DELETE", f"{VOLUMES}/data", by, None, {**key, "if-match": "*"}).status == 404
    assert api.call("POST", VOLUMES, by, DATA, key).status == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "ä"])
def test_wrong_keys(api: Api, by: str, key: str) -> None:
    found = api.call("POST", VOLUMES, by, DATA, {"idempotency-key": key})
    assert found.status == (400 if key else 201)


def test_keys_where_none_belongs(api: Api, by: str) -> None:
    key = {"idempotency-key": "one"}
    for method, path in (("GET", VOLUMES), ("POST", f"{VOLUMES}?dry_run=1")):
        body = DATA if method == "POST" else None
        assert (
            api.call(method, path, by, body, key)
            .problem[1]
            .startswith("Idempotency-Key: this request changes")
        )
    found = api.call("POST", "/realms/acme/tokens", by, {"name": "ci", "template": "reader"}, key)
    assert found.problem[1].startswith(
        "Idempotency-Key: the answer to token_create has a value that is kept nowhere"
    )


def test_answers_are_kept_for_a_day_and_not_without_end(
    api: Api, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, db = {"idempotency-key": "one"}, api.root_db()
    api.call("POST", VOLUMES, by, DATA, key)
    with db.transaction():
        db.execute("UPDATE kept_answer SET asked = '2026-01-01T00:00:00.000+00:00'")
    assert api.call("POST", VOLUMES, by, DATA, key).body["code"] == "exists"
    monkeypatch.setattr(kept_answers, "MOST", 1)
    assert api.call("POST", VOLUMES, by, {**DATA, "name": "b"}, {"idempotency-key": "b"}).status == 201
    full = api.call("POST", VOLUMES, by, {**DATA, "name": "c"}, {"idempotency-key": "c"})
    assert (full.status, full.headers["retry-after"]) == (409, "5")


def test_an_operation_by_its_number(api: Api, by: str) -> None:
    ahead = api.call("POST", VOLUMES, by, DATA, {"prefer": "respond-async"})
    assert (ahead.status, ahead.headers["preference-applied"]) == (202, "respond-async")
    place = ahead.headers["location"].removeprefix("/api/v1")
    found = api.call("GET", place, by).body
    assert (found["id"], found["verb"], found["state"], found["next"]) == (
        ahead.body["operation"],
        "volume_create",
        "done",
        None,
    )
    assert api.call("GET", f"{VOLUMES}/data", by).status == 200
    assert api.call("GET", "/operations/99999", by).problem[0] == 404
    assert api.call("GET", "/operations/x", by).problem[0] == 400
    foreign = api.call("GET", place, api.token("rival/x", template="admin"))
    assert foreign.body["detail"] == f"there is no operation {found['id']}"
    refused = api.call("POST", VOLUMES, by, DATA, {"prefer": "respond-async"})
    assert refused.status == 409


def test_progress_comes_as_events(api: Api, by: str) -> None:
    found = api.call("POST", VOLUMES, by, DATA, {"accept": "text/event-stream"})
    events = [part.split(b"\n") for part in found.raw.split(b"\n\n") if part]
    names = [one[0].removeprefix(b"event: ").decode() for one in events]
    assert (names[0], names[-1], set(names[1:-1])) == ("plan", "result", {"step"})
    assert json.loads(events[-1][1].removeprefix(b"data: "))["after"]["name"] == "data"
    refused = api.call("POST", VOLUMES, by, DATA, {"accept": "text/event-stream"})
    assert (refused.status, refused.headers["content-type"]) == (409, "application/problem+json")


class Twice:
    """Asks by a token with a key, and is killed."""

    def __init__(self, folder: Path) -> None:
        self.death = Death()
        self.machine = Machine(self.death.point)
        self.sweep = Sweep(folder, KINDS, TABLE, self.machine, self.death)

    def ask(self, engine: Engine, verb: str, key: str = "", by: str = "", **fields: Any) -> dict[str, Any]:
        request: Any = TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})
        asker = Asker(model.digest(by), "192.0.2.7", None, key) if by else None
        return dict(engine.answer(request, asker=asker))


def test_each_kill_between_is_survived(tmp_path: Path) -> None:
    """Whenever the engine dies, the same request again leads to one volume and to one answer."""
    twice = Twice(tmp_path)
    with twice.machine.under_the_engine():
        engine = twice.sweep.open()
        by = twice.ask(engine, "token_create", token={"name": "ci"}, template="operator")["once"]["token"]
        token_id, points = str(engine.context.db.value("SELECT id FROM token")), 0
        for point in range(1, 100):
            volume = {"volume": {"name": f"v{point}"}, "size": "32M"}
            twice.death.at, twice.death.seen = point, 0
            try:
                with twice.death.everywhere():
                    twice.ask(engine, "volume_create", "key", by, **volume)
                break
            except Killed:
                points += 1
            twice.death.at = None
            engine.context.db.close()
            engine = twice.sweep.open()
            other: dict[str, Any] = {"volume": {"name": f"w{point}"}, "size": "32M"}
            if kept_answers.find(engine.context.db, token_id, "key") is not None:
                with pytest.raises(SkerryError, match="another request had this key"):
                    twice.ask(engine, "volume_create", "key", by, **other)
            answer = twice.ask(engine, "volume_create", "key", by, **volume)
            assert answer["changed"]
            assert answer["after"]["name"] == f"v{point}"
            assert answer["before"] is None
            assert twice.ask(engine, "volume_create", "key", by, **volume) == answer
            done = [one for one in operations.recent(engine.context.db, 50) if f"/v{point}" in one.resource]
            assert sum(one.state == "done" for one in done) == 1
            kept_answers.forget(engine.context.db, token_id, "key")
        assert points > 3
        engine.context.db.close()
