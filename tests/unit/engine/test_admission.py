"""Who asks by a token: what it reaches, what it may, and that all else is as if it had never been."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.admission import Asker, asker_of
from skerry.engine.engine import Engine
from skerry.model import token as model
from skerry.model.errors import Code, SkerryError
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.rights import RIGHTS, SHOW_ENV, Reach
from skerry.protocol.table import TABLE
from skerry.resources.registered import KINDS
from skerry.store import tokens as store
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine, tarball_at

HERE = "192.0.2.7"
SPEC = {"image": "hello", "memory": "64M", "cpu": 0.5, "pids": 50, "disk": "64M"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Realms acme (projects shop and blog) and rival (project shop), each project with one of each resource."""
    machine = Machine(lambda: None)
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        ask(found, "image_import", name="hello", command=["/app"], **tarball_at(tmp_path / "x.tar", "x"))
        for realm, *names in (("acme", "shop", "blog"), ("rival", "shop")):
            ask(found, "realm_create", realm={"name": realm})
            for project in names:
                place = {"realm": realm, "project": project}
                ask(found, "project_create", project={"realm": realm, "name": project})
                ask(found, "volume_create", volume={"name": "data", **place})
                ask(found, "secret_set", secret={"name": "key", **place}, value="c2VjcmV0")
                ask(found, "create", container={"name": "web", **place}, spec=SPEC, start=False)
                ask(found, "snapshot_create", snapshot={"source": "volume/data", "name": "one", **place})
                ask(
                    found,
                    "alias_set",
                    alias=f"www-{realm}-{project}",
                    container="web",
                    wait="running",
                    **place,
                )
                ask(found, "policy_set", **place, container="web")
        yield found
        found.context.db.close()


def parsed(verb: str, **fields: Any) -> Any:
    return TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})


def ask(engine: Engine, verb: str, by: str = "", at: str = HERE, **fields: Any) -> dict[str, Any]:
    """What root, or a token, is answered."""
    asker = Asker(model.digest(by), at) if by else None
    return dict(engine.answer(parsed(verb, **fields), asker=asker))


def token(engine: Engine, name: str, by: str = "", **options: Any) -> str:
    key = {"name": name, "realm": options.pop("realm", None)}
    return str(ask(engine, "token_create", by, token=key, **options)["once"]["token"])


def refused(engine: Engine, verb: str, by: str = "", at: str = HERE, **fields: Any) -> tuple[str, str, str]:
    with pytest.raises(SkerryError) as error:
        ask(engine, verb, by, at, **fields)
    return error.value.code, error.value.message, error.value.hint


def named(realm: str, project: str, name: str = "web") -> dict[str, dict[str, Any]]:
    """Of each verb, a request that names something of a project."""
    place = {"realm": realm, "project": project}
    one, volume = {"container": {"name": name, **place}}, {"volume": {"name": "data", **place}}
    secret, taken = (
        {"secret": {"name": "key", **place}},
        {"snapshot": {"source": "volume/data", "name": "one", **place}},
    )
    alias = {"alias": "www-acme-blog", **place}
    policy = {**place, "container": name}
    of = {"project": {"realm": realm, "name": project}}
    tokens, realms = {"token": {"realm": realm, "name": "ci"}}, {"realm": {"name": realm}}
    found: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("info", "start", "stop", "restart", "rollback", "delete", "freeze", "thaw"), one),
        **dict.fromkeys(("exec_stream", "logs_stream"), one),
        "create": {**one, "spec": SPEC},
        "update": {**one, "spec": {"memory": "128M"}},
        "ensure": {**one, "state": "absent"},
        "copy": {"container": {"name": "new", **place}, "source": "web"},
        "rename": {**one, "new_name": "new"},
        **dict.fromkeys(("volume_info", "volume_create", "volume_delete"), volume),
        "volume_update": {**volume, "size": "2G"},
        "volume_ensure": {**volume, "state": "present"},
        "volume_copy": {"volume": {"name": "new", **place}, "source": "data"},
        "volume_rename": {**volume, "new_name": "new"},
        **dict.fromkeys(("secret_info", "secret_delete", "secret_absent"), secret),
        "secret_set": {**secret, "value": "c2VjcmV0"},
        **dict.fromkeys(("snapshot_info", "snapshot_create", "snapshot_restore", "snapshot_delete"), taken),
        "snapshot_ensure": {**taken, "state": "present"},
        "alias_set": {**alias, "container": "web"},
        "alias_drain": alias,
        "alias_delete": alias,
        **dict.fromkeys(("policy_info", "policy_set", "policy_delete", "policy_absent"), policy),
        **dict.fromkeys(("project_info", "project_create", "project_update", "project_delete"), of),
        "project_ensure": {**of, "state": "present"},
        "realm_info": realms,
        **dict.fromkeys(("token_info", "token_rotate", "token_revoke"), tokens),
        "token_create": {**tokens, "template": "reader"},
        "token_ensure": {**tokens, "state": "present"},
    }  # fmt: skip
    return found


