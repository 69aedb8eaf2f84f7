"""Tokens as a resource: made, changed, rotated and revoked; what is refused, and what no token may give."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine.admission import Asker
from skerry.engine.engine import Engine
from skerry.model import token as model
from skerry.model.errors import Code, SkerryError
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.rights import of_template
from skerry.protocol.table import TABLE
from skerry.resources.registered import KINDS
from skerry.store import tokens as store
from tests.unit.engine.kill_points import Sweep
from tests.unit.engine.machine import Machine

CI: dict[str, Any] = {"token": {"name": "acme/ci"}}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    machine = Machine(lambda: None)
    with machine.under_the_engine():
        found = Sweep(tmp_path, KINDS, TABLE, machine).open()
        for realm, *names in (("acme", "shop", "blog"), ("rival", "shop")):
            ask(found, "realm_create", realm={"name": realm})
            for name in names:
                ask(found, "project_create", project={"realm": realm, "name": name})
        yield found
        found.context.db.close()


def ask(engine: Engine, verb: str, by: str = "", **fields: Any) -> dict[str, Any]:
    asker = Asker(model.digest(by), "192.0.2.7") if by else None
    return dict(engine.answer(TABLE.parse({"version": WIRE_VERSION, "verb": verb, **fields}), asker=asker))


def planned(engine: Engine, verb: str, **fields: Any) -> dict[str, Any]:
    return ask(engine, "plan", of={"verb": verb, **fields})


def refused(engine: Engine, verb: str, by: str = "", **fields: Any) -> tuple[str, str]:
    with pytest.raises(SkerryError) as error:
        ask(engine, verb, by, **fields)
    return error.value.code, str(error.value)


def test_four_beats(engine: Engine) -> None:
    options = {"projects": ["shop"], "template": "deploy", "cidrs": ["192.0.2.7"], "expires": "90d"}
    asked = {**CI, "state": "present", **options}
    first, done = planned(engine, "token_ensure", **asked), ask(engine, "token_ensure", **asked)
    assert first["changed"]
    assert first["plans"][0]["stored"][:3] == done["plans"][0]["stored"][:3]
    assert done["plans"][0]["stored"][:3] == [
        "it is about project acme/shop",
        "verbs deploy",
        "from 192.0.2.7/32",
    ]
    assert done["after"]["projects"] == ["shop"]
    assert done["after"]["created_by"] == "root"
    assert done["once"]["token"].startswith("sk_")
    again = ask(engine, "token_ensure", **asked)
    assert (again["changed"], "once" in again) == (False, False)
    assert not planned(engine, "token_ensure", **asked)["changed"]
    changed = ask(engine, "token_ensure", **CI, state="present", cidrs=[], expires="never")
    assert changed["plans"][0]["stored"] == ["from everywhere", "until it is revoked"]
    assert (changed["after"]["template"], changed["after"]["projects"]) == ("deploy", ["shop"])
    gone = ask(engine, "token_ensure", **CI, state="absent")
    assert (gone["changed"], gone["after"]) == (True, None)
    assert ask(engine, "token_ensure", **CI, state="absent")["missing"].startswith(
        "there is no token acme/ci"
    )


def test_another_value_and_the_old_one_is_none(engine: Engine) -> None:
    old = ask(engine, "token_create", **CI, template="reader")["once"]["token"]
    assert ask(engine, "token_self", old)["token"]["name"] == "ci"
    new = ask(engine, "token_rotate", **CI)["once"]["token"]
    assert refused(engine, "token_self", old)[0] == Code.UNAUTHORIZED
    assert ask(engine, "token_self", new)["token"]["name"] == "ci"
    ask(engine, "token_revoke", **CI)
    assert refused(engine, "token_self", new)[0] == Code.UNAUTHORIZED


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({}, "invalid", "template: is missing. Give a template such as deploy, or verbs in its place"),
        ({"template": "root"}, "invalid", "template: 'root' is not allowed"),
        ({"template": "reader", "verbs": ["info"]}, "invalid", "only one of the two is allowed"),
        ({"template": "operator"}, "invalid", "a token of realm acme can't be the operator's"),
        ({"verbs": ["infos"]}, "invalid", "verbs: there is no verb 'infos'. Give info"),
        ({"verbs": ["x" * 500]}, "invalid", "verbs: there is no verb"),
        ({"verbs": []}, "invalid", "template: is missing"),
        ({"verbs": ["state_backup"]}, "invalid", "verbs: state_backup is about more than realm acme"),
        ({"verbs": ["realm_info"], "projects": ["shop"]}, "invalid", "is about more than project acme/shop"),
        ({"template": "reader", "projects": ["nope"]}, "not_found", "projects: there is no project acme/nope"),
        ({"template": "reader", "projects": ["Shop"]}, "invalid", "projects, entry 1"),
        ({"template": "reader", "cidrs": ["10.0.0.1/8"]}, "invalid", "cidrs: '10.0.0.1/8' has bits"),
        ({"template": "reader", "cidrs": ["2001:db8::1/32"]}, "invalid", "Give 2001:db8::/32"),
        ({"template": "reader", "cidrs": ["nowhere"]}, "invalid", "cidrs: 'nowhere' is no network"),
        ({"template": "reader", "expires": "2020-01-01"}, "invalid", "expires: '2020-01-01' is over"),
        ({"template": "reader", "expires": "soon"}, "invalid", "expires: 'soon' is no time"),
        ({"token": {"name": "nobody/ci"}, "template": "reader"}, "not_found", "realm: there is no realm nobody"),
        ({"token": {"name": "acme/ci", "realm": "rival"}, "template": "reader"}, "invalid", "give one of the two"),
        ({"token": {"name": "CI"}, "template": "reader"}, "invalid", "'CI' is not allowed"),
        ({"token": {"name": "ci"}, "template": "reader", "projects": ["shop"]}, "invalid", "the token has no realm"),
        ({"template": "reader", "realms": ["acme"]}, "invalid", "realms: there is no such option"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_made(engine: Engine, fields: Any, code: str, said: str) -> None:
    found = refused(engine, "token_create", **(CI | fields))
    assert found[0] == code
    assert said.lower() in found[1].lower()
    assert store.every(engine.context.db) == []


def test_names_and_ends(engine: Engine) -> None:
    ask(engine, "token_create", **CI, template="reader")
    assert refused(engine, "token_create", **CI, template="reader")[0] == Code.EXISTS
    ask(engine, "token_create", token={"name": "ci"}, template="operator")
    ask(engine, "token_create", token={"name": "rival/ci"}, template="reader")
    assert [one["realm"] for one in ask(engine, "token_list")["tokens"]] == [None, "acme", "rival"]
    assert [one["realm"] for one in ask(engine, "token_list", realm="acme")["tokens"]] == ["acme"]
    assert "Did you mean ci?" in refused(engine, "token_info", token={"name": "acme/cii"})[1]
    assert "realm acme is not empty: it has project blog, project shop, token ci" in refused(
        engine, "realm_delete", realm={"name": "acme"}
    )[1]  # fmt: skip
    with engine.context.db.transaction():
        engine.context.db.execute(
            "UPDATE token SET expires = '2026-01-01T00:00:00+00:00' WHERE realm_id IS NOT NULL"
        )
    assert ask(engine, "token_info", **CI)["token"]["state"] == "expired"
    assert (
        "has ended at 2026-01-01T00:00:00+00:00. Give expires as well"
        in refused(engine, "token_rotate", **CI)[1]
    )
    assert ask(engine, "token_rotate", **CI, expires="1d")["after"]["state"] == "valid"


def test_no_token_gives_more_than_it_has(engine: Engine) -> None:
    rights = ["token_create", "token_ensure", "token_rotate", "token_revoke", "token_info", "info"]
    maker = ask(
        engine, "token_create", token={"name": "acme/maker"}, projects=["shop"], verbs=rights,
        cidrs=["192.0.2.0/24"], expires="2999-01-01",
    )["once"]["token"]  # fmt: skip
    least: dict[str, Any] = {
        "projects": ["shop"],
        "verbs": ["info"],
        "cidrs": ["192.0.2.7"],
        "expires": "30d",
    }
    for more, said in (
        ({"projects": []}, "projects"),
        ({"verbs": ["info", "start"]}, "verbs: it would have start"),
        ({"cidrs": []}, "cidrs"),
        ({"cidrs": ["0.0.0.0/0"]}, "cidrs"),
        ({"expires": "never"}, "expires"),
    ):
        code, text = refused(engine, "token_create", maker, **CI, **(least | more))
        assert (code, said in text) == (Code.FORBIDDEN, True), text
    assert (
        refused(engine, "token_create", maker, **CI, **(least | {"projects": ["blog"]}))[0] == Code.NOT_FOUND
    )
    assert refused(engine, "token_create", maker, token={"name": "ci"}, **least)[0] == Code.NOT_FOUND
    made = ask(engine, "token_create", maker, **CI, **least)
    assert made["after"]["created_by"].startswith("acme/maker (")
    # What has more is nobody's to change, rotate or revoke, and one of other projects is not there at all.
    strong: dict[str, Any] = {"token": {"name": "acme/strong"}}
    ask(engine, "token_create", **strong, projects=["shop"], template="admin")
    ask(engine, "token_create", token={"name": "acme/all"}, template="reader")
    for verb, fields in (("token_rotate", {}), ("token_revoke", {}), ("token_ensure", {"state": "present"})):
        assert refused(engine, verb, maker, **strong, **fields)[0] == Code.FORBIDDEN
    assert refused(engine, "token_info", maker, token={"name": "acme/all"})[0] == Code.NOT_FOUND
    assert refused(engine, "token_ensure", maker, **CI, state="present", cidrs=[])[0] == Code.FORBIDDEN
    gone = ask(engine, "token_revoke", token={"name": "acme/maker"})
    assert gone["warnings"] == ["it has made tokens that stay: acme/ci"]


def test_a_template_that_grows_gives_older_tokens_nothing(engine: Engine) -> None:
    ask(engine, "token_create", **CI, template="deploy")
    with engine.context.db.transaction():
        engine.context.db.execute("""UPDATE token SET verbs = '["info"]'""")
    assert ask(engine, "token_ensure", **CI, state="present", cidrs=[])["changed"] is False
    applied = ask(engine, "token_ensure", **CI, state="present", template="deploy")
    assert applied["plans"][0]["stored"] == ["the verbs that deploy has now"]
    assert applied["after"]["verbs"] == list(of_template("deploy", realm=True, projects=False))


def test_root_has_no_token_of_its_own(engine: Engine) -> None:
    assert "this socket knows no tokens" in refused(engine, "token_self")[1]
