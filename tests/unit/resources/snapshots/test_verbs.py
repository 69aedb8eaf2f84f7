"""Snapshots: what each verb plans, in which order a restore goes, and what is refused in which words."""

import datetime
import re
import threading
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.host import btrfs, quotas
from skerry.model.errors import Code, SkerryError
from skerry.resources.registered import KINDS
from skerry.resources.snapshots import verbs
from skerry.store import references, snapshots
from tests.unit.resources.snapshots.conftest import ask

MEBI = 1024**2
BLOG = {"source": "blog", "name": "one"}
DATA = {"source": "volume/data", "name": "one"}


def steps(answer: dict[str, Any]) -> list[str]:
    """The first two words of each step."""
    return [" ".join(step.split()[:2]) for plan in answer["plans"] for step in plan["steps"]]


def refused(engine: Engine, code: Code, verb: str, **fields: Any) -> str:
    with pytest.raises(SkerryError) as error:
        ask(engine, verb, **fields)
    assert error.value.code == code
    return str(error.value)


def names(engine: Engine, source: str) -> list[str]:
    return [one["name"] for one in ask(engine, "snapshot_list", source=source)["snapshots"]]


def test_a_new_one_says_what_it_stands_on_and_when_it_goes(engine: Engine) -> None:
    made = ask(engine, "snapshot_create", snapshot=BLOG, expires="7d")
    assert steps(made) == ["take snapshot"]
    shown, image = made["after"], references.image(engine.context.db, "hello")
    assert image is not None
    assert (shown["source"], shown["name"], shown["image"]) == ("blog", "one", "hello")
    assert shown["image_digest"] == image.digest
    kept = datetime.datetime.fromisoformat(shown["expires"]) - datetime.datetime.fromisoformat(
        shown["created"]
    )
    assert abs(kept - datetime.timedelta(days=7)) < datetime.timedelta(minutes=1)
    of_volume = ask(engine, "snapshot_create", snapshot=DATA)["after"]
    assert (of_volume["source"], of_volume["image"], of_volume["expires"]) == ("volume/data", None, None)


def test_without_a_name_it_is_called_by_the_time(engine: Engine) -> None:
    made = ask(engine, "snapshot_create", snapshot={"source": "blog"})["after"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\d-\d{6}", made["name"])
    assert names(engine, "blog") == [made["name"]]


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("snapshot_create", {"snapshot": {**BLOG, "name": "two"}}),
        ("snapshot_restore", {"snapshot": BLOG}),
        ("snapshot_restore", {"snapshot": BLOG, "keep": False}),
        ("snapshot_restore", {"snapshot": DATA}),
        ("snapshot_delete", {"snapshot": BLOG}),
        ("delete", {"container": {"name": "blog"}}),
        ("volume_delete", {"volume": {"name": "data"}}),
    ],
)
def test_check_mode_shows_what_the_run_does(engine: Engine, verb: str, fields: dict[str, Any]) -> None:
    for of in (BLOG, DATA):
        ask(engine, "snapshot_create", snapshot=of)
    planned = ask(engine, "plan", of={"verb": verb, **fields})
    done = ask(engine, verb, **fields)
    assert steps(planned) == steps(done)
    assert [plan["steps"] for plan in planned["plans"]] == [plan["steps"] for plan in done["plans"]]


def test_a_restore_keeps_what_is_there_after_the_program_has_ended(engine: Engine) -> None:
    ask(engine, "snapshot_create", snapshot=BLOG)
    done = ask(engine, "snapshot_restore", snapshot=BLOG)
    assert steps(done) == [
        *("change route", "remove unit", "take snapshot", "change root"),
        *("make unit", "await port", "change route", "remove kept"),
    ]
    assert names(engine, "blog") == ["one", "before-2026-12-05-080000"]
    assert done["after"]["kept_roots"] == []
    ask(engine, "stop", container={"name": "blog"}, grace=0)
    assert steps(ask(engine, "snapshot_restore", snapshot=BLOG, keep=False)) == ["change root", "remove kept"]
    assert names(engine, "blog") == ["one", "before-2026-12-05-080000"]


def test_it_brings_its_image_back_and_keeps_that_from_being_deleted(engine: Engine) -> None:
    ask(engine, "snapshot_create", snapshot=BLOG)
    ask(engine, "update", container={"name": "blog"}, spec={"image": "other"}, discard_root=True)
    said = refused(engine, Code.BUSY, "image_delete", name="hello")
    assert "in use by default/default/blog (snapshot one)" in said
    assert ask(engine, "plan", of={"verb": "image_prune"})["plans"] == []
    assert ask(engine, "snapshot_restore", snapshot=BLOG)["after"]["image"] == "hello"
    assert [one.image for one in snapshots.every(engine.context.db)] == ["hello", "other"]


def test_a_volume_goes_back_only_when_nobody_uses_it(engine: Engine) -> None:
    ask(engine, "snapshot_create", snapshot=DATA)
    ask(engine, "update", container={"name": "blog"}, spec={"volumes": [{"volume": "data", "path": "/data"}]})
    said = refused(engine, Code.BUSY, "snapshot_restore", snapshot=DATA)
    assert (
        "volume default/default/data is in use by default/default/blog. Stop these containers first" in said
    )
    ask(engine, "stop", container={"name": "blog"}, grace=0)
    done = ask(engine, "snapshot_restore", snapshot=DATA)
    assert steps(done) == ["take snapshot", "make volume", "remove volume"]
    assert names(engine, "volume/data") == ["one", "before-2026-12-05-080000"]


