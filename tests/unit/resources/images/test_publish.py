"""A container as an image, on an imaginary machine: when nothing is done, what is refused."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.host import btrfs, systemd
from skerry.model.errors import Code, SkerryError
from skerry.parts import storage
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.images import store
from skerry.resources.registered import KINDS
from skerry.store import operations
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at

KEY = {"container": {"name": "shop"}}
PUBLISH: dict[str, Any] = {"verb": "image_publish", "name": "mine", "source": "shop"}
SPEC: dict[str, Any] = {
    "image": "hello",
    "env": {"B": "3", "C": "4"},
    "user": "1000",
    "workdir": "/srv",
    "stop_signal": "SIGQUIT",
    "health": {"port": 80},
}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """One with a container of an image."""
    monkeypatch.setattr("skerry.host.listening.listens", lambda *_: False)
    machine = Machine(lambda: None)
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        hello = {"name": "hello", "command": ["/app"], "env": {"A": "1", "B": "2"}}
        ask(found, verb="image_import", **hello, **tarball_at(tmp_path / "hello.tar", "hello"))
        ask(found, verb="create", **KEY, spec=SPEC)
        yield found
        found.context.db.close()


def ask(engine: Engine, **request: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, **request})))


def refused(engine: Engine, **request: Any) -> SkerryError:
    with pytest.raises(SkerryError) as caught:
        ask(engine, **request)
    return caught.value


def test_the_program_of_the_container_is_the_images(engine: Engine) -> None:
    answer = ask(engine, **PUBLISH)
    assert [plan["steps"] for plan in answer["plans"]] == [
        ["read files of container default/default/shop: its image and what it has written, of one moment"],
        [
            f"make image mine (sha256:{answer['after']['digest'][:12]}): its image and what it has written, of one moment",
            f"make mount of image mine (sha256:{answer['after']['digest'][:12]}): its containers stand on it",
        ],
    ]
    image = next(one for one in store.all_images(engine.context.db) if one.name == "mine")
    assert (image.command, image.env) == (("/app",), {"A": "1", "B": "3", "C": "4"})
    assert (image.user, image.workdir, image.stop_signal) == ("1000", "/srv", "SIGQUIT")
    assert image.health["port"] == 80
    assert image.reference == "container:default/default/shop"
    assert image.lowers == (image.digest,)


def test_what_is_asked_for_comes_before_what_the_container_has(engine: Engine) -> None:
    after = ask(engine, **PUBLISH, command=["/other"], env={"Z": "1"})["after"]
    assert (after["command"], after["env"]) == (["/other"], ["Z"])


def test_it_is_published_once(engine: Engine) -> None:
    ask(engine, **PUBLISH)
    assert ask(engine, **PUBLISH)["changed"] is False
    ask(engine, verb="delete", **KEY)
    assert ask(engine, **PUBLISH)["changed"] is False  # as with a tarball that is gone: the image is there
    changed = ask(engine, **PUBLISH, command=["/other"])
    assert changed["plans"][0]["stored"] == [
        "command of image mine: its containers take it over when they start"
    ]


def test_a_rebuild_that_comes_out_as_before_changes_nothing(engine: Engine) -> None:
    ask(engine, **PUBLISH)
    assert ask(engine, **PUBLISH, rebuild=True)["changed"] is False


def test_a_plan_tells_the_same_steps_and_does_none(engine: Engine) -> None:
    planned = ask(engine, verb="plan", of=PUBLISH)
    assert planned["changed"]
    titles = [title for plan in planned["plans"] for title in plan["steps"]]
    assert [title.split(" ")[0] for title in titles] == ["read", "make", "make"]
    assert [one.name for one in store.all_images(engine.context.db)] == ["hello"]


def test_a_name_that_another_image_has_is_refused_unless_it_may_move(engine: Engine) -> None:
    error = refused(engine, **PUBLISH | {"name": "hello"})
    assert (error.code, "image hello is there already" in error.message) == (Code.EXISTS, True)
    assert "rebuild" in error.hint
    moved = ask(engine, **PUBLISH | {"name": "hello"}, rebuild=True)
    assert moved["after"]["name"] == "hello"
    assert sorted(one.name.split("@")[0] for one in store.all_images(engine.context.db)) == ["hello", "hello"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"source": "shap"}, "there is no container default/default/shap"),
        ({"source": "shop@monday"}, "container default/default/shop has no snapshot monday"),
        ({"source": "shop", "project": "other"}, "there is no container default/other/shop"),
        ({"source": "volume/shop"}, "Give a NAME of the same project, or NAME@SNAPSHOT"),
        ({"source": "shop@"}, "Give a NAME of the same project, or NAME@SNAPSHOT"),
    ],
)
def test_a_source_that_is_not_there_is_named(engine: Engine, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(SkerryError) as caught:
        ask(engine, **PUBLISH | request_)
    assert message in caught.value.message + caught.value.hint


def test_a_snapshot_is_published_over_the_image_of_then(engine: Engine, tmp_path: Path) -> None:
    ask(engine, verb="snapshot_create", snapshot={"source": "shop", "name": "monday"})
    other = {"name": "other", "command": ["/other"], **tarball_at(tmp_path / "other.tar", "other")}
    ask(engine, verb="image_import", **other)
    ask(engine, verb="update", **KEY, spec={"image": "other"}, discard_root=True)
    after = ask(engine, **PUBLISH | {"source": "shop@monday"})["after"]
    assert (after["command"], after["reference"]) == (["/app"], "container:default/default/shop@monday")


def test_another_root_meanwhile_is_not_mixed_with_the_image_of_before(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def snapshot(_source: str, target: str, *, writable: bool) -> None:
        assert writable
        Path(target).mkdir()
        Path(target, "root").write_text("2")

    monkeypatch.setattr(btrfs, "snapshot", snapshot)
    monkeypatch.setattr(btrfs, "delete", lambda _path: None)
    error = refused(engine, **PUBLISH)
    assert (error.code, "has got another root meanwhile" in error.message) == (Code.BUSY, True)
    assert [one.name for one in store.all_images(engine.context.db)] == ["hello"]


def test_a_container_that_goes_meanwhile_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot(source: str, _target: str, *, writable: bool) -> None:
        assert writable
        raise FileNotFoundError(source)

    monkeypatch.setattr(btrfs, "snapshot", snapshot)
    assert "container default/default/shop has been deleted meanwhile" in refused(engine, **PUBLISH).message


def test_a_mount_that_fails_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def mount(*_args: str) -> None:
        raise SkerryError(Code.FAILED, "overlay could not be mounted")

    monkeypatch.setattr(systemd, "mount", mount)
    assert "overlay could not be mounted" in refused(engine, **PUBLISH).message
    assert not Path(engine.context.host.pool, "images", "work").exists()
    assert operations.recent(engine.context.db, 1)[0].state == "undone"


def test_one_that_a_backup_brought_back_without_files_is_published_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = ask(engine, **PUBLISH)["after"]
    (image,) = (one for one in store.all_images(engine.context.db) if one.name == "mine")
    assert storage.bring_image(image) == "skerry image publish mine shop"
    elsewhere = dataclasses.replace(image, reference="container:acme/web/shop@monday")
    assert (
        storage.bring_image(elsewhere) == "skerry image publish mine shop@monday --realm acme --project web"
    )
    with monkeypatch.context() as patched:  # the imaginary host's own is back before that host goes
        patched.setattr(storage, "image_is_there", lambda _host, digest: digest != image.digest)
        filled = ask(engine, **PUBLISH)
    assert (filled["changed"], filled["after"]["digest"]) == (True, after["digest"])
    assert any(title.startswith("make image mine") for plan in filled["plans"] for title in plan["steps"])


def test_a_container_without_files_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(storage, "is_there", lambda _host, _id: False)
        error = refused(engine, **PUBLISH)
    assert (error.code, error.message) == (
        Code.NOT_FOUND,
        "the files of container default/default/shop are not on this host",
    )


@pytest.mark.parametrize("verb", ["import", "fill"])
def test_one_whose_files_are_just_brought_is_published_later(engine: Engine, verb: str) -> None:
    db = engine.context.db
    container_id = db.value("SELECT id FROM container WHERE name = 'shop'")
    with db.transaction():
        operations.begin(
            db, "container", (container_id, "default/default/shop"), verb, {"verb": verb, "steps": []}
        )
    error = refused(engine, **PUBLISH)
    assert (error.code, error.message) == (Code.BUSY, "container default/default/shop is being imported")