EXPLAIN = "policy_explain"  # it asks for one URL
LISTINGS = sorted(verb for verb, right in RIGHTS.items() if right.reach is Reach.LISTING and verb != EXPLAIN)
HOST = {verb for verb, right in RIGHTS.items() if right.reach is Reach.HOST}
NAMING = sorted(set(RIGHTS) - set(LISTINGS) - {SHOW_ENV, EXPLAIN, "realm_list"} - HOST)


def test_the_requests_of_these_tests_are_all_that_name_something() -> None:
    assert sorted(named("acme", "shop")) == NAMING


def test_a_url_of_others_is_as_one_that_leads_nowhere(engine: Engine) -> None:
    by = token(engine, "ci", realm="acme", template="admin")
    url, foreign = (ask(engine, "info", container={"name": "web", "realm": realm, "project": project})["container"]["url"]
                    for realm, project in (("acme", "shop"), ("rival", "shop")))  # fmt: skip
    assert ask(engine, EXPLAIN, by, url=url)["policy"] == "acme/shop/web"
    nowhere = foreign.replace("//", "//0")
    told = [refused(engine, EXPLAIN, by, url=one)[1].replace(one, "") for one in (foreign, nowhere)]
    assert told[0] == told[1]


# ---- who asks at all


def test_no_token_is_as_good_as_one_that_has_ended_or_is_used_elsewhere(engine: Engine) -> None:
    good = token(engine, "ci", template="reader", cidrs=["192.0.2.0/24", "2001:db8::/32"])
    assert ask(engine, "token_self", good)["token"]["name"] == "ci"
    assert ask(engine, "list", good, at="2001:db8::9")["containers"]
    said = {refused(engine, "status", model.new())}
    said.add(refused(engine, "status", good, "198.51.100.1"))
    said.add(refused(engine, "status", good, "2001:db9::1"))
    ended = token(engine, "old", template="reader", expires="1m")
    with engine.context.db.transaction():
        engine.context.db.execute("UPDATE token SET expires = '2026-01-01T00:00:00+00:00' WHERE name = 'old'")
    said.add(refused(engine, "status", ended))
    gone = token(engine, "gone", template="reader")
    ask(engine, "token_revoke", token={"name": "gone"})
    said.add(refused(engine, "status", gone))
    was = token(engine, "rotated", template="reader")
    now = ask(engine, "token_rotate", token={"name": "rotated"})["once"]["token"]
    said.add(refused(engine, "status", was))
    assert ask(engine, "status", now)
    assert [one[:2] for one in said] == [
        ("unauthorized", "this token is none, or none any more, or none here")
    ]


@pytest.mark.parametrize(
    ("raw", "code", "said"),
    [
        ({}, Code.UNAUTHORIZED, "the request does not say which token asks"),
        ({"asker": None}, Code.UNAUTHORIZED, "does not say which token asks"),
        ({"asker": {"token": "a" * 64}}, Code.UNAUTHORIZED, "does not say"),
        ({"asker": {"token": "a" * 64, "source": HERE, "realm": "acme"}}, Code.UNAUTHORIZED, "does not say"),
        ({"asker": {"token": "a" * 63, "source": HERE}}, Code.INVALID, "this is no SHA-256 in hex"),
        ({"asker": {"token": "A" * 64, "source": HERE}}, Code.INVALID, "this is no SHA-256"),
        ({"asker": {"token": f"{'a' * 64}\n", "source": HERE}}, Code.INVALID, "this is no SHA-256"),
        ({"asker": {"token": 7, "source": HERE}}, Code.INVALID, "this is no SHA-256"),
        ({"asker": {"token": "a" * 64, "source": "here"}}, Code.INVALID, "this is no address"),
        ({"asker": {"token": "a" * 64, "source": 16909060}}, Code.INVALID, "this is no address"),
        ({"asker": {"token": "a" * 64, "source": "fe80::1%eth0"}}, Code.INVALID, "this is no address"),
        ({"asker": {"token": "a" * 64, "source": "192.0.2.0/24"}}, Code.INVALID, "this is no address"),
    ],
)
def test_who_asks_is_said_wrong(raw: dict[str, Any], code: Code, said: str) -> None:
    with pytest.raises(SkerryError) as error:
        asker_of(raw)
    assert (error.value.code, said in error.value.message) == (code, True)


