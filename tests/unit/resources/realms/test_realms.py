"""Realms and projects: what is planned and stored, what quotas refuse, and whose ids come back."""

import dataclasses
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.model.errors import Code, SkerryError
from skerry.model.ids import make_id
from skerry.model.tenants import Quota
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.registered import KINDS
from skerry.store import projects
from skerry.store.db import Database
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at

ACME: dict[str, Any] = {"realm": {"name": "acme"}}
SHOP: dict[str, Any] = {"project": {"name": "acme/shop"}}
IN_SHOP = {"project": "acme/shop"}
SPEC = {"image": "hello", "memory": "64M", "cpu": 0.5, "pids": 50, "disk": "64M"}


@pytest.fixture
def machine() -> Machine:
    return Machine(lambda: None)


@pytest.fixture
def engine(tmp_path: Path, machine: Machine) -> Iterator[Engine]:
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        ask(found, "image_import", name="hello", command=["/app"], **tarball_at(tmp_path / "x.tar", "x"))
        ask(found, "realm_create", **ACME)
        ask(found, "project_create", **SHOP)
        yield found
        found.context.db.close()


def ask(engine: Engine, verb: str, **fields: Any) -> dict[str, Any]:
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})))


def planned(engine: Engine, verb: str, **fields: Any) -> dict[str, Any]:
    return ask(engine, "plan", of={"verb": verb, **fields})


def create(engine: Engine, name: str, spec: dict[str, Any] | None = None, **place: str) -> dict[str, Any]:
    key = {"name": name, **(place or IN_SHOP)}
    return ask(engine, "create", container=key, spec=SPEC | (spec or {}), start=False)


def refused(engine: Engine, code: Code, verb: str, **fields: Any) -> str:
    with pytest.raises(SkerryError) as error:
        ask(engine, verb, **fields)
    assert error.value.code == code, error.value
    return str(error.value)


def steps(answer: dict[str, Any]) -> list[str]:
    return [re.sub("[0-9a-f]{24}", "ID", step) for plan in answer["plans"] for step in plan["steps"]]


def stored(answer: dict[str, Any]) -> list[str]:
    return [text for plan in answer["plans"] for text in plan["stored"]]


# ---- made, changed, deleted


def test_the_default_ones_are_there_from_the_first_start(engine: Engine) -> None:
    assert [one["name"] for one in ask(engine, "realm_list")["realms"]] == ["acme", "default"]
    assert [one["name"] for one in ask(engine, "project_list", realm="default")["projects"]] == ["default"]
    assert "realm default is always there" in refused(
        engine, Code.INVALID, "realm_delete", realm={"name": "default"}
    )
    said = refused(engine, Code.INVALID, "project_delete", project={"name": "default"})
    assert "project default/default is always there" in said


@pytest.mark.parametrize("verb", ["realm_ensure", "project_ensure"])
def test_four_beats(engine: Engine, verb: str) -> None:
    name = verb.removesuffix("_ensure")
    of: dict[str, Any] = {name: {"name": "other" if name == "realm" else "acme/other"}, "state": "present"}
    asked = {**of, "quota": {"memory": "1G", "cpu": "2", "volumes": 3}}
    first, done = planned(engine, verb, **asked), ask(engine, verb, **asked)
    assert first["changed"]
    assert steps(first) == steps(done)
    assert steps(done)[0].endswith("(memory 1G, cpu 2, pids any): its quotas, which the kernel holds")
    assert stored(done) == ["quota memory none to 1G", "quota cpu none to 2", "quota volumes none to 3"]
    assert done["after"]["quota"] == {"memory": "1G", "cpu": 2.0, "volumes": 3}
    assert not ask(engine, verb, **asked)["changed"]
    assert not planned(engine, verb, **asked)["changed"]
    less = ask(engine, verb, **of, quota={"memory": "none"})
    assert less["after"]["quota"] == {"cpu": 2.0, "volumes": 3}
    gone = ask(engine, verb, **{**of, "state": "absent"})
    assert (gone["changed"], gone["after"]) == (True, None)
    again = ask(engine, verb, **{**of, "state": "absent"})
    assert not again["changed"]
    assert f"there is no {name}" in again["missing"]


