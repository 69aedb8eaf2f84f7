"""Volumes: what each verb plans, what is refused, and that nobody learns what others have."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.model.container import ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.parts import data
from skerry.parts.unit import Unit
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import anatomy
from skerry.resources.containers import store as containers
from skerry.resources.registered import KINDS
from skerry.resources.volumes import store, verbs
from skerry.store.db import Database
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at

MEBI = 1024**2
DATA = {"volume": {"name": "data"}}
ELSEWHERE = {"volume": {"realm": "other", "name": "data"}}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    machine = Machine(lambda: None)
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        yield found
        found.context.db.close()


def ask(engine: Engine, verb: str, **fields: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})))


def steps(answer: dict[str, Any]) -> list[str]:
    return [step for plan in answer["plans"] for step in plan["steps"]]


def test_a_new_one_and_what_is_shown_of_it(engine: Engine) -> None:
    made = ask(engine, "volume_create", **DATA, size="64M")
    assert [step.split(" ")[:2] for step in steps(made)] == [["make", "volume"]]
    assert {name: made["after"][name] for name in ("realm", "project", "name", "size")} == {
        "realm": "default",
        "project": "default",
        "name": "data",
        "size": "64M",
    }
    info = ask(engine, "volume_info", **DATA)["volume"]
    assert (info["used"], info["containers"]) == (0, [])


def test_check_mode_shows_what_the_run_does(engine: Engine) -> None:
    of = {"verb": "volume_create", **DATA, "size": "64M"}
    planned = ask(engine, "plan", of=of)
    assert ask(engine, "volume_list")["volumes"] == []
    assert steps(planned) == steps(ask(engine, **of))


def test_an_id_is_never_given_twice(engine: Engine) -> None:
    ids = set()
    for _ in range(3):
        ids.add(ask(engine, "volume_create", **DATA)["after"]["id"])
        ask(engine, "volume_delete", **DATA)
    assert len(ids) == 3


def test_one_that_exists_is_not_made_again(engine: Engine) -> None:
    ask(engine, "volume_create", **DATA)
    with pytest.raises(SkerryError, match="volume default/default/data exists already") as refused:
        ask(engine, "volume_create", **DATA)
    assert refused.value.code == Code.EXISTS


def test_ensure_makes_leaves_resizes_and_deletes(engine: Engine) -> None:
    def ensure(**fields: Any) -> dict[str, Any]:
        return ask(engine, "volume_ensure", **DATA, **fields)

    assert ensure(state="present")["after"]["size"] == "1G"
    assert not ensure(state="present")["changed"]
    assert not ensure(state="present", size="1024M")["changed"]
    grown = ensure(state="present", size="2G")
    assert (grown["before"]["size"], grown["after"]["size"]) == ("1G", "2G")
    assert not ensure(state="present")["changed"]
    assert ensure(state="absent")["changed"]
    again = ensure(state="absent")
    assert not again["changed"]
    assert "there is no volume default/default/data" in again["missing"]


def test_a_size_below_what_is_used_is_refused_with_figures(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine, "volume_create", **DATA, size="1G")
    monkeypatch.setattr("skerry.host.quotas.used_by", lambda _folder, _group: 100 * MEBI + 1)
    with pytest.raises(SkerryError, match=r"whose files take 101M\. Give at least 102M"):
        ask(engine, "volume_update", **DATA, size="101M")
    assert ask(engine, "volume_info", **DATA)["volume"]["size"] == "1G"
    assert ask(engine, "volume_update", **DATA, size="102M")["after"]["size"] == "102M"


def test_more_than_the_pool_has_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skerry.host.capacity.disk", lambda _host: 512 * MEBI)
    with pytest.raises(SkerryError, match=r"size: 1G is more than this host has\. Give at most 512M"):
        ask(engine, "volume_create", **DATA, size="1G")


def test_one_of_another_realm_is_as_if_it_were_not_there(engine: Engine) -> None:
    """The error for a volume that others have is the one for a volume that nobody has."""
    ask(engine, "realm_create", realm={"name": "other"})
    ask(engine, "project_create", project={"name": "other/default"})
    ask(engine, "volume_create", **ELSEWHERE)
    said = []
    for name in ("data", "blub"):
        with pytest.raises(SkerryError) as refused:
            ask(engine, "volume_delete", volume={"name": name})
        said.append((refused.value.code, str(refused.value).replace(name, "NAME")))
    assert said[0] == said[1]
    assert ask(engine, "volume_list", realm="default")["volumes"] == []
    assert len(ask(engine, "volume_list")["volumes"]) == 1


def test_the_nearest_name_of_the_same_project_is_told(engine: Engine) -> None:
    ask(engine, "volume_create", **DATA)
    with pytest.raises(SkerryError, match=r"Did you mean data\? Volumes of default/default: data"):
        ask(engine, "volume_info", volume={"name": "dat"})


def test_one_in_use_is_not_deleted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(engine, "volume_create", **DATA)
    names = [f"default/default/c{number}" for number in range(7)]
    monkeypatch.setattr(verbs, "users", lambda *_args: names)
    with pytest.raises(
        SkerryError, match=r"is in use by default/default/c0, .* and 2 more\. Take it out"
    ) as refused:
        ask(engine, "volume_delete", **DATA)
    assert refused.value.code == Code.BUSY
    assert len(ask(engine, "volume_list")["volumes"]) == 1


# Containers that have volumes.

BLOG = {"container": {"name": "blog"}}
USE = {"volume": "data", "path": "/srv/data"}


@pytest.fixture
def island(engine: Engine, tmp_path: Path) -> Engine:
    """A host with an image and a volume."""
    ask(engine, "image_import", name="hello", command=["/app"], **tarball_at(tmp_path / "x.tar", "x"))
    ask(engine, "volume_create", **DATA)
    return engine


def create(engine: Engine, *volumes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return ask(engine, "create", **(BLOG | fields), spec={"image": "hello", "volumes": list(volumes)})


def unit_of(engine: Engine) -> Unit:
    container = containers.find(engine.context.db, ContainerKey(name="blog"))
    assert container is not None
    return anatomy.unit(container)


def test_a_container_has_a_folder_before_what_lies_in_it(island: Engine) -> None:
    ask(island, "volume_create", volume={"name": "deep"})
    ids = {one["name"]: one["id"] for one in ask(island, "volume_list")["volumes"]}
    create(island, {"volume": "deep", "path": "/srv/data/deep", "read_only": True}, USE)
    assert unit_of(island).mounts == (
        (f"{ids['data']}-1", "/srv/data", "rw"),
        (f"{ids['deep']}-1", "/srv/data/deep", "ro"),
    )


@pytest.mark.parametrize("realm", ["other", "nobody"])
def test_a_volume_of_another_realm_is_not_found(island: Engine, realm: str) -> None:
    ask(island, "realm_create", realm={"name": "other"})
    ask(island, "project_create", project={"name": "other/default"})
    ask(island, "volume_create", volume={"realm": "other", "name": "theirs"})
    use = {"volume": "theirs", "path": "/srv"}
    with pytest.raises(
        SkerryError, match=r"there is no volume theirs in default/default\. Volumes of .*: data$"
    ):
        create(island, use)
    create(island)
    with pytest.raises(SkerryError, match="there is no volume theirs in default/default"):
        ask(island, "update", **BLOG, spec={"volumes": [use]})


def test_a_volume_in_use_stays_until_the_last_container_has_let_go(island: Engine) -> None:
    create(island, USE)
    create(island, USE | {"read_only": True}, container={"name": "copy"})
    for left in (["default/default/blog", "default/default/copy"], ["default/default/copy"]):
        assert ask(island, "volume_info", **DATA)["volume"]["containers"] == left
        with pytest.raises(SkerryError, match=f"is in use by {', '.join(left)}"):
            ask(island, "volume_delete", **DATA)
        ask(island, "delete", container={"name": left[0].split("/")[-1]})
    ask(island, "volume_delete", **DATA)


def test_what_a_container_was_started_with_counts_until_its_restart(island: Engine) -> None:
    """Its option is gone already, but it has the folder still: deleted now, its program would lose it."""
    create(island, USE)
    host, unit = island.context.host, unit_of(island)
    folder = Path(host.run, "c", unit.id)
    folder.mkdir(parents=True)
    (folder / "start").write_bytes(f"x\0{data.folder(host, unit.mounts[0][0])}\0/srv/data\0rw\0".encode())
    answer = ask(island, "update", **BLOG, spec={"volumes": []})
    assert answer["plans"][0]["restart_required"] == ["volumes"]
    assert answer["plans"][0]["stored"] == ["volumes data:/srv/data to none"]
    with pytest.raises(SkerryError, match="is in use by default/default/blog"):
        ask(island, "volume_delete", **DATA)
    (folder / "start").unlink()
    ask(island, "volume_delete", **DATA)


def test_volumes_outlive_containers_and_stay_with_their_project(island: Engine) -> None:
    create(island, USE)
    ask(island, "delete", **BLOG)
    assert [one["name"] for one in ask(island, "volume_list")["volumes"]] == ["data"]
    elsewhere = {"project": "shop", "name": "blog"}
    with pytest.raises(SkerryError, match="there is no project default/shop"):
        create(island, USE, container=elsewhere)
    ask(island, "project_create", project={"name": "shop"})
    with pytest.raises(SkerryError, match="there is no volume data in default/shop"):
        create(island, USE, container=elsewhere)


def test_without_its_volume_a_container_does_not_start_but_stops(island: Engine) -> None:
    create(island, USE)
    with island.context.db.transaction():
        island.context.db.execute("DELETE FROM volume")
    ask(island, "stop", **BLOG, grace=0)
    with pytest.raises(SkerryError, match="there is no volume data in default/default"):
        ask(island, "start", **BLOG)
    ask(island, "delete", **BLOG)


def test_how_often_snapshots_of_it_are_taken_is_changed_without_a_step(engine: Engine) -> None:
    made = ask(engine, "volume_create", **DATA, size="64M", snapshot_every="24h")
    assert (made["after"]["snapshot_every"], made["after"]["snapshot_keep"]) == ("1d", "1w")
    change = {"verb": "volume_update", **DATA, "snapshot_every": "6h", "snapshot_keep": "2d"}
    planned = ask(engine, "plan", of=change)
    done = ask(engine, **change)
    assert planned["after"] == done["after"]
    for one in (planned, done):
        (plan,) = one["plans"]
        assert (plan["steps"], plan["stored"]) == (
            [],
            ["snapshot_every 1d to 6h", "snapshot_keep 1w to 2d"],
        )
    assert ask(engine, **change)["changed"] is False
    shown = ask(engine, "volume_info", **DATA)["volume"]
    assert (shown["size"], shown["snapshot_every"], shown["snapshot_keep"]) == ("64M", "6h", "2d")
    ensured = {**DATA, "state": "present"}
    assert ask(engine, "volume_ensure", **ensured, size="64M")["changed"] is False
    off = ask(engine, "volume_ensure", **ensured, snapshot_every="")
    assert off["plans"][0]["stored"] == ["snapshot_every 6h to none"]
    assert ask(engine, "volume_ensure", **ensured, snapshot_every="")["changed"] is False
    assert ask(engine, "volume_update", **DATA, size="128M")["after"]["snapshot_keep"] == "2d"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nothing is to be changed. Give size, snapshot_every or snapshot_keep"),
        ({"snapshot_every": "5m"}, "snapshot_every: '5m' is too often. Give at least 15m"),
        ({"snapshot_every": "2w"}, "snapshot_keep 1w is shorter than snapshot_every 2w"),
        ({"snapshot_every": "15m"}, "makes 672 snapshots, and 400 is the most. Take them less often"),
        ({"snapshot_keep": ""}, "snapshot_keep: '' is not a duration"),
    ],
)
def test_a_schedule_that_makes_none_or_too_many_is_refused(
    engine: Engine, given: dict[str, str], said: str
) -> None:
    ask(engine, "volume_create", **DATA, size="64M")
    with pytest.raises(SkerryError, match=re.escape(said)) as error:
        ask(engine, "volume_update", **DATA, **given)
    assert error.value.code == Code.INVALID


def test_a_store_of_before_has_volumes_without_a_schedule(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    older = KINDS.tables() | {"volume": store.TABLES[:1]}
    db = Database.open(path, older)
    with db.transaction():
        db.execute("INSERT INTO realm (id, name) VALUES ('r', 'default')")
        db.execute("INSERT INTO project (id, realm_id, name) VALUES ('p', 'r', 'default')")
        db.execute("INSERT INTO volume VALUES ('v', 'p', 'data', 1, 1, '2026-01-01T00:00:00+00:00')")
    db.close()
    db = Database.open(path, KINDS.tables())
    (found,) = store.all_volumes(db)
    assert (found.key.name, found.snapshot_every, found.snapshot_keep) == ("data", "", "1w")
    with db.transaction():
        store.update(db, dataclasses.replace(found, snapshot_every="6h"))
    assert store.all_volumes(db)[0].snapshot_every == "6h"
    db.close()
