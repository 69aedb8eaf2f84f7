"""What the verbs of an alias decide, and what they refuse in which words."""

import dataclasses
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.host import routes
from skerry.model.container import ContainerKey, Spec
from skerry.model.errors import Code, SkerryError
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources import shares
from skerry.resources.containers import store as containers
from skerry.resources.kind import Context
from skerry.resources.registered import KINDS
from skerry.store import operations
from tests.unit.engine_fixtures import container, db, host, place

__all__ = ["container", "db", "host"]


@pytest.fixture
def engine(host, db, container, monkeypatch):
    """A host with the containers blog and next, and another realm's."""
    monkeypatch.setattr("skerry.host.systemd.states", lambda _pattern: {})
    monkeypatch.setattr("skerry.resources.containers.lost.found", lambda *_: "")
    monkeypatch.setattr("skerry.resources.containers.lost.check", lambda *_: None)
    services = Spec(image="hello", services=({"name": "web", "port": 8080},))
    every = [
        dataclasses.replace(container, spec=services, desired="started"),
        dataclasses.replace(container, id="d" * 24, key=ContainerKey(name="next"), slot=8),
        dataclasses.replace(container, id="e" * 24, realm_id="f" * 24, project_id="9" * 24, slot=9,
                            key=ContainerKey(realm="other", name="blog")),
        dataclasses.replace(container, id="7" * 24, project_id="8" * 24, slot=10,
                            key=ContainerKey(project="side", name="blog")),
    ]  # fmt: skip
    with db.transaction():
        for one in every:
            place(db, one)
            containers.insert(db, one)
    return Engine(Context(host, db, b"s" * 32), KINDS, TABLE)


def parse(verb: str, **fields: Any):
    return TABLE.parse({"version": WIRE_VERSION, "verb": verb, "alias": "shop", **fields})


def plan(engine, verb: str, **fields: Any):
    return engine.answer(
        TABLE.parse(
            {"version": WIRE_VERSION, "verb": "plan", "of": {"verb": verb, "alias": "shop", **fields}}
        )
    )


def stored(engine, **fields: Any) -> None:
    """An alias as the store has it, without a proxy."""
    kind, context = KINDS["alias"], engine.context
    request = parse("alias_set", wait="running", **fields)
    (*_, lead) = kind.planners()["alias_set"](context, request, None)
    with context.db.transaction():
        kind.begin(context, lead(kind.find(context, request)))


def refused(engine, verb: str, **fields: Any) -> SkerryError:
    with pytest.raises(SkerryError) as error:
        plan(engine, verb, **fields)
    return error.value


def test_a_realm_has_so_many_names_and_no_more(engine, monkeypatch) -> None:
    monkeypatch.setattr(shares, "MOST", {"alias": 1})
    stored(engine, container="blog")
    found = refused(engine, "alias_set", alias="other", container="blog")
    assert (found.code, found.message) == (Code.FORBIDDEN, "realm default has 1 aliases, and may have 1")
    assert plan(engine, "alias_set", container="next", wait="running")["changed"]
    assert plan(engine, "alias_set", alias="other", realm="other", container="blog", wait="running")[
        "changed"
    ]


def test_a_new_alias_waits_for_its_container_and_leads_to_it(engine) -> None:
    answer = plan(engine, "alias_set", container="blog", service="web")
    assert [step.split(":")[0] for one in answer["plans"] for step in one["steps"]] == [
        f"await port 8080 of {'c' * 24}",
        f"make alias shop.example.org to {'b' * 24}-{'c' * 24}-web.example.org",
    ]
    assert answer["after"]["url"] == "https://shop.example.org/"
    assert (answer["after"]["container"], answer["after"]["service"]) == ("blog", "web")
    assert answer["warnings"] == []


def test_a_stopped_container_is_not_waited_for_and_named(engine) -> None:
    answer = plan(engine, "alias_set", container="next")
    assert len(answer["plans"]) == 1
    assert answer["warnings"] == ["container next is stopped: shop answers 503 until it is started"]