def test_quotas_that_no_slice_has_take_no_step(engine: Engine) -> None:
    done = ask(engine, "realm_update", **ACME, quota={"containers": 3, "disk": "1G"})
    assert steps(done) == []
    assert stored(done) == ["quota containers none to 3", "quota disk none to 1G"]


def test_what_is_not_empty_stays_and_says_what_it_has(engine: Engine) -> None:
    create(engine, "web")
    ask(engine, "volume_create", volume={"name": "data", **IN_SHOP})
    said = refused(engine, Code.BUSY, "project_delete", **SHOP)
    assert said == ("project acme/shop is not empty: it has containers web, volumes data. Delete these first")
    assert "realm acme is not empty: it has project shop" in refused(
        engine, Code.BUSY, "realm_delete", **ACME
    )


def test_one_that_an_operation_works_on_stays(engine: Engine) -> None:
    db, shop = engine.context.db, projects.projects(engine.context.db)[0]
    with db.transaction():
        plan = f'{{"before": {{"project_id": "{shop.id}", "realm_id": "{shop.realm_id}"}}, "steps": []}}'
        db.execute(
            "INSERT INTO operation (kind, resource_id, resource, verb, plan, state, started) "
            "VALUES ('volume', 'x', 'acme/shop/data', 'volume_delete', ?, 'open', '')",
            plan,
        )
    assert "it has an operation on acme/shop/data" in refused(engine, Code.BUSY, "project_delete", **SHOP)


def test_what_is_not_there_has_nothing_put_into_it(engine: Engine) -> None:
    asked: dict[str, Any] = {"spec": SPEC, "start": False}
    said = refused(engine, Code.NOT_FOUND, "create", container={"name": "a", "project": "acme/shp"}, **asked)
    assert said == "there is no project acme/shp. Create it first: skerry project create acme/shp"
    said = refused(engine, Code.NOT_FOUND, "create", container={"name": "a", "realm": "acne"}, **asked)
    assert said == "there is no realm acne. Create it first: skerry realm create acne"
    assert "there is no realm acne" in refused(
        engine, Code.NOT_FOUND, "project_create", project={"name": "acne/shop"}
    )
    assert "Did you mean shop? Projects of acme: shop" in refused(
        engine, Code.NOT_FOUND, "project_info", project={"name": "acme/shp"}
    )


def test_no_id_comes_back(engine: Engine) -> None:
    def ids() -> list[str]:
        made = create(engine, "web")["after"]["id"]
        realm = ask(engine, "realm_info", **ACME)["realm"]["id"]
        project = ask(engine, "project_info", **SHOP)["project"]["id"]
        ask(engine, "delete", container={"name": "web", **IN_SHOP})
        ask(engine, "project_delete", **SHOP)
        ask(engine, "realm_delete", **ACME)
        ask(engine, "realm_create", **ACME)
        ask(engine, "project_create", **SHOP)
        return [made, realm, project]

    assert len({*ids(), *ids(), *ids()}) == 9


def test_a_stored_id_wins_over_the_epoch(engine: Engine) -> None:
    """A restored state raises the epoch; realms and projects stay the same ones."""
    db, secret = engine.context.db, engine.context.secret
    before = projects.ids(db, secret, "acme", "shop"), projects.ids(db, secret, "default", "default")
    with db.transaction():
        db.set_meta("epoch", "7")
    assert (
        projects.ids(db, secret, "acme", "shop"),
        projects.ids(db, secret, "default", "default"),
    ) == before


# ---- quotas


