"""What a host remembers, backed up and restored on imaginary hosts: what is kept, what is refused, what a crash leaves."""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry import streams
from skerry.engine.adopt import adopt
from skerry.engine.engine import Engine
from skerry.engine.reconcile import reconcile
from skerry.host import files
from skerry.model.container import Container, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.secret import SecretKey
from skerry.model.volume import VolumeKey
from skerry.parts import state as parts
from skerry.parts.state import StateArchive, UnpackedState
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import store as containers
from skerry.resources.images import store as images
from skerry.resources.kind import Context
from skerry.resources.registered import KINDS
from skerry.resources.secrets import store as secrets
from skerry.resources.volumes import store as volumes
from skerry.store import operations, projects, snapshots
from skerry.store.db import Database
from tests.unit.engine_fixtures import IMAGE

KEY = "age1" + "q" * 58
SECRET = b"s" * 32
Members = dict[str, bytes]


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is there: age finds every key good, and systemd-creds turns values around."""
    monkeypatch.setattr("skerry.host.age.check", lambda _recipients: None)
    monkeypatch.setattr("skerry.host.credentials.seal", lambda name, value: name.encode() + value[::-1])
    monkeypatch.setattr("skerry.host.credentials.unseal", lambda name, sealed: sealed[len(name) :][::-1])
    monkeypatch.setattr("skerry.host.systemd.kill", lambda _unit: None)
    monkeypatch.setattr("skerry.engine.adopt.serve", lambda place, pem: place.server.write_text(pem))


def host_at(folder: Path, *, secret: bytes = SECRET) -> HostConfig:
    """A host as site.yml leaves it."""
    for name in ("state", "pool", "run", "pki"):
        (folder / name).mkdir(parents=True)
    (folder / "state/secret").write_bytes(secret)
    for name in ("ca.key", "ca.crt", "server.pem"):
        (folder / "pki" / name).write_text(f"{name} of {folder.name}")
    return HostConfig(
        "example.org",
        state=f"{folder}/state",
        pool=f"{folder}/pool",
        run=f"{folder}/run",
        pki=f"{folder}/pki",
    )


def engine_of(host: HostConfig) -> Engine:
    db = Database.open(host.database, KINDS.tables())
    return Engine(Context(host, db, Path(host.secret).read_bytes()), KINDS, TABLE)


def propose(engine: Engine, name: str) -> Container:
    context = engine.context
    key, spec = containers.ContainerKey(name=name), Spec(image="hello")
    return containers.propose(context.db, context.host, context.secret, key, spec, IMAGE)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Engine]:
    """A host with an image, a container that is to run, with a snapshot, a volume and a secret."""
    engine = engine_of(host_at(tmp_path / "old"))
    context = engine.context
    with context.db.transaction():
        images.write(context.db, IMAGE)
        blog = dataclasses.replace(propose(engine, "blog"), desired="started")
        containers.insert(context.db, blog)
        volume = volumes.propose(context.db, context.secret, VolumeKey(name="data"), 1 << 30)
        volumes.insert(context.db, volume)
        secret = secrets.propose(context.db, context.secret, SecretKey(name="password"), 3)
        secrets.insert(context.db, secret)
        context.db.set_meta("boot_id", "of the old host")
        key = snapshots.SnapshotKey(source="blog", name="monday")
        found = snapshots.source(context.db, key)
        assert found
        snapshots.insert(context.db, snapshots.propose(context.db, context.secret, key, found, 1))
        operations.begin(context.db, "container", (blog.id, "blog"), "stop", {"verb": "stop", "steps": []})
    parts.Sealed(secret.id, 1, b"abc").make(context.host)
    yield engine
    context.db.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Engine]:
    """Another host, with nothing."""
    engine = engine_of(host_at(tmp_path / "fresh", secret=b"other" * 8))
    yield engine
    engine.context.db.close()


def ask(engine: Engine, **request: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, **request})))


@pytest.fixture
def backup(old: Engine, monkeypatch: pytest.MonkeyPatch) -> Members:
    """The members of the old host's backup."""
    content: list[bytes] = []
    monkeypatch.setattr(StateArchive, "make", lambda part, _host: content.append(part.content))
    ask(old, verb="state_backup", recipients=[KEY])
    with tarfile.open(fileobj=io.BytesIO(content[0])) as tar:
        members = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
    assert next(iter(members)) == streams.HEAD
    return members