def test_where_there_is_no_room_to_keep_what_is_there_it_says_what_to_do(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for of in (BLOG, DATA):
        ask(engine, "snapshot_create", snapshot=of)
    monkeypatch.setattr(quotas, "used_by", lambda _folder, _group: 1020 * MEBI)
    said = refused(engine, Code.INVALID, "snapshot_restore", snapshot=BLOG)
    assert "disk: 1G is too little for the files of now beside those of the snapshot" in said
    assert "Give it at least 1037M, delete snapshots of it, or give --no-keep" in said
    ask(engine, "snapshot_restore", snapshot=BLOG, keep=False)
    assert "size: 64M is too little" in refused(engine, Code.INVALID, "snapshot_restore", snapshot=DATA)
    ask(engine, "snapshot_restore", snapshot=DATA, keep=False)


def test_subvolumes_in_a_volume_are_told_of_and_not_destroyed_unasked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(btrfs, "inside", lambda _path: ["v/data/inner"])
    (warning,) = ask(engine, "snapshot_create", snapshot=DATA)["warnings"]
    assert "has nothing of the 1 subvolumes which a program has made" in warning
    assert "which no snapshot keeps" in refused(engine, Code.INVALID, "snapshot_restore", snapshot=DATA)
    ask(engine, "snapshot_restore", snapshot=DATA, keep=False)


def test_what_is_not_there_is_refused_with_what_is(engine: Engine) -> None:
    ask(engine, "create", container={"name": "next"}, spec={"image": "hello"})
    ask(engine, "snapshot_create", snapshot={"source": "next", "name": "theirs"})
    ask(engine, "snapshot_create", snapshot=BLOG)
    for verb, of, code, said in (
        ("restore", {"source": "blog", "name": "theirs"}, Code.NOT_FOUND, "One of that name is of next"),
        (
            "restore",
            {"source": "blub", "name": "one"},
            Code.NOT_FOUND,
            "there is no container default/default/blub",
        ),
        ("delete", {"source": "blog", "name": "onee"}, Code.NOT_FOUND, "Did you mean one?"),
        ("create", BLOG, Code.EXISTS, "container default/default/blog has a snapshot one already"),
        ("create", {"source": "volume/blog"}, Code.NOT_FOUND, "There is a container of that name: blog"),
        ("create", {"source": "data"}, Code.NOT_FOUND, "There is a volume of that name: volume/data"),
        (
            "create",
            {"source": "blog", "name": "-"},
            Code.INVALID,
            "lower-case letters, digits, dots and dashes",
        ),
        ("create", {"source": "a/b"}, Code.INVALID, "Give the name of a container, or volume/ and the name"),
    ):
        assert said in refused(engine, code, f"snapshot_{verb}", snapshot=of)


def test_another_realm_s_are_as_if_they_were_not_there(engine: Engine) -> None:
    ask(engine, "realm_create", realm={"name": "rival"})
    ask(engine, "project_create", project={"name": "rival/default"})
    ask(engine, "create", container={"realm": "rival", "name": "blog"}, spec={"image": "hello"})
    ask(engine, "snapshot_create", snapshot={"realm": "rival", **BLOG, "name": "x1"})
    said = [
        refused(engine, Code.NOT_FOUND, "snapshot_delete", snapshot={"source": "blog", "name": name})
        for name in ("x1", "x2")
    ]
    assert said[0].replace("x1", "x2") == said[1]
    assert ask(engine, "snapshot_list", realm="default")["snapshots"] == []


def test_there_is_an_end_to_how_many_there_are(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "_MOST", 1)
    ask(engine, "snapshot_create", snapshot=BLOG)
    said = refused(engine, Code.INVALID, "snapshot_create", snapshot={**BLOG, "name": "two"})
    assert "has 1 snapshots, and may have 1" in said


def test_ensure_takes_one_once_and_deletes_it_once(engine: Engine) -> None:
    present, absent = ({"snapshot": BLOG, "state": state} for state in ("present", "absent"))
    assert [ask(engine, "snapshot_ensure", **present)["changed"] for _ in range(2)] == [True, False]
    assert [ask(engine, "snapshot_ensure", **absent)["changed"] for _ in range(2)] == [True, False]
    assert "has no snapshot one" in ask(engine, "snapshot_ensure", **absent)["missing"]


def test_they_go_with_what_they_are_of(engine: Engine) -> None:
    for of in (BLOG, DATA, {**BLOG, "name": "two"}):
        ask(engine, "snapshot_create", snapshot=of)
    assert steps(ask(engine, "delete", container={"name": "blog"})).count("remove snapshot") == 2
    assert steps(ask(engine, "volume_delete", volume={"name": "data"})) == [
        "remove snapshot",
        "remove volume",
    ]
    assert ask(engine, "snapshot_list")["snapshots"] == []


def test_a_volume_that_cannot_be_deleted_keeps_its_snapshots(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine, "snapshot_create", snapshot=DATA)

    def full(*_: Any) -> None:
        raise SkerryError(Code.FAILED, "the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr("skerry.parts.data.Data.remove", full)
        refused(engine, Code.FAILED, "volume_delete", volume={"name": "data"})
    assert names(engine, "volume/data") == ["one"]


def test_an_operation_on_what_it_is_of_comes_before_or_after_it(engine: Engine) -> None:
    """A snapshot, a restore and a stop of one container are one after the other; those of another one do not wait."""
    ask(engine, "create", container={"name": "next"}, spec={"image": "hello"})
    kinds = {kind.name: kind for kind in KINDS}
    done: list[str] = []
    with engine._alone(kinds["container"])("default/default/blog"):
        waits = threading.Thread(
            target=lambda: done.append(ask(engine, "snapshot_create", snapshot=BLOG)["after"]["name"])
        )
        waits.start()
        ask(engine, "snapshot_create", snapshot={"source": "next", "name": "quick"})
        assert done == []
    waits.join()
    assert done == ["one"]
