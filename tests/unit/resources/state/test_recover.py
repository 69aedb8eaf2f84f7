"""A lost store, rebuilt on imaginary hosts from what stands in the pool: what comes back, what does not, kills."""

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine import executor
from skerry.engine.engine import Engine
from skerry.model.alias import Alias
from skerry.model.container import Container, ContainerKey, Spec
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.model.secret import SecretKey
from skerry.model.snapshot import SnapshotKey
from skerry.model.tenants import ProjectKey, Quota, RealmKey
from skerry.model.volume import VolumeKey
from skerry.parts import kept_specs as files
from skerry.parts.kept_specs import path
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.aliases import store as aliases
from skerry.resources.containers import store as containers
from skerry.resources.images import store as images
from skerry.resources.kind import Context
from skerry.resources.registered import KINDS
from skerry.resources.secrets import store as secrets
from skerry.resources.state.specs import Specs
from skerry.resources.volumes import store as volumes
from skerry.store import kept_specs, operations, projects, snapshots
from skerry.store.db import Database
from tests.unit.engine_fixtures import IMAGE

WRITERS: dict[Database, Specs] = {}


def engine_of(host: HostConfig) -> Engine:
    """An engine that has started, without what it does to the machine."""
    db = Database.open(host.database, KINDS.tables())
    engine = Engine(Context(host, db, b"s" * 32), KINDS, TABLE)
    with db.transaction():
        ids = projects.ids(db, engine.context.secret, "default", "default")
        projects.write(db, ids[0], "default", ids[1], "default")
    WRITERS[db] = Specs(engine.context)
    WRITERS[db].write_all()
    return engine


def follow(engine: Engine) -> bool:
    return WRITERS[engine.context.db].write()


def ask(engine: Engine, **request: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, **request})))


def new_container(engine: Engine, name: str, desired: str = "started") -> Container:
    context = engine.context
    key, spec = ContainerKey(name=name), Spec(image="hello", env={"GREETING": "hi"})
    made = containers.propose(context.db, context.host, context.secret, key, spec, IMAGE)
    made = dataclasses.replace(made, desired=desired)  # type: ignore[arg-type]
    containers.insert(context.db, made)
    containers.set_routes(context.db, made.id, {f"{made.id}.example.org": "10.0.0.1"})
    return made


def an_alias(engine: Engine, container: Container, value: str) -> None:
    key = container.key
    alias = Alias("shop", key.realm, key.project, container.project_id, key.name, container.id)
    aliases.write(engine.context.db, alias, "shop.example.org", value)


@pytest.fixture
def host(tmp_path: Path) -> HostConfig:
    for name in ("state/secrets", "pool", "run", "pki"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "state/secret").write_bytes(b"s" * 32)
    return HostConfig(
        "example.org",
        state=f"{tmp_path}/state",
        pool=f"{tmp_path}/pool",
        run=f"{tmp_path}/run",
        pki=f"{tmp_path}/pki",
    )


@pytest.fixture
def old(host: HostConfig) -> dict[str, Any]:
    """What a host had before its store was lost, with all files in the pool; its ids."""
    engine = engine_of(host)
    context = engine.context
    with context.db.transaction():
        images.write(context.db, IMAGE)
        blog, frozen = new_container(engine, "blog"), new_container(engine, "cold", "frozen")
        volume = volumes.propose(context.db, context.secret, VolumeKey(name="data"), 1 << 30)
        volumes.insert(context.db, volume)
        secret = secrets.propose(context.db, context.secret, SecretKey(name="password"), 3)
        secrets.insert(context.db, secret)
        realm = projects.propose_realm(context.db, context.secret, RealmKey(name="acme"))
        projects.insert_realm(context.db, dataclasses.replace(realm, quota=Quota(containers=7)))
        found = projects.find(context.db, ProjectKey(name="default"))
        assert found
        projects.insert(context.db, dataclasses.replace(found, quota=Quota(containers=9)))
        for name in ("monday", "gone"):
            key = SnapshotKey(source="blog", name=name)
            source = snapshots.source(context.db, key)
            assert source
            taken = snapshots.propose(context.db, context.secret, key, source, 1)
            snapshots.insert(context.db, taken)
            if name == "monday":
                Path(host.pool, taken.place).mkdir(parents=True)
        an_alias(engine, blog, "@|x|y")
    follow(engine)
    for place in (f"c/{blog.id}/work", f"c/{frozen.id}/work", f"v/{volume.subvolume}", "images"):
        Path(host.pool, place).mkdir(parents=True)
    for layer in IMAGE.lowers:
        Path(host.pool, "images", f"{layer}.erofs").touch()
    Path(host.state, "secrets", secret.id).touch()
    context.db.close()
    return {"blog": blog, "cold": frozen, "volume": volume, "secret": secret}


