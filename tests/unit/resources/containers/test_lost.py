"""Containers without files on an imaginary machine: what is refused, and how an archive makes them whole again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.root_archive import ImportedRoot
from skerry.protocol.table import TABLE
from skerry.resources.containers import store
from skerry.resources.registered import KINDS
from skerry.resources.volumes import store as volumes
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at
from tests.unit.resources.containers.test_archives import KEY, ask, headed

VOLUME = {"volume": {"name": "data"}}


@pytest.fixture
def machine() -> Machine:
    return Machine(lambda: None)


@pytest.fixture
def engine(tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """One with a stopped container that has a volume, and neither has files."""
    monkeypatch.setattr("skerry.host.listening.listens", lambda *_: False)
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        image = {"name": "hello", "command": ["/app"], **tarball_at(tmp_path / "hello.tar", "hello")}
        ask(found, verb="image_import", **image)
        ask(found, verb="volume_create", **VOLUME)
        spec = {"image": "hello", "volumes": [{"volume": "data", "path": "/data"}]}
        ask(found, verb="create", **KEY, spec=spec, start=False)
        yield found
        found.context.db.close()


@pytest.fixture
def head(engine: Engine, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the archive of it begins with; then all files are lost."""
    found = headed(engine, monkeypatch)
    monkeypatch.undo()
    (blog,), (volume,) = store.all_containers(engine.context.db), volumes.all_volumes(engine.context.db)
    machine.lost |= {blog.id, volume.subvolume}
    del machine.parts["volume", blog.id]
    return json.dumps(found)


@pytest.mark.parametrize(
    "request_",
    [
        {"verb": "start", **KEY},
        {"verb": "export", **KEY},
        {"verb": "update", **KEY, "spec": {"memory": "1G"}},
        {"verb": "ensure", **KEY, "state": "started"},
        {"verb": "copy", "container": {"name": "other"}, "source": "blog"},
        {"verb": "volume_backup", **VOLUME},
        {"verb": "volume_update", **VOLUME, "size": "2G"},
    ],
)
def test_what_needs_files_says_how_to_bring_them(
    engine: Engine, machine: Machine, head: str, request_: dict[str, Any]
) -> None:
    with pytest.raises(SkerryError, match=r"files.* are not on this host") as caught:
        ask(engine, **request_)
    assert "Bring them first: skerry " in caught.value.hint


def test_an_archive_makes_the_same_container_whole_and_a_volume_comes_first(
    engine: Engine, machine: Machine, head: str
) -> None:
    (before,) = store.all_containers(engine.context.db)
    done = ask(engine, verb="import", **KEY, manifest=head)
    assert done["plans"][0]["verb"] == "fill"
    (after,) = store.all_containers(engine.context.db)
    assert (after.id, after.spec, after.root) == (before.id, before.spec, before.root)
    machine.lost.discard(before.id)
    with pytest.raises(SkerryError, match="the files of volume data are not on this host"):
        ask(engine, verb="start", **KEY)
    ask(engine, verb="volume_restore", **VOLUME)
    machine.lost.clear()
    assert ask(engine, verb="start", **KEY)["after"]["state"] == "running"
    with pytest.raises(SkerryError, match="exists already"):
        ask(engine, verb="import", **KEY, manifest=head)


def test_an_archive_of_another_image_or_with_options_fills_nothing(
    engine: Engine, machine: Machine, head: str
) -> None:
    with pytest.raises(SkerryError, match=r"memory: .* keeps its options"):
        ask(engine, verb="import", **KEY, manifest=head, spec={"memory": "1G"})
    found = json.loads(head)
    found["image"]["digest"] = "0" * 64
    with pytest.raises(SkerryError, match="its files lie over image sha256:000"):
        ask(engine, verb="import", **KEY, manifest=json.dumps(found))


def test_an_archive_that_is_refused_leaves_it_without_files(
    engine: Engine, machine: Machine, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_part: ImportedRoot, _host: HostConfig) -> None:
        raise SkerryError(Code.INVALID, "archive: it is cut off", "Take the whole archive")

    monkeypatch.setattr(ImportedRoot, "make", broken)
    (blog,) = store.all_containers(engine.context.db)
    with pytest.raises(SkerryError, match="it is cut off"):
        ask(engine, verb="import", **KEY, manifest=head)
    assert ("volume", blog.id) not in machine.parts
    (left,) = store.all_containers(engine.context.db)
    assert (left.id, left.spec, left.desired) == (blog.id, blog.spec, blog.desired)


def test_it_can_be_stopped_and_deleted(engine: Engine, machine: Machine, head: str) -> None:
    shown = ask(engine, verb="info", **KEY)["container"]
    assert (shown["state"], shown["state_detail"]) == ("stopped", "its files are not on this host")
    ask(engine, verb="stop", **KEY)
    ask(engine, verb="delete", **KEY)
    assert store.all_containers(engine.context.db) == []


def test_an_image_whose_file_is_gone_is_imported_again(engine: Engine, tmp_path: Path) -> None:
    (image,) = store.all_containers(engine.context.db)
    Path(engine.context.host.pool, "images", f"{image.image.digest}.erofs").unlink()
    again = {"command": ["/app"], **tarball_at(tmp_path / "hello.tar", "hello")}
    with pytest.raises(SkerryError, match="remembers the same image as 'hello'"):
        ask(engine, verb="image_import", name="bye", **again)
    done = ask(engine, verb="image_import", name="hello", **again)
    assert done["changed"]
    assert done["plans"][0]["stored"] == []
    assert ask(engine, verb="start", **KEY)["after"]["state"] == "running"