Restore = Callable[..., dict[str, Any]]


@pytest.fixture
def restore(fresh: Engine, backup: Members, monkeypatch: pytest.MonkeyPatch) -> Restore:
    """Restores the backup, whose manifest and members can be others, on the fresh host."""

    def restored(
        change: dict[str, Any] | None = None, members: Members | None = None, **request: Any
    ) -> dict[str, Any]:
        head = json.loads(backup[streams.HEAD]) | (change or {})
        there = {name: data for name, data in (members or backup).items() if name != streams.HEAD}

        def unpack(_part: UnpackedState, host: HostConfig) -> None:
            for name, data in there.items():
                path = Path(parts.unpacked(host), name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

        monkeypatch.setattr(UnpackedState, "make", unpack)
        return ask(fresh, verb=request.pop("verb", "state_restore"), manifest=json.dumps(head), **request)

    return restored


def refused(call: Callable[[], Any], fresh: Engine, text: str) -> SkerryError:
    with pytest.raises(SkerryError, match=text) as caught:
        call()
    host = fresh.context.host
    assert caught.value.hint
    assert ask(fresh, verb="state_info")["state"]["containers"] == ()
    assert not fresh.context.db.retired.is_set()
    assert not any(
        Path(path).exists()
        for path in (parts.unpacked(host), parts.decided(host), f"{host.state}/restore.new")
    )
    assert not adopt(host)
    return caught.value


def test_a_backup_has_all_that_makes_the_host_and_no_open_value_in_its_manifest(backup: Members) -> None:
    head = json.loads(backup[streams.HEAD])
    assert set(backup) == {streams.HEAD, *head["files"]}
    assert (head["host"], head["containers"], head["volumes"]) == (
        "example.org",
        ["default/default/blog"],
        ["default/default/data"],
    )
    assert (backup["secret"], backup["pki/ca.key"]) == (SECRET, b"ca.key of old")
    assert "abc" not in backup[streams.HEAD].decode()
    assert head["images"][0]["digest"] == IMAGE.digest


def test_the_journal_has_nothing_of_a_backup(old: Engine, backup: Members) -> None:
    (row,) = old.context.db.rows("SELECT plan FROM operation WHERE verb = 'state_backup'")
    assert "content" not in row[0]


def test_a_restored_host_has_the_same_ids_and_gives_out_none_twice(
    old: Engine, fresh: Engine, restore: Restore
) -> None:
    lost = propose(old, "later").id  # what the old host would have drawn after the backup
    (blog,) = containers.all_containers(old.context.db)
    done = restore()
    assert done["changed"]
    assert done["after"]["containers"] == ("default/default/blog",)
    assert "snapshot monday" in "".join(done["warnings"])
    with pytest.raises(SkerryError, match="just restored") as busy, fresh.context.db.transaction():
        pass
    assert busy.value.code == Code.BUSY
    fresh.context.db.close()
    assert adopt(fresh.context.host)
    new = engine_of(fresh.context.host)
    (found,) = containers.all_containers(new.context.db)
    assert (found.id, found.project_id, found.desired) == (blog.id, blog.project_id, "started")
    assert projects.ids(new.context.db, SECRET, "default", "default") == (blog.realm_id, blog.project_id)
    assert new.context.secret == SECRET
    assert int(new.context.db.get_meta("epoch", "1")) > 1
    assert propose(new, "later").id != lost
    assert propose(new, "later").project_id == blog.project_id
    assert operations.unfinished(new.context.db) == []
    assert snapshots.every(new.context.db) == []
    (secret,) = secrets.all_secrets(new.context.db)
    sealed = Path(new.context.host.state, "secrets")
    assert (sealed / secret.id).read_bytes() == secret.id.encode() + b"cba"
    assert {path.name for path in sealed.iterdir()} == {secret.id, f"{secret.id}-1"}
    assert Path(new.context.host.pki, "ca.key").read_text() == "ca.key of old"
    assert [one["kind"] for one in ask(new, verb="state_info")["state"]["missing"]] == [
        "image",
        "volume",
        "container",
    ]
    new.context.db.close()


def test_a_snapshot_whose_files_are_in_the_pool_stays(old: Engine, fresh: Engine, restore: Restore) -> None:
    (monday,) = snapshots.every(old.context.db)
    Path(fresh.context.host.pool, monday.place).mkdir(parents=True)
    assert "monday" not in "".join(restore()["warnings"])
    fresh.context.db.close()
    assert adopt(fresh.context.host)
    new = engine_of(fresh.context.host)
    assert snapshots.every(new.context.db) == [monday]
    new.context.db.close()


def test_two_restores_of_one_backup_give_out_different_ids(fresh: Engine, restore: Restore) -> None:
    epochs = set()
    for _ in range(2):
        restore()
        path = Path(parts.decided(fresh.context.host), "state.db")
        with contextlib.closing(sqlite3.connect(path)) as store:
            epochs.update(store.execute("SELECT value FROM meta WHERE key = 'epoch'"))
        files.remove_tree(parts.decided(fresh.context.host))
        fresh.context.db.retired.clear()
    assert len(epochs) == 2


def test_a_plan_says_the_same_and_does_nothing(fresh: Engine, restore: Restore, backup: Members) -> None:
    head = {"verb": "state_restore", "manifest": backup[streams.HEAD].decode()}
    planned = ask(fresh, verb="plan", of=head)
    assert not Path(fresh.context.host.state, "restore").exists()
    done = restore()
    assert [plan["steps"] for plan in planned["plans"]] == [plan["steps"] for plan in done["plans"]]
    assert planned["after"] == done["after"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"version": 2}, "version 2, and this Skerry reads 1"),
        ({"kind": "container"}, "no backup of a host's state"),
        ({"host": "other.org"}, "it is of host other.org, and this one is example.org"),
        ({"tables": {"store": 99}}, "version 99 of the tables of store"),
        ({"tables": {"boats": 1}}, "tables of boats"),
        ({"epoch": "many"}, "wrong at epoch"),
        ({"files": {"state.db": "0" * 64}}, "wrong at files"),
        (
            {
                "files": {
                    "../evil": "0" * 64,
                    "state.db": "0" * 64,
                    "secret": "0" * 64,
                    "secrets.json": "0" * 64,
                }
            },
            "files",
        ),
        ({"surprise": 1}, "wrong at surprise"),
        ({"tables": {"store": 1}}, "other tables than it says"),
    ],
)
def test_what_no_backup_begins_with_is_refused(
    fresh: Engine, restore: Restore, change: dict[str, Any], text: str
) -> None:
    refused(lambda: restore(change), fresh, text)