def test_a_switch_is_one_step(engine) -> None:
    stored(engine, container="blog")
    answer = plan(engine, "alias_set", container="next")
    assert [step.partition(": ")[2] for one in answer["plans"] for step in one["steps"]] == [
        "from blog to next"
    ]
    assert not plan(engine, "alias_set", container="blog")["changed"]


def test_a_taken_name_and_a_reserved_one_are_refused_in_the_same_words(engine) -> None:
    stored(engine, container="blog")
    other = refused(engine, "alias_set", container="blog", realm="other")
    words = {"api", "www", f"{'a' * 24}-{'b' * 24}", "xn--shop"}
    reserved = [refused(engine, "alias_set", container="blog", realm="other", alias=name) for name in words]
    told = {
        (one.code, one.message.replace(name, "shop"), one.hint)
        for one, name in zip(reserved, words, strict=True)
    }
    assert told == {(other.code, other.message, other.hint)}
    assert other.code == Code.EXISTS


@pytest.mark.parametrize("verb", ["alias_delete", "alias_drain"])
def test_anothers_alias_is_as_absent_as_one_that_is_not_there(engine, verb: str) -> None:
    there = refused(engine, verb, realm="other")
    stored(engine, container="blog")
    assert str(refused(engine, verb, realm="other")) == str(there)
    assert there.code == Code.NOT_FOUND


def test_in_its_own_realm_a_taken_name_says_whose_it_is(engine) -> None:
    stored(engine, container="blog")
    assert (
        "is project default's of this realm"
        in refused(engine, "alias_set", container="blog", project="side").message
    )


@pytest.mark.parametrize(
    ("fields", "message", "hint"),
    [
        ({"container": "blogg"}, "there is no container default/default/blogg", "Did you mean blog?"),
        ({"container": "blog", "service": "wbe"}, "has no service 'wbe'", "Give one of web"),
        ({"container": "next", "service": "web"}, "has no service 'web'", "Leave it out"),
        (
            {"container": "blog", "alias": "Shop"},
            "alias: 'Shop' is not allowed",
            "Give 3 to 61 lower-case letters",
        ),
        ({"container": "blog", "alias": "a" * 62}, "is not allowed", "Give 3 to 61 lower-case letters"),
        ({}, "container: is missing", ""),
    ],
)
def test_wrong_requests(engine, fields: dict[str, Any], message: str, hint: str) -> None:
    error = refused(engine, "alias_set", **fields)
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize("verb", ["create", "delete"])
def test_a_container_on_its_way_is_none_to_lead_to(engine, verb: str) -> None:
    with engine.context.db.transaction():
        operations.begin(engine.context.db, "container", ("d" * 24, "next"), verb, {})
    assert refused(engine, "alias_set", container="next").code == Code.BUSY


def test_a_container_that_an_alias_leads_to_stays(engine) -> None:
    stored(engine, container="blog", service="web")
    key = {"name": "blog"}
    for request in (
        {"verb": "delete", "container": key},
        {"verb": "ensure", "container": key, "state": "absent"},
        {"verb": "update", "container": key, "spec": {"services": []}},
    ):
        with pytest.raises(SkerryError, match="alias shop leads there") as error:
            engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": "plan", "of": request}))
        assert error.value.code == Code.BUSY


def test_a_list_and_the_container_say_what_leads_where(engine) -> None:
    stored(engine, container="blog")
    (one,) = engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": "alias_list"}))["aliases"]
    assert (one["alias"], one["container"], one["image"], one["desired"]) == (
        "shop",
        "blog",
        "hello",
        "started",
    )
    request = {"version": WIRE_VERSION, "verb": "alias_list", "realm": "other"}
    assert engine.answer(TABLE.parse(request))["aliases"] == []
    every = engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": "list"}))["containers"]
    assert [url for each in every for url in each["aliases"]] == ["https://shop.example.org/"]


def test_the_proxy_reads_aliases_beside_routes(engine, host) -> None:
    stored(engine, container="blog")
    assert routes.read(host.database)["shop.example.org"] == f"@|{'b' * 24}-{'c' * 24}.example.org|default"
