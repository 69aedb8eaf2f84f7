"""Containers as files on an imaginary machine: what an archive begins with, and what an import refuses in which words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry import streams
from skerry.engine.engine import Engine
from skerry.model.errors import Code, SkerryError
from skerry.parts.root_archive import RootArchive
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import store
from skerry.resources.registered import KINDS
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at

KEY, NEW = {"container": {"name": "blog"}}, {"container": {"name": "new"}}
SPEC: dict[str, Any] = {"image": "hello", "disk": "2G", "env": {"TOKEN": "s3cret"}, "publish": ["5432"]}


@pytest.fixture
def machine() -> Machine:
    return Machine(lambda: None)


@pytest.fixture
def engine(tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """One with a container that runs and has a volume and a secret."""
    monkeypatch.setattr("skerry.host.listening.listens", lambda *_: False)
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        for name in ("hello", "other"):
            image = {"name": name, "command": ["/app"], **tarball_at(tmp_path / f"{name}.tar", name)}
            ask(found, verb="image_import", **image)
        ask(found, verb="volume_create", volume={"name": "data"})
        ask(found, verb="secret_set", secret={"name": "password"}, value="b2xk")
        has = {"volumes": [{"volume": "data", "path": "/data"}], "secrets": [{"secret": "password"}]}
        ask(found, verb="create", **KEY, spec={**SPEC, **has})
        yield found
        found.context.db.close()


def ask(engine: Engine, **request: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, **request})))


@pytest.fixture
def head(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the archive of it begins with."""
    return headed(engine, monkeypatch)


def headed(engine: Engine, monkeypatch: pytest.MonkeyPatch, **request: Any) -> dict[str, Any]:
    heads: list[str] = []
    monkeypatch.setattr(RootArchive, "make", lambda part, _host: heads.append(part.head))
    ask(engine, verb="export", **KEY, **request)
    return dict(json.loads(heads[0]))


def refused(engine: Engine, head: Any, **request: Any) -> SkerryError:
    text = head if isinstance(head, str) else json.dumps(head)
    with pytest.raises(SkerryError) as caught:
        ask(engine, verb="import", **{**NEW, **request}, manifest=text)
    assert [one.key.name for one in store.all_containers(engine.context.db)] == ["blog"]
    return caught.value


def test_an_archive_begins_with_what_the_container_is_and_no_id_or_value(
    engine: Engine, head: dict[str, Any]
) -> None:
    (blog,) = store.all_containers(engine.context.db)
    assert head["image"] == {"name": "hello", "digest": blog.image.digest, "source": ""}
    assert (head["version"], head["name"], head["spec"]["disk"]) == (1, "default/default/blog", "2G")
    assert (head["volumes"], head["secrets"]) == (["data"], ["password"])
    text = json.dumps(head)
    for never in (blog.id, blog.project_id, "b2xk", "old"):
        assert never not in text


def test_the_journal_has_no_head(engine: Engine, head: dict[str, Any]) -> None:
    assert head["spec"]["env"] == {"TOKEN": "s3cret"}
    rows = engine.context.db.rows("SELECT plan FROM operation WHERE verb = 'export'")
    assert "s3cret" not in json.dumps([json.loads(row[0])["steps"] for row in rows])


def test_an_export_is_of_one_moment_and_leaves_nothing(engine: Engine, machine: Machine) -> None:
    before = {key for key in machine.parts if key[0] == "taken"}
    done = ask(engine, verb="export", **KEY)
    assert [step.split(":")[0].split(" of ")[0] for step in done["plans"][0]["steps"]] == [
        "take snapshot",
        "write archive",
        "remove snapshot",
    ]
    assert {key for key in machine.parts if key[0] == "taken"} == before
    assert done["before"] == done["after"]