@pytest.mark.parametrize("name", ["state.db", "secret", "secrets.json", "pki/ca.key"])
def test_a_cut_or_changed_member_is_refused(
    fresh: Engine, restore: Restore, backup: Members, name: str
) -> None:
    refused(lambda: restore(members=backup | {name: backup[name][:-1]}), fresh, f"its {name} is not the one")
    without = {one: data for one, data in backup.items() if one != name}
    refused(lambda: restore(members=without), fresh, f"it has no {name}")


def test_a_member_too_many_is_refused(fresh: Engine, restore: Restore, backup: Members) -> None:
    refused(lambda: restore(members=backup | {"pki/more": b""}), fresh, "which no backup has")
    refused(lambda: restore(members=backup | {"more": b""}), fresh, "which no backup has")


def test_a_damaged_store_is_refused(fresh: Engine, restore: Restore, backup: Members) -> None:
    broken = backup["state.db"][:5000] + b"\xff" * 9000 + backup["state.db"][14000:]
    head = json.loads(backup[streams.HEAD])["files"] | {"state.db": hashlib.sha256(broken).hexdigest()}
    refused(lambda: restore({"files": head}, backup | {"state.db": broken}), fresh, "state.db")


def test_a_host_with_state_is_restored_for_its_own_word_only(fresh: Engine, restore: Restore) -> None:
    with fresh.context.db.transaction():
        images.write(fresh.context.db, IMAGE)
        containers.insert(fresh.context.db, propose(fresh, "own"))
    with pytest.raises(SkerryError, match="has state of its own: default/default/own") as caught:
        restore()
    assert "--replace example.org" in caught.value.hint
    with pytest.raises(SkerryError, match="is not the domain of this host"):
        restore(replace="other.org")
    told = restore(replace="example.org")["warnings"]
    assert "forgotten, since the backup has no such: default/default/own" in told[0]