@pytest.mark.parametrize(
    ("quota", "more"),
    [
        ({"containers": 2}, {}),
        ({"memory": "128M"}, {}),
        ({"memory": "192M"}, {"memory": "65M"}),
        ({"cpu": 1}, {}),
        ({"cpu": 1.5}, {"cpu": 0.51}),
        ({"pids": 100}, {}),
        ({"disk": "128M"}, {}),
    ],
)
@pytest.mark.parametrize("owner", ["realm", "project"])
def test_a_quota_is_held_at_its_edge(
    engine: Engine, owner: str, quota: dict[str, Any], more: dict[str, Any]
) -> None:
    ask(engine, f"{owner}_update", **(ACME if owner == "realm" else SHOP), quota=quota)
    create(engine, "one")
    create(engine, "two")
    (name,) = quota
    named = "realm acme" if owner == "realm" else "project acme/shop"
    fields: dict[str, Any] = {"container": {"name": "three", **IN_SHOP}, "spec": SPEC | more, "start": False}
    said = refused(engine, Code.FORBIDDEN, "create", **fields)
    assert said.startswith(f"{name}: {named} has a quota of ")
    assert f"skerry {owner} update {named.split()[1]} --{name} " in said
    with pytest.raises(SkerryError, match=f"^{name}: {named}"):
        planned(engine, "create", **fields)
    copied: dict[str, Any] = {"source": "one", "container": {"name": "three", **IN_SHOP}, "spec": more}
    assert f"{name}: {named}" in refused(engine, Code.FORBIDDEN, "copy", **copied)
    ensured = {"container": {"name": "three", **IN_SHOP}, "state": "stopped", "spec": SPEC | more}
    assert f"{name}: {named}" in refused(engine, Code.FORBIDDEN, "ensure", **ensured)
    create(engine, "elsewhere", project="default")
    ask(engine, "rename", container={"name": "one", **IN_SHOP}, new_name="uno")
    ask(
        engine, "update", container={"name": "uno", **IN_SHOP}, spec={"memory": "32M", "cpu": 0.25, "pids": 9}
    )


def test_an_update_and_a_volume_count_too(engine: Engine) -> None:
    ask(engine, "project_update", **SHOP, quota={"memory": "64M", "disk": "96M", "volumes": 1})
    create(engine, "web")
    web = {"name": "web", **IN_SHOP}
    assert "of which 0 are promised to others, and this asks for 65M" in refused(
        engine, Code.FORBIDDEN, "update", container=web, spec={"memory": "65M"}
    )
    data = {"name": "data", **IN_SHOP}
    assert "disk: project" in refused(engine, Code.FORBIDDEN, "volume_create", volume=data, size="33M")
    ask(engine, "volume_create", volume=data, size="32M")
    assert "disk: project" in refused(engine, Code.FORBIDDEN, "volume_update", volume=data, size="33M")
    more = {"name": "more", **IN_SHOP}
    ask(engine, "project_update", **SHOP, quota={"disk": "none"})
    for verb, rest in (
        ("volume_create", {}),
        ("volume_copy", {"source": "data"}),
        ("volume_restore", {}),
        ("volume_ensure", {"state": "present"}),
    ):
        assert "volumes: project" in refused(engine, Code.FORBIDDEN, verb, volume=more, **rest)
    used = ask(engine, "project_info", **SHOP)["project"]["used"]
    assert used == {"containers": 1, "memory": "64M", "cpu": 0.5, "pids": 50, "disk": "96M", "volumes": 1}


def test_a_quota_below_what_is_promised_is_refused(engine: Engine) -> None:
    create(engine, "web")
    said = refused(engine, Code.INVALID, "realm_update", **ACME, quota={"memory": "32M"})
    assert said.startswith("memory: 32M is less than what realm acme has already, 64M. Give at least 64M")
    ask(engine, "realm_update", **ACME, quota={"memory": "64M"})


def test_what_is_above_a_quota_already_may_become_less(engine: Engine) -> None:
    create(engine, "web")
    shop = projects.projects(engine.context.db)[0]
    with engine.context.db.transaction():
        projects.insert(engine.context.db, dataclasses.replace(shop, quota=Quota(memory=16 << 20)))
    ask(engine, "update", container={"name": "web", **IN_SHOP}, spec={"memory": "48M"})
    ask(engine, "project_update", **SHOP, quota={"containers": 1})


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        ({"memory": "lots"}, "memory: 'lots' is not a size. Give bytes or a number with K, M, G or T"),
        ({"memory": "1M"}, "memory: '1M' is not allowed. Give at least 16M"),
        ({"containers": "many"}, "containers: 'many' is not allowed. Give a whole number"),
        ({"containers": -1}, "containers: -1 is not allowed. Give at least 0"),
        ({"cpu": 0}, "cpu: 0 is not allowed. Give at least 0.05"),
        ({"pids": 0}, "pids: 0 is not allowed. Give at least 1"),
        ({"images": 3}, "images: there is no such option. There are containers, memory, cpu"),
    ],
)
def test_wrong_quotas(engine: Engine, quota: dict[str, Any], said: str) -> None:
    assert said in refused(engine, Code.INVALID, "project_update", **SHOP, quota=quota)