def lose(host: HostConfig) -> None:
    for found in Path(host.state).glob("state.db*"):
        found.unlink()


@pytest.fixture
def lost(host: HostConfig, old: dict[str, Any]) -> Iterator[Engine]:
    """The same host with a new store."""
    lose(host)
    engine = engine_of(host)
    yield engine
    engine.context.db.close()


def recoverable(engine: Engine) -> dict[str, str]:
    found = ask(engine, verb="state_info")["state"]["recoverable"]
    return {f"{one['kind']} {one['name']}": one["why_not"] for one in found}


def test_all_comes_back_with_its_ids_and_no_id_comes_twice(lost: Engine, old: dict[str, Any]) -> None:
    context = lost.context
    assert set(recoverable(lost).values()) == {""}
    planned = ask(lost, verb="plan", of={"verb": "state_recover"})
    assert containers.all_containers(context.db) == []
    done = ask(lost, verb="state_recover")
    assert done["changed"]
    assert planned["plans"] == done["plans"]
    assert planned["warnings"] == done["warnings"]
    assert {
        name: done["after"][name] for name in ("containers", "aliases", "volumes", "secrets", "images")
    } == {
        "containers": ("default/default/blog", "default/default/cold"),
        "aliases": ("shop",),
        "volumes": ("default/default/data",),
        "secrets": ("default/default/password",),
        "images": ("hello",),
    }
    assert "lost: snapshot gone of container default/default/blog" in "".join(done["warnings"])
    assert context.db.retired.is_set()
    blog = containers.find(context.db, ContainerKey(name="blog"))
    assert blog
    assert dataclasses.replace(blog, values={}, data={}) == dataclasses.replace(
        old["blog"], values={}, data={}
    )
    assert [one.key.name for one in snapshots.every(context.db)] == ["monday"]
    assert int(context.db.get_meta("epoch", "1")) > 1
    assert containers.comes_back(context.db, blog.id)
    assert not containers.comes_back(context.db, old["cold"].id)
    assert [row["host"] for row in context.db.rows("SELECT host FROM route_map ORDER BY 1")] == sorted(
        ["shop.example.org", f"{blog.id}.example.org", f"{old['cold'].id}.example.org"]
    )
    assert {one.key.name: one.quota.containers for one in projects.realms(context.db)} == {
        "acme": 7,
        "default": None,
    }
    assert [one.quota.containers for one in projects.projects(context.db)] == [9]
    context.db.retired.clear()
    follow(lost)
    assert recoverable(lost) == {}
    assert not ask(lost, verb="state_recover")["changed"]


def test_a_secrets_value_is_in_no_file_and_all_are_roots_alone(host: HostConfig, old: dict[str, Any]) -> None:
    found = [one for one in Path(host.pool, "specs").rglob("*") if one.is_file()]
    assert {one.parent.name for one in found} == set(kept_specs.TABLES)
    assert {one.stat().st_mode & 0o777 for one in found} == {0o600}
    assert {one.stat().st_mode & 0o777 for one in found[0].parents[1].rglob("*") if one.is_dir()} == {0o700}
    rows = json.loads(path(host, "secret", old["secret"].id).read_text())["rows"]["secret"][0]
    assert rows.keys() == {"id", "project_id", "name", "size", "version", "created", "changed"}


def change(where: HostConfig, which: str, one: str, **fields: Any) -> None:
    place = path(where, which, one)
    place.write_text(json.dumps(json.loads(place.read_text()) | fields))


def rows(host: HostConfig, which: str, one: str, **columns: Any) -> dict[str, Any]:
    found = json.loads(path(host, which, one).read_text())["rows"]
    found[which][0] |= columns
    return dict(found)