def test_the_last_use_is_known_to_the_minute(engine: Engine) -> None:
    good = token(engine, "ci", template="reader")
    assert ask(engine, "token_info", token={"name": "ci"})["token"]["last_used"] is None
    ask(engine, "status", good)
    assert ask(engine, "token_info", token={"name": "ci"})["token"]["last_used"][:4].isdigit()


# ---- what it is about


@pytest.mark.parametrize("verb", NAMING)
def test_what_is_foreign_is_as_if_it_had_never_been(engine: Engine, verb: str) -> None:
    """A realm of another tenant, a project of one's own realm that the token is not for: as one that nobody has."""
    whole = token(engine, "whole", realm="acme", template="admin")
    shop = token(engine, "shop", realm="acme", projects=["shop"], template="admin")
    token(engine, "ci", realm="rival", template="admin")
    token(engine, "ci", realm="acme", template="admin")
    foreign = {
        refused(engine, verb, by, **named(realm, "shop")[verb])
        for by in (whole, shop)
        for realm in ("rival", "nobody")
    }
    assert {one[0] for one in foreign} == {Code.NOT_FOUND}
    assert {one[1].replace("rival", "nobody") for one in foreign} == {
        next(iter(foreign))[1].replace("rival", "nobody")
    }
    assert len({one[2] for one in foreign}) == 1
    if RIGHTS[verb].reach is Reach.PROJECT or verb.startswith("project_"):
        of_own = {
            tuple(text.replace(project, "nothing") for text in refused(engine, verb, shop, **named("acme", project)[verb]))
            for project in ("blog", "nothing")
        }  # fmt: skip
        assert {one[0] for one in of_own} == {Code.NOT_FOUND}
        assert len(of_own) == 1
    planned = [verb for verb in (verb,) if TABLE[verb].changes]
    for one in planned:
        of = {"verb": one, **named("rival", "shop")[one]}
        assert refused(engine, "plan", whole, of=of) == refused(
            engine, one, whole, **named("rival", "shop")[one]
        )


@pytest.mark.parametrize("verb", LISTINGS)
def test_a_list_has_only_what_the_token_is_about(engine: Engine, verb: str) -> None:
    for realm in ("acme", "rival"):
        token(engine, "ci", realm=realm, template="admin")
    text = ""
    for about, unseen in (
        ({"realm": "acme"}, ["rival"]),
        ({"realm": "acme", "projects": ["shop"]}, ["rival", "blog"]),
    ):
        by = token(engine, f"about-{len(about)}", template="admin", **about)
        text = json.dumps(ask(engine, verb, by))
        assert not [one for one in unseen if one in text], text
        if verb not in {"status", "image_list", "top", "stats"}:
            assert "acme" in text
        if "realm" in TABLE[verb].request.model_fields:
            foreign = ask(engine, verb, by, realm="rival")
            assert foreign == ask(engine, verb, by, realm="nobody")
    everything = json.dumps(ask(engine, verb, token(engine, "all", template="operator")))
    assert everything != text


def test_a_tenant_is_told_nothing_of_the_host(engine: Engine) -> None:
    by = token(engine, "ci", realm="acme", template="admin")
    found = ask(engine, "status", by)
    assert sorted(found) == ["domain", "fences", "kinds", "version", "wire_version"]
    assert "containers" in ask(engine, "status", token(engine, "all", template="operator"))
    for verb in sorted(HOST):
        with pytest.raises(SkerryError) as error:
            engine.answer(_any(verb), asker=Asker(model.digest(by), HERE))
        assert error.value.code in {Code.FORBIDDEN, Code.NOT_FOUND}, verb


def _any(verb: str) -> Any:
    """A request of that verb, whose fields nobody looks at."""
    place = {"container": None, "volume": None, "realm": None, "project": None}
    return TABLE[verb].request.model_construct(verb=verb, **place)


def test_an_image_of_a_containers_files_is_its_projects_own(engine: Engine) -> None:
    engine.context.db.execute(
        """UPDATE image SET oci = json_set(oci, '$.reference', 'container:rival/shop/web') WHERE name = 'hello'"""
    )
    by = token(engine, "ci", realm="acme", template="admin")
    new: dict[str, Any] = {
        "container": {"name": "new", "realm": "acme", "project": "shop"},
        "spec": SPEC,
        "start": False,
    }
    assert ask(engine, "image_list", by)["images"] == []
    assert refused(engine, "create", by, **new) == (
        "not_found",
        "image 'hello' is not on this host",
        "Images here: none yet",
    )
    mine = token(engine, "ci", realm="rival", template="reader")
    (one,) = ask(engine, "image_list", mine)["images"]
    assert one["containers"] == ["rival/shop/web"]


