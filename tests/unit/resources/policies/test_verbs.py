"""What the verbs of policies decide, what they refuse in which words, and that nothing shows a secret."""

import dataclasses
import json
from typing import Any

import pytest

from skerry.engine.engine import Engine
from skerry.model.container import ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import store as containers
from skerry.resources.kind import Context
from skerry.resources.registered import KINDS
from skerry.store import policies
from tests.unit.engine_fixtures import container, db, host, place

__all__ = ["container", "db", "host"]
PASSWORD = "correct horse battery"
STAFF = {"name": "staff", "passwords": [{"user": "ann", "password": PASSWORD}]}
CI = {"name": "ci", "tokens": [{"name": "deploy", "expires": "90d"}]}
OFFICE = {"name": "office", "ip": ["192.0.2.0/24"]}


def user(name: str, password: str | None = None) -> dict[str, Any]:
    """A group of one."""
    return {"name": "s", "passwords": [{"user": name, "password": password}]}


@pytest.fixture
def engine(host, db, container):
    """A host with the containers blog and next."""
    with db.transaction():
        for one in (
            container,
            dataclasses.replace(container, id="d" * 24, key=ContainerKey(name="next"), slot=8),
        ):
            place(db, one)
            containers.insert(db, one)
    return Engine(Context(host, db, b"s" * 32), KINDS, TABLE)


def parse(verb: str, **fields: Any):
    return TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields})


def plan(engine, verb: str, **fields: Any):
    return engine.answer(
        TABLE.parse({"version": WIRE_VERSION, "verb": "plan", "of": {"verb": verb, **fields}})
    )


def stored(engine, **fields: Any):
    """A policy as the store has it, without a proxy; its plan."""
    kind, context = KINDS["policy"], engine.context
    request = parse("policy_set", **fields)
    (decide,) = kind.planners()["policy_set"](context, request, None)
    made = decide(kind.find(context, request))
    with context.db.transaction():
        kind.begin(context, made)
    return made


def test_it_is_told_in_words_and_without_a_secret(engine) -> None:
    answer = plan(engine, "policy_set", container="blog", groups=[STAFF, CI, OFFICE | {"deny": True}])
    assert answer["plans"][0]["stored"] == [
        "it is on",
        "whom no group is about: deny",
        "group staff: lets through with the password of ann",
        "group ci: lets through with token deploy",
        "group office: refuses from 192.0.2.0/24",
    ]
    assert answer["plans"][0]["steps"] == [
        "set policy 1 at the proxy: who gets through is decided for each request"
    ]
    assert PASSWORD not in json.dumps(answer)


def test_what_is_the_same_changes_nothing_and_a_token_stays(engine) -> None:
    made = stored(engine, container="blog", groups=[STAFF, CI])
    assert made.once.keys() == {"ci/deploy"}
    assert not plan(engine, "policy_set", container="blog", groups=[STAFF, CI])["changed"]
    keeps = {"name": "staff", "passwords": [{"user": "ann"}]}
    assert not plan(engine, "policy_set", container="blog", groups=[keeps, CI])["changed"]


def test_another_password_is_a_change_that_does_not_show_it(engine) -> None:
    stored(engine, container="blog", groups=[STAFF])
    other = {"name": "staff", "passwords": [{"user": "ann", "password": "another password"}]}
    answer = plan(engine, "policy_set", container="blog", groups=[other])
    assert answer["plans"][0]["stored"] == ["another password, secret or key"]


def test_the_journal_has_no_secret(engine) -> None:
    secret = "a secret of more than thirty-two characters"
    made = stored(engine, container="blog", groups=[STAFF, {"name": "team", "jwt": {"secret": secret}}])
    kept = json.dumps(KINDS["policy"].dump(made))
    found = policies.find(engine.context.db, made.resource.key)
    assert KINDS["policy"].load(json.loads(kept)).after == found
    for word in (PASSWORD, secret):
        assert word not in kept


def test_a_copy_of_a_policy_lets_in_the_same(engine) -> None:
    stored(engine, container="blog", groups=[STAFF])
    with engine.context.db.transaction():
        policies.copy(engine.context.db, engine.context.secret, "c" * 24, "d" * 24)
    assert not plan(engine, "policy_set", container="next", groups=[STAFF])["changed"]


@pytest.mark.parametrize(
    ("fields", "message", "hint"),
    [
        ({"container": "blogg"}, "there is no container default/default/blogg", "Did you mean blog?"),
        ({"container": "blog", "groups": [{"name": "x"}]}, "has no condition", "Give ip, passwords, tokens or jwt"),
        ({"container": "blog", "groups": [OFFICE, OFFICE]}, "'office' is there twice", "Give each once"),
        ({"container": "blog", "groups": [STAFF | CI]}, "it has passwords and tokens", "Give each a group"),
        ({"container": "blog", "groups": [user("bob")]}, "is new and has no password", "Give"),
        ({"container": "blog", "groups": [user("a:b", "12345678")]}, "'a:b'", ""),
        ({"container": "blog", "groups": [OFFICE | {"sources": ["header:x"]}]}, "it has sources", "Leave them out"),
        ({"container": "blog", "groups": [CI | {"sources": ["query:x"]}]}, "'query:x' is no source", "Give header:NAME"),
        ({"container": "blog", "groups": [{"name": "none", "ip": ["::/0"]}]}, "says that no group decides", "Choose"),
        ({"container": "blog", "groups": [{"name": "j", "jwt": {}}]}, "both a secret and keys, or neither", "Give one"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(engine, fields: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(SkerryError) as error:
        plan(engine, "policy_set", **fields)
    assert message in error.value.message
    assert error.value.hint.startswith(hint)


def test_what_has_no_policy_says_so_and_absent_is_no_error(engine) -> None:
    with pytest.raises(SkerryError) as error:
        plan(engine, "policy_delete", container="blog")
    assert (error.value.code, "has no policy of its own" in error.value.message) == (Code.NOT_FOUND, True)
    assert not plan(engine, "policy_absent", container="blog")["changed"]


def test_a_published_port_is_named(engine, container) -> None:
    spec = container.spec.model_copy(update={"publish": ("5432/tcp",)})
    with engine.context.db.transaction():
        containers.update(engine.context.db, dataclasses.replace(container, spec=spec))
    (warning,) = plan(engine, "policy_set", container="blog", groups=[OFFICE])["warnings"]
    assert warning == "5432 of the host leads to blog past its policy, which is of URLs"


def test_who_opens_a_url_is_warned(engine) -> None:
    stored(engine, container="blog", groups=[STAFF])
    assert plan(engine, "policy_delete", container="blog")["warnings"] == [
        "default/default/blog: its URLs are open to all now"
    ]
    stored(engine, groups=[OFFICE])
    assert plan(engine, "policy_delete", container="blog")["warnings"] == []