def test_what_cannot_be_rebuilt_is_named_and_the_rest_is_rebuilt(
    host: HostConfig, old: dict[str, Any]
) -> None:
    lose(host)
    one, name = old["blog"].id, "container default/default/blog"
    good = path(host, "container", one).read_text()
    spec = json.loads(good)

    def why() -> str:
        found = recoverable(engine)
        assert found["volume default/default/data"] == ""
        return "".join(text for what, text in found.items() if what in {name, f"container {one}"})

    engine = engine_of(host)
    for fields, text in (
        ({"version": 2}, "wrong at version"),
        ({"kind": "volume"}, f"it is of volume {one}"),
        ({"id": "0" * 24}, f"it is of container {'0' * 24}"),
        ({"host": "other.org"}, "its URLs are of other.org; set proxy_domain"),
        ({"surprise": 1}, "wrong at surprise"),
        ({"epoch": 0}, "wrong at epoch"),
        ({"rows": {}}, "it has no container"),
        ({"rows": {"container": []}}, "it has no container"),
        ({"rows": {"container": [{"id": one}]}}, "its file is damaged: NOT NULL"),
        ({"rows": rows(host, "container", one, id="0" * 24)}, "its container is of 000"),
        ({"rows": rows(host, "container", one, evil="1")}, "no container has 'evil'"),
        ({"rows": rows(host, "container", one, slot="many")}, "cannot store TEXT value"),
        ({"rows": rows(host, "container", one, spec='{"image": 1}')}, "its options are none of a container"),
        ({"rows": rows(host, "container", one, project_id="0" * 24)}, "realm, project or image is not there"),
        ({"rows": rows(host, "container", one, name="cold")}, "another one of that name"),
        ({"rows": rows(host, "container", one, slot=old["cold"].slot)}, "another one with its address"),
        ({"tables": spec["tables"] | {"boats": 1}}, "which is newer"),
        ({"tables": spec["tables"] | {"store": 99}}, "which is newer"),
    ):
        change(host, "container", one, **fields)
        assert text in (why() or recoverable(engine).get("container default/default/cold", "")), text
        path(host, "container", one).write_text(good)
    for content, text in (
        (b"", "it is no JSON"),
        (b"[]", "wrong at its beginning"),
        (b"\xff", "can't decode"),
        (b"[" * 99999, "no JSON"),
    ):
        path(host, "container", one).write_bytes(content)
        assert text in why(), text
        assert str(path(host, "container", one)) in why()
    done = ask(engine, verb="state_recover")
    assert f"not rebuilt: container {one}" in "".join(done["warnings"])
    assert done["after"]["containers"] == ("default/default/cold",)
    engine.context.db.retired.clear()
    with pytest.raises(SkerryError, match=r"nothing can be rebuilt .*it is no JSON") as caught:
        ask(engine, verb="state_recover")
    assert "skerry state info" in caught.value.hint
    assert path(host, "container", one).exists()
    engine.context.db.close()


def test_what_has_no_files_any_more_is_named(lost: Engine, old: dict[str, Any]) -> None:
    host = lost.context.host
    Path(host.state, "secrets", old["secret"].id).unlink()
    Path(host.pool, f"v/{old['volume'].subvolume}").rmdir()
    Path(host.pool, f"c/{old['cold'].id}/work").rmdir()
    Path(host.pool, f"c/{old['cold'].id}").rmdir()
    found = recoverable(lost)
    assert "set it anew: skerry secret set password" in found["secret default/default/password"]
    assert (
        found["volume default/default/data"]
        == found["container default/default/cold"]
        == "its files are not in the pool"
    )
    assert found["container default/default/blog"] == ""


def test_a_start_deletes_what_a_crash_in_a_deletion_left_and_nothing_else(
    host: HostConfig, old: dict[str, Any]
) -> None:
    lose(host)
    Path(host.pool, f"v/{old['volume'].subvolume}").rmdir()
    for layer in IMAGE.lowers:
        Path(host.pool, "images", f"{layer}.erofs").unlink()
    path(host, "container", old["cold"].id).write_text("damaged")
    engine_of(host).context.db.close()
    left = dict(files.every(host))
    assert set(left) == {"realm", "project", "secret", "container"}
    assert path(host, "container", old["cold"].id).exists()


def test_names_of_a_store_that_is_in_use_stay_its_own(host: HostConfig, old: dict[str, Any]) -> None:
    lose(host)
    engine = engine_of(host)
    context = engine.context
    with context.db.transaction():
        images.write(context.db, dataclasses.replace(IMAGE, digest="e" * 64, layers=("e" * 64,)))
        context.db.set_meta("last_slot", "20")
        own = containers.propose(
            context.db,
            context.host,
            b"other",
            ContainerKey(name="blog"),
            Spec(image="hello"),
            dataclasses.replace(IMAGE, digest="e" * 64),
        )
        containers.insert(context.db, own)
        an_alias(engine, own, "@|mine")
    follow(engine)
    done = ask(engine, verb="state_recover")
    told = "".join(done["warnings"])
    assert "not rebuilt: container default/default/blog: this host has another one of that name" in told
    assert f"it is called hello@{IMAGE.digest[:12]}" in told
    found = {one.key.name: one.id for one in containers.all_containers(context.db)}
    assert found == {"blog": own.id, "cold": old["cold"].id}
    assert context.db.value("SELECT value FROM alias") == "@|mine"
    context.db.close()