def test_a_project_that_is_made_again_is_not_the_one_that_a_token_was_for(engine: Engine) -> None:
    ask(engine, "project_create", project={"name": "acme/new"})
    by = token(engine, "ci", realm="acme", projects=["new"], template="admin")
    ask(engine, "project_delete", project={"name": "acme/new"})
    assert ask(engine, "list", by)["containers"] == []
    ask(engine, "project_create", project={"name": "acme/new"})
    assert refused(engine, "project_info", by, project={"name": "acme/new"})[0] == Code.NOT_FOUND
    assert ask(engine, "token_self", by)["token"]["projects"] == []


# ---- what it may


def test_a_missing_right_is_named_in_ones_own_realm(engine: Engine) -> None:
    by = token(engine, "ci", realm="acme", template="reader")
    of = named("acme", "shop")
    for verb in NAMING:
        if RIGHTS[verb].template == "reader":
            continue
        code, said, _ = refused(engine, verb, by, **of[verb])
        assert (code, said) == (Code.FORBIDDEN, f"token acme/ci has not the right {verb}"), verb
    shown = refused(engine, "info", by, **of["info"], show_env=True)
    assert shown[1] == "token acme/ci has not the right show_env"


def test_a_state_needs_the_right_for_what_it_does(engine: Engine) -> None:
    by = token(engine, "ci", realm="acme", verbs=["ensure", "volume_ensure"])
    web: dict[str, Any] = {"container": {"name": "web", "realm": "acme", "project": "shop"}}
    assert "right delete" in refused(engine, "ensure", by, **web, state="absent")[1]
    new: dict[str, Any] = {
        "container": {"name": "new", "realm": "acme", "project": "shop"},
        "state": "stopped",
    }
    assert "right copy" in refused(engine, "ensure", by, **new, copy_of="web")[1]
    assert "right rename" in refused(engine, "ensure", by, **new, renamed_from="web")[1]
    assert ask(engine, "ensure", by, **web, state="stopped")["changed"] is False


def test_what_is_decided_about_a_project_takes_a_token_of_the_realm(engine: Engine) -> None:
    by = token(engine, "ci", realm="acme", projects=["shop"], template="admin")
    code, said, _ = refused(
        engine, "project_update", by, project={"name": "acme/shop"}, quota={"memory": "9G"}
    )
    assert (code, said) == (
        Code.FORBIDDEN,
        "token acme/ci is about project acme/shop, and project_update is for tokens of all of realm acme",
    )
    whole = token(engine, "whole", realm="acme", template="admin")
    assert ask(engine, "project_update", whole, project={"name": "acme/shop"}, quota={"memory": "9G"})[
        "changed"
    ]
    assert "the operator" in refused(engine, "realm_update", whole, realm={"name": "acme"})[1]


# ---- the journal


def test_the_journal_names_who_asked_and_never_a_token(engine: Engine) -> None:
    by = token(engine, "ci", realm="acme", template="deploy")
    ask(engine, "stop", by, container={"name": "web", "realm": "acme", "project": "shop"})
    ask(engine, "volume_create", by, volume={"name": "more", "realm": "acme", "project": "shop"})
    newest = ask(engine, "operations")["operations"][0]
    own = ask(engine, "token_info", token={"name": "acme/ci"})["token"]
    assert (newest["token"], newest["token_id"]) == ("acme/ci", own["id"])
    everything = "\n".join(engine.context.db._connection.iterdump())
    assert by not in everything
    assert json.dumps(own).find(model.digest(by)) == -1


def test_what_waits_for_its_turn_is_refused_once_its_token_is_revoked(engine: Engine) -> None:
    by = token(engine, "ci", realm="acme", template="deploy")
    place = {"realm": "acme", "project": "shop"}
    held = engine._locks.only("container acme/shop/web", 0.0, lambda _event: None)

    def revoke(event: dict[str, Any]) -> None:
        assert "waiting for another operation" in event["stage"]
        ask(engine, "token_revoke", token={"name": "acme/ci"})
        held.__exit__(None, None, None)

    held.__enter__()
    asker = Asker(model.digest(by), HERE)
    with pytest.raises(SkerryError) as error:
        engine.answer(parsed("delete", container={"name": "web", **place}), revoke, asker)
    assert error.value.code == Code.UNAUTHORIZED
    assert ask(engine, "info", container={"name": "web", **place})


def test_a_dry_run_makes_no_token(engine: Engine) -> None:
    planned = ask(engine, "plan", of={"verb": "token_create", "token": {"name": "ci"}, "template": "reader"})
    assert planned["changed"]
    assert "once" not in planned
    assert store.every(engine.context.db) == []
    assert dataclasses.is_dataclass(Asker)