# ---- how a project is named


def test_a_project_may_have_its_realm_in_its_name(engine: Engine) -> None:
    made = create(engine, "web")["after"]
    assert (made["realm"], made["project"]) == ("acme", "shop")
    for place in ({"project": "acme/shop"}, {"realm": "acme"}, {"realm": "acme", "project": "shop"}):
        assert [one["name"] for one in ask(engine, "list", **place)["containers"]] == ["web"]
    assert ask(engine, "list", project="acme/other")["containers"] == []
    said = refused(
        engine, Code.INVALID, "info", container={"name": "web", "realm": "rival", "project": "acme/shop"}
    )
    assert said == (
        "container: project 'acme/shop' is of realm acme, and the realm is 'rival'. Give one of the two"
    )


@pytest.mark.parametrize("project", ["acme/", "/shop", "a/b/c", "Acme/shop"])
def test_half_a_name_is_refused(engine: Engine, project: str) -> None:
    said = refused(engine, Code.INVALID, "info", container={"name": "web", "project": project})
    assert "lower-case letters, digits and dashes" in said


# ---- memory that is merged


def test_a_second_realm_merges_only_by_name(engine: Engine) -> None:
    answer = ask(engine, "realm_update", **ACME, merge_memory=True)
    assert stored(answer) == ["merge_memory no to yes"]
    other: dict[str, Any] = {"realm": {"name": "other"}, "merge_memory": True}
    said = refused(engine, Code.INVALID, "realm_create", **other)
    assert "merge_memory: realm acme has it on this host" in said
    assert "lxc_host_merge_memory_realms: [other]" in said
    engine.context = dataclasses.replace(
        engine.context, host=dataclasses.replace(engine.context.host, merge_memory_realms=("other",))
    )
    assert ask(engine, "realm_create", **other)["changed"]


def test_containers_are_merged_from_their_next_start_on(engine: Engine, machine: Machine) -> None:
    key = {"name": "web", **IN_SHOP}
    own = ask(engine, "create", container=key, spec=SPEC, wait="running")["after"]["id"]
    assert not machine.parts["unit", own]["merge_memory"]
    answer = ask(engine, "realm_update", **ACME, merge_memory=True)
    assert "merge_memory: a restart is due for shop/web, until then it is as before" in answer["warnings"]
    ask(engine, "restart", container=key, grace=0, wait="running")
    assert machine.parts["unit", own]["merge_memory"]


# ---- older stores


def test_a_store_of_before_keeps_its_ids_and_gives_none_again(tmp_path: Path) -> None:
    secret, path = b"s" * 32, str(tmp_path / "store.db")
    before = Database.open(path)
    before.close()
    with sqlite3.connect(path) as raw:
        raw.executescript(
            "DROP TABLE kept_answer; DROP INDEX operation_request; ALTER TABLE operation DROP COLUMN request;"
            "ALTER TABLE operation DROP COLUMN token_id; ALTER TABLE operation DROP COLUMN token;"
            "DROP TABLE generation; CREATE TABLE generation (project_id TEXT, name TEXT, value INTEGER);"
            "DROP TABLE project; DROP TABLE realm;"
            "CREATE TABLE realm (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
            "CREATE TABLE project (id TEXT PRIMARY KEY, realm_id TEXT NOT NULL REFERENCES realm (id), "
            "name TEXT NOT NULL, UNIQUE (realm_id, name)) STRICT;"
            "INSERT INTO realm VALUES ('r', 'default'); INSERT INTO project VALUES ('p', 'r', 'shop');"
            "INSERT INTO generation VALUES ('p', 'web', 3); PRAGMA user_version = 4;"
        )
    raw.close()
    db = Database.open(path, KINDS.tables())
    assert projects.ids(db, secret, "default", "shop") == ("r", "p")
    assert projects.next_generation(db, "default", "shop", "web") == 4
    (shop,) = projects.projects(db)
    assert shop.quota == Quota()
    with db.transaction():
        projects.delete(db, "p")
    (realm,) = projects.realms(db)
    assert projects.propose(db, secret, realm, shop.key).id != make_id(
        secret, 1, "project", "default", "shop"
    )
    db.close()