def test_wrong_recipients_are_refused(old: Engine) -> None:
    for recipients in ([], ["age1short"], ["ssh-ed25519 AAAA"], [KEY + "q"]):
        with pytest.raises(SkerryError, match="recipients"):
            ask(old, verb="state_backup", recipients=recipients)


class Killed(BaseException):
    """The engine was killed."""


def counted(monkeypatch: pytest.MonkeyPatch, left: list[int]) -> None:
    """Let the engine be killed at the change of the file system before which ``left`` others are done."""

    def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return function(*args, **kwargs)

        return call

    for name in ("replace", "rename", "unlink", "rmdir", "symlink", "mkdir"):
        monkeypatch.setattr(os, name, deadly(getattr(os, name)))


def test_a_kill_at_any_point_leaves_the_old_state_or_the_new_one(
    old: Engine, restore: Restore, fresh: Engine, tmp_path: Path
) -> None:
    outcomes: list[bool] = []
    host = fresh.context.host
    saved = {
        path.relative_to(tmp_path): path.read_bytes()
        for path in (tmp_path / "fresh").rglob("*")
        if path.is_file()
    }
    for point in range(200):
        with pytest.MonkeyPatch.context() as patch:
            counted(patch, [point])
            try:
                restore()
                killed = False
            except Killed:
                killed = True
        new = _start_anew(host, point)
        names = [one.key.name for one in containers.all_containers(new.context.db)]
        outcomes.append(bool(names))
        assert names in ([], ["blog"])
        assert new.context.secret == (SECRET if names else b"other" * 8)
        assert Path(host.pki, "ca.key").read_text() == f"ca.key of {'old' if names else 'fresh'}"
        assert not Path(parts.decided(host)).exists()
        new.context.db.close()
        if not killed:
            break
        files.remove_tree(host.state)
        for path, data in saved.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(data)
        fresh.context.db._connection.close()
        fresh.context.db.__init__(Database.open(host.database, KINDS.tables())._connection)  # type: ignore[misc]
    else:
        pytest.fail("it never ended")
    assert outcomes[-1]
    assert outcomes == sorted(outcomes)  # old, old, …, new, new: one moment decides


def _start_anew(host: HostConfig, point: int) -> Engine:
    """The next engine, which is killed again and again while it takes over what is decided."""
    for second in range(100):
        with pytest.MonkeyPatch.context() as patch:
            if point % 3 == 0:
                counted(patch, [second])
            try:
                adopt(host)
                break
            except Killed:
                continue
    engine = engine_of(host)
    with pytest.MonkeyPatch.context() as patch:
        for kind in KINDS:
            if kind.name != "state":
                patch.setattr(type(kind), "reconcile", lambda _self, _context: None)
        reconcile(engine)
    if engine.context.db.retired.is_set():  # it was killed between the last step and the decision
        engine.context.db.close()
        return _start_anew(host, point)
    return engine