def test_an_export_of_a_snapshot_has_its_image(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(engine, verb="snapshot_create", snapshot={"source": "blog", "name": "one"})
    ask(engine, verb="update", **KEY, spec={"image": "other"}, discard_root=True)
    head = headed(engine, monkeypatch, snapshot="one")
    assert (head["image"]["name"], head["spec"]["image"]) == ("hello", "hello")
    with pytest.raises(SkerryError, match="has no snapshot two"):
        ask(engine, verb="export", **KEY, snapshot="two")


def test_too_many_options_are_refused_before_a_byte_is_written(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LARGEST_HEAD", 100)
    with pytest.raises(SkerryError, match="its options take"):
        ask(engine, verb="export", **KEY)


def test_an_import_makes_the_same_container_stopped(engine: Engine, head: dict[str, Any]) -> None:
    (blog,) = store.all_containers(engine.context.db)
    done = ask(engine, verb="import", **NEW, manifest=json.dumps(head), spec={"publish": [], "disk": "3G"})
    new = next(one for one in store.all_containers(engine.context.db) if one.key.name == "new")
    assert new.spec == blog.spec.model_copy(update={"publish": (), "disk": 3 << 30})
    assert (new.desired, new.image.digest, new.data) == ("stopped", blog.image.digest, blog.data)
    planned = [step.split(" ")[0] for step in done["plans"][0]["steps"]]
    assert planned == ["make", "unpack", "make"]


def test_the_plan_is_what_the_real_run_does(engine: Engine, head: dict[str, Any]) -> None:
    request = {"verb": "import", **NEW, "manifest": json.dumps(head), "spec": {"publish": []}}
    planned = ask(engine, verb="plan", of=request)
    assert [one.key.name for one in store.all_containers(engine.context.db)] == ["blog"]
    assert planned["plans"] == ask(engine, **request)["plans"]


def test_an_image_of_another_name_is_called_by_its_digest(engine: Engine, head: dict[str, Any]) -> None:
    digest = head["image"]["digest"]
    for name in ("gone", "other"):  # not here; another one here
        key = {"container": {"name": f"new-{name}"}}
        head["image"]["name"] = name
        made = ask(engine, verb="import", **key, manifest=json.dumps(head), spec={"publish": []})
        assert made["after"]["image"] == f"sha256:{digest}"


def test_an_import_over_one_that_is_there_is_refused(engine: Engine, head: dict[str, Any]) -> None:
    found = refused(engine, head, **KEY)
    assert (found.code, "exists already" in found.message) == (Code.EXISTS, True)


def test_an_image_that_is_not_here_is_named_with_the_way_to_bring_it(
    engine: Engine, head: dict[str, Any]
) -> None:
    head["image"] = {"name": "hello", "digest": "f" * 64, "source": ""}
    found = refused(engine, head)
    assert found.code == Code.NOT_FOUND
    assert "image hello of the archive (sha256:fff" in found.message
    assert "Image hello here is another one" in found.hint
    assert "playbooks/image/import.yml" in found.hint
    head["image"]["source"] = "docker.io/library/nginx:1.27"
    assert "skerry image pull hello docker.io/library/nginx:1.27" in refused(engine, head).hint
    head["image"] = head["image"] | {"name": "a;reboot", "source": "x.org/a:1 $(reboot)"}
    assert "skerry image pull 'a;reboot' 'x.org/a:1 $(reboot)'" in refused(engine, head).hint
    assert "leave it out" in refused(engine, head, spec={"image": "other"}).hint.lower()


def test_what_no_archive_has_must_be_there(engine: Engine, head: dict[str, Any]) -> None:
    there = {"container": {"project": "shop", "name": "new"}}
    found = refused(engine, head, **there)
    assert "volumes: the archive's container has data, and default/shop has no such volume" in found.message
    assert "skerry volume restore data FILE" in found.hint
    found = refused(engine, head, **there, spec={"volumes": []})
    assert "skerry secret set password" in found.hint
    assert "port 5432/tcp of the host is taken" in refused(engine, head).message


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a version to come": ({"version": 2}, "is of version 2, and this Skerry reads 1"),
    "a version of another type": ({"version": "1"}, 'is of version "1"'),
    "true for one": ({"version": True}, "is of version true"),
    "a field too many": ({"id": "x"}, "is wrong at id"),
    "no spec": ({"spec": []}, "is wrong at spec"),
    "an image that is a text": ({"image": "hello"}, "is wrong at image"),
    "a digest that is a path": (
        {"image": {"name": "x", "digest": "../../x", "source": ""}},
        "is wrong at image.digest",
    ),
    "volumes that are a number": ({"volumes": 3}, "is wrong at volumes"),
    "an option of another type": ({"spec": {"publish": {}}}, "publish: {} is not allowed"),
    "an option that is none": ({"spec": {"evil": 1}}, "evil: there is no such option"),
    "a bad value": ({"spec": {"cpu": -1}}, "cpu: -1 is not allowed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_manifest_is_refused_by_field(engine: Engine, head: dict[str, Any], name: str) -> None:
    changed, said = WRONG[name]
    if isinstance(changed.get("spec"), dict):
        changed = {"spec": head["spec"] | changed["spec"]}
    assert said in refused(engine, head | changed).message


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"version": 1e999}'])
def test_what_is_no_manifest_is_refused(engine: Engine, text: str) -> None:
    assert "archive: its manifest is" in refused(engine, text).message


def test_no_error_quotes_the_environment(engine: Engine, head: dict[str, Any]) -> None:
    head["spec"]["env"] = {"TOKEN": ["s3cret"]}
    assert "s3cret" not in str(refused(engine, head))
    head["name"] = head["spec"]
    assert "s3cret" not in str(refused(engine, head))


def test_an_export_is_no_start_of_one_that_is_to_come_back(engine: Engine) -> None:
    """After a boot containers are started one after another; one that is exported meanwhile still has its turn."""
    (blog,) = store.all_containers(engine.context.db)
    with engine.context.db.transaction():
        store.let_all_come_back(engine.context.db)
    ask(engine, verb="export", **KEY)
    assert store.comes_back(engine.context.db, blog.id)
    assert store.find_id(engine.context.db, blog.id) == blog