def test_an_alias_that_leads_elsewhere_now_stays_there(host: HostConfig, old: dict[str, Any]) -> None:
    lose(host)
    engine = engine_of(host)
    context = engine.context
    with context.db.transaction():
        images.write(context.db, IMAGE)
        context.db.set_meta("last_slot", "20")
        own = new_container(engine, "young")
        an_alias(engine, own, "@|mine")
    follow(engine)
    told = "".join(ask(engine, verb="state_recover")["warnings"])
    assert "lost: alias shop of container default/default/blog: it leads to another one now" in told
    assert context.db.value("SELECT value FROM alias") == "@|mine"
    context.db.close()


def test_an_older_skerrys_files_are_read(lost: Engine, old: dict[str, Any]) -> None:
    """As an engine wrote them whose volumes had no schedule yet."""
    host, one = lost.context.host, old["volume"].id
    spec = json.loads(path(host, "volume", one).read_text())
    for column in ("snapshot_every", "snapshot_keep"):
        del spec["rows"]["volume"][0][column]
    change(host, "volume", one, tables=spec["tables"] | {"volume": 1}, rows=spec["rows"])
    assert recoverable(lost)["volume default/default/data"] == ""
    ask(lost, verb="state_recover")
    found = volumes.find(lost.context.db, VolumeKey(name="data"))
    assert found == old["volume"]


def test_a_change_of_any_row_is_written_and_a_deletion_deletes(host: HostConfig, old: dict[str, Any]) -> None:
    engine = engine_of(host)
    db, one = engine.context.db, old["blog"].id
    for table, statement in {
        "container": "UPDATE container SET desired = 'stopped'",
        "alias": "UPDATE alias SET service = 'admin'",
        "snapshot": "DELETE FROM snapshot WHERE name = 'gone'",
        "route": "UPDATE route SET value = 'other'",
        "root": f"INSERT INTO root VALUES ('{one}', 2, 1, '{IMAGE.digest}', 'hello', 5)",
    }.items():
        with db.transaction():
            db.execute(statement)
        assert ("container", one) in kept_specs.changed(db), table
        kept_specs.mark(db, "container", one)
        follow(engine)
        written = json.loads(path(host, "container", one).read_text())["rows"]
        assert written[table] == [
            dict(row) for row in db.rows(f"SELECT * FROM {table}") if one in tuple(row)
        ], table
    with pytest.raises(sqlite3.Error), db.transaction():
        db.execute("DELETE FROM alias WHERE name = 'shop' AND abs(-9223372036854775808)")
    assert kept_specs.changed(db) == []
    with db.transaction():
        db.execute("DELETE FROM alias")
        containers.delete(db, one)
    follow(engine)
    assert not path(host, "container", one).exists()
    db.close()


def test_a_pool_that_takes_no_file_stops_nothing(
    host: HostConfig, old: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of(host)
    db, one = engine.context.db, old["blog"].id
    with db.transaction():
        db.execute("UPDATE container SET desired = 'stopped'")

    def full(_host: HostConfig, _spec: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(files, "write", full)
        assert not follow(engine)
    assert "is not the one of now: [Errno 28]" in caplog.text
    assert '"started"' in path(host, "container", one).read_text()
    assert follow(engine)
    assert '"stopped"' in path(host, "container", one).read_text()
    db.close()


class Killed(BaseException):
    """The engine was killed."""


@pytest.mark.parametrize("where", ["before", "in", "after"])
def test_a_kill_leaves_all_or_nothing_and_the_next_start_finishes(
    lost: Engine, old: dict[str, Any], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    context = lost.context
    close, rebuild, calls = executor._close, kept_specs.rebuild, []

    def closed(*args: Any, **kwargs: Any) -> None:
        if where == "after":
            close(*args, **kwargs)
        raise Killed

    def rebuilt(*args: Any) -> kept_specs.Outcome:
        calls.append(1)
        outcome = rebuild(*args)
        if len(calls) > 1:  # the first one was the plan's
            raise Killed
        return outcome

    with monkeypatch.context() as kill:
        if where == "in":
            kill.setattr(kept_specs, "rebuild", rebuilt)
        else:
            kill.setattr(executor, "_close", closed)
        with pytest.raises(Killed):
            ask(lost, verb="state_recover")
    assert len(containers.all_containers(context.db)) == (2 if where == "after" else 0)
    context.db.retired.clear()
    left = operations.unfinished(context.db)
    assert len(left) == (where != "after")
    for operation in left:
        assert executor.recover(context, KINDS["state"], operation) == "finished"
        assert context.db.retired.is_set()
    assert len(containers.all_containers(context.db)) == 2
