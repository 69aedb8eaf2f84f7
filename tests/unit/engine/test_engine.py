"""The loop with the real kinds on an imaginary machine: chains of plans, check mode, who answers which verb."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from skerry.engine.engine import Engine
from skerry.engine.reconcile import reconcile
from skerry.host import cgroups
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.ready import Ready
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.kind import Context, Kinds
from skerry.resources.registered import KINDS
from skerry.store import operations
from skerry.store.db import Database
from tests.unit.engine.machine import Machine, tarball_at

KEY = {"container": {"name": "blog"}}
BUILD: dict[str, Any] = {"verb": "image_build", "name": "hello", "command": ["/app"]}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:  # a test's own patches are taken back before the machine's
    state = f"{tmp_path}/state"
    host = HostConfig(domain="example.org", state=state, pool=f"{state}/pool", run=f"{state}/run")
    machine = Machine(lambda: None)
    with machine.under_the_engine(), mock.patch.object(cgroups, "has_controllers", return_value=True):
        db = Database.open(host.database, KINDS.tables())
        engine = Engine(Context(host, db, b"secret"), KINDS, TABLE)
        reconcile(engine)
        yield engine
        db.close()


def ask(engine: Engine, **request: Any) -> dict[str, Any]:
    return engine.answer(TABLE.parse({"version": WIRE_VERSION, **request}))


def verbs(engine: Engine) -> list[tuple[str, str]]:
    """What the journal has, oldest first."""
    return [(one.verb, one.state) for one in reversed(operations.recent(engine.context.db, 100))]


def test_every_verb_of_the_table_is_answered(engine: Engine) -> None:
    with pytest.raises(ValueError, match="nobody answers"):
        Engine(engine.context, Kinds([_Mute(), *(kind for kind in KINDS if kind.name != "image")]), TABLE)


@pytest.mark.parametrize(
    ("there", "request_", "told"),
    [
        (None, {"verb": "create", "spec": {"image": "hello"}}, "Nothing of it is left"),
        ("stopped", {"verb": "start"}, "It is as it was before"),
        (
            "started",
            {"verb": "restart"},
            "It was stopped, and is started again as it was before, but for its volumes",
        ),
    ],
)
def test_after_a_wait_in_vain_it_is_told_what_is_there(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, there: str | None, request_: dict[str, Any], told: str
) -> None:
    ask(engine, **BUILD)
    if there:
        ask(engine, verb="create", **KEY, spec={"image": "hello"}, start=there == "started")

    def mute(*_: Any) -> None:
        raise SkerryError(Code.FAILED, "nothing answered", "Wait longer")

    monkeypatch.setattr(Ready, "make", mute)
    with pytest.raises(SkerryError) as found:
        ask(engine, **KEY, **request_)
    assert found.value.hint == f"Wait longer. {told}"
    known = ask(engine, verb="list")["containers"]
    assert [one["desired"] for one in known] == ([there] if there else [])


def test_an_empty_command_is_the_image_s_own(engine: Engine) -> None:
    ask(engine, **BUILD)
    ask(engine, verb="create", **KEY, spec={"image": "hello", "command": ["/other"]}, start=False)
    assert ask(engine, verb="update", **KEY, spec={"memory": "512M"})["after"]["command"] == ["/other"]
    done = ask(engine, verb="update", **KEY, spec={"command": []})
    assert (done["after"]["command"], done["plans"][0]["stored"]) == (
        None,
        ["command /other to the image's own"],
    )
    assert not ask(engine, verb="ensure", **KEY, state="present", spec={"command": []})["changed"]


class _Mute(type(KINDS["image"])):  # type: ignore[misc]
    def readers(self) -> dict[str, Any]:
        return {}


def test_what_is_done_stays_where_what_follows_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine, **BUILD)
    ask(engine, verb="create", **KEY, spec={"image": "hello"}, start=False)
    monkeypatch.setattr(cgroups, "has_controllers", lambda: False)
    with pytest.raises(SkerryError, match="no limit would hold"):
        ask(engine, verb="ensure", **KEY, state="started", spec={"memory": "512M"})
    assert verbs(engine)[-1] == ("update", "done")
    assert ask(engine, verb="info", **KEY)["container"]["memory"] == "512M"


def test_what_only_prepares_is_undone_where_what_follows_is_refused(engine: Engine, tmp_path: Path) -> None:
    same = tmp_path / "same.tar"
    assert tarball_at(same, "debian")["sha256"] == hashlib.sha256(b"debian").hexdigest()
    ask(engine, verb="image_import", name="other", **tarball_at(same, "debian"))
    with pytest.raises(SkerryError, match="is on this host as image 'other'") as caught:
        ask(engine, **BUILD)
    assert caught.value.code == Code.EXISTS
    assert not Path(engine.context.host.pool, "images", "work").exists()
    assert {state for _verb, state in verbs(engine)[1:]} <= {"undone", "done", "failed"}


def test_a_build_is_a_chain_of_which_the_last_ends_the_old_image(engine: Engine, tmp_path: Path) -> None:
    ask(engine, verb="image_import", name="hello", **tarball_at(tmp_path / "old.tar", "old"))
    planned = ask(engine, verb="plan", of=BUILD)
    done = ask(engine, **BUILD)
    assert [plan["verb"] for plan in planned["plans"]] == ["image_build", "image_build", "image_delete"]
    assert [plan["verb"] for plan in done["plans"]] == ["image_build", "image_build", "image_delete"]
    assert (planned["after"]["digest"], planned["timings_ms"]) == (None, [])
    assert [len(times) for times in done["timings_ms"]] == [1, 2, 2]
    assert verbs(engine)[1:] == [("image_build", "done"), ("image_build", "done"), ("image_delete", "done")]
    assert [image["name"] for image in ask(engine, verb="image_list")["images"]] == ["hello"]


def test_a_rebuild_that_comes_out_the_same_changes_nothing(engine: Engine) -> None:
    first = ask(engine, **BUILD)
    again = ask(engine, **BUILD, rebuild=True)
    assert (again["changed"], again["plans"], again["timings_ms"]) == (False, [], [])
    assert again["after"] == first["after"]
    assert (ask(engine, **BUILD)["changed"], ask(engine, **BUILD, packages=["nginx"])["changed"]) == (
        False,
        False,
    )
    count = len(verbs(engine))
    ask(engine, **BUILD, packages=["nginx"])
    assert len(verbs(engine)) == count, "the recipe is known now"


def test_an_image_that_cannot_be_removed_is_still_there(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine, **BUILD)

    def busy(_target: str) -> None:
        raise SkerryError(Code.FAILED, "the mount is in use")

    with monkeypatch.context() as patch:
        patch.setattr("skerry.host.systemd.unmount", busy)
        with pytest.raises(SkerryError, match="the mount is in use"):
            ask(engine, verb="image_delete", name="hello")
    assert [image["name"] for image in ask(engine, verb="image_list")["images"]] == ["hello"]
    assert ask(engine, verb="image_delete", name="hello")["changed"]
    assert ask(engine, verb="image_list")["images"] == []


def test_check_mode_writes_nothing_and_shows_what_the_run_does(engine: Engine) -> None:
    ask(engine, **BUILD)
    create = {"verb": "create", **KEY, "spec": {"image": "hello"}, "start": False}
    update = {"verb": "ensure", **KEY, "state": "started", "spec": {"memory": "1G", "env": {"A": "1"}}}
    for request in (create, update, {"verb": "delete", **KEY}):
        before = "\n".join(engine.context.db._connection.iterdump())
        planned = ask(engine, verb="plan", of=request)
        assert "\n".join(engine.context.db._connection.iterdump()) == before
        done = ask(engine, **request)
        assert planned["plans"] == done["plans"]
        assert planned["changed"]
        assert (planned["after"] is None) == (done["after"] is None)
