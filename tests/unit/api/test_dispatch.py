"""What the API answers, with a real engine behind it: wrong requests above all."""

import hashlib
import json
from typing import Any

import pytest

from skerry_api import dispatch, pages, strict_json
from skerry_api.problems import ProblemError
from tests.unit.api.conftest import SHOP, Api

ANY = {"if-match": "*"}


def test_who_asks_must_be_said(api: Api, by: str) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "the request has no token"),
        ({"authorization": "Basic eDp5"}, "the request has no token"),
        ({"authorization": "Bearer "}, "the request has no token"),
        ({"authorization": "Bearer x"}, "token: this has not the form of one (1 characters)"),
        (
            {"authorization": f"Bearer {by[:-1]}{'0' if by[-1] != '0' else '1'}"},
            "token: its last characters do not fit",
        ),
    ]
    for headers, said in cases:
        found = api.call("GET", "/self", headers=headers)
        assert (found.status, found.headers["www-authenticate"]) == (401, "Bearer")
        assert found.problem[1].startswith(said)
        assert by[5:] not in str(found.body)
    never = "sk_4lyNXA6OV4pcroynMWZJDiDeiPK4UzXKg"
    assert (
        api.call("GET", "/self", never)
        .problem[1]
        .startswith("this token is none, or none any more, or none here")
    )
    twice = api.call("GET", "/self", headers={"authorization": [f"Bearer {by}"] * 2})
    assert twice.problem == (400, "the header authorization is there 2 times. Send it once")
    assert api.call("GET", "/self", by, headers={"x-forwarded-for": []}).status == 500
    assert api.call("GET", "/self", by, headers={"x-forwarded-for": "nobody"}).problem[0] == 400


def test_a_token_goes_no_further_than_its_digest(by: str) -> None:
    found = dispatch.asker({"authorization": [f"Bearer {by}"], "x-forwarded-for": ["2001:db8::7"]})
    assert found == {"token": hashlib.sha256(by.encode()).hexdigest(), "source": "2001:db8::7"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the body is not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b"[]", "the body is not an object"),
        (b'"x"', "the body is not an object"),
        (b"\xff", "the body is not UTF-8 at byte 0"),
        (b'{"size": "32M", "size": "64M"}', "the body has 'size' twice in an object"),
        (
            b"{%s}" % ", ".join(f'"{number}": 1' for number in [*range(60_000), 59_999]).encode(),
            "the body has '59999' twice in an object",
        ),
        (b'{"volumes": [%s0]}' % (b"0," * 200_000), "the body has 200003 values. Give at most 5000"),
        (b'{"size": NaN}', "the body has NaN, which is no number of JSON"),
        (b'{"size": -Infinity}', "the body has -Infinity, which is no number of JSON"),
        (b'{"size": 1e999}', "the body has the number 1e999…, which is too large or too long"),
        (
            b'{"size": ' + b"9" * 5000 + b"}",
            "the body has the number 99999999999999999999…, which is too large",
        ),
        (
            b'{"size": 9223372036854775808}',
            "the body has the number 9223372036854775808…, which is too large",
        ),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "the body has more than 16 levels"),
        (b"[" * 200_000, "the body has more than 16 levels"),
        (b'{"verb": "realm_delete"}', "verb: there is no such option. There are size, snapshot_every"),
        (b'{"volume": {}}', "volume: there is no such option"),
        (b'{"name": "other"}', "name: the path says it already. Leave it out of the body"),
        (b'{"size": "1"}', "size: '1' is not allowed. Give at least 16M"),
        (b'{"size": "much"}', "size: 'much' is not a size. Give bytes or a number with K, M, G or T"),
        (b'{"size": []}', "size: "),
        (b"{}", "the request: nothing is to be changed. Give size, snapshot_every or snapshot_keep"),
        (b"", "the request: nothing is to be changed"),
    ],
)
def test_wrong_bodies(api: Api, by: str, body: bytes, said: str) -> None:
    found = api.call("PATCH", f"{SHOP}/volumes/data", by, body, ANY)
    assert found.status == 400
    assert found.problem[1].startswith(said)
    assert found.headers["content-type"] == "application/problem+json"


def test_a_body_is_json_and_where_none_belongs_none_is_taken(api: Api, by: str) -> None:
    found = api.call("PATCH", f"{SHOP}/volumes/data", by, b"size=1", ANY | {"content-type": "text/plain"})
    assert found.problem == (415, "the body is text/plain. Send application/json")
    found = api.call("DELETE", f"{SHOP}/volumes/data", by, {"force": True}, ANY)
    assert found.problem == (400, "DELETE has no body here. Leave it out")
    assert api.call("GET", "/status", by, {"a": 1}).problem[0] == 400


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "/containers?tenant=acme",
            "tenant: there is no such parameter. There are realm, project, limit, cursor",
        ),
        ("/containers?realm=acme&realm=rival", "realm: this parameter is there twice"),
        ("/containers?limit=0", "limit: '0' is not allowed. Give a number from 1 to 1000"),
        ("/containers?limit=\u0661", "limit: '\u0661' is not allowed"),
        ("/containers?limit=1001", "limit: '1001' is not allowed"),
        ("/containers?cursor=x", "cursor: this is none. Give the 'next' of the page before, as it is"),
        ("/containers?cursor=", "cursor: this is none"),
        ("/self?verbose=1", "verbose: there is no such parameter. Leave it out"),
        ("/operations?count=0", "count: '0' is not allowed. Give at least 1"),
        ("/operations?count=many", "count: 'many' is not allowed. Give a whole number"),
        ("/stats?interval=nan", "interval: 'nan' is not allowed"),
        (f"{SHOP}/containers/web?show_env=perhaps", "show_env: 'perhaps' is not allowed. Give true or false"),
        (
            "/realms/acme/projects/Shop/containers/web",
            "project: 'Shop' is not allowed. Give lower-case letters",
        ),
        (f"{SHOP}/containers/web?dry_run=1", "dry_run: there is no such parameter. There are show_env"),
    ],
)
def test_wrong_queries(api: Api, by: str, path: str, said: str) -> None:
    found = api.call("GET", path, by)
    assert found.status == 400
    assert found.problem[1].startswith(said)


def test_what_is_said_twice_is_refused(api: Api, by: str) -> None:
    found = api.call("POST", f"{SHOP}/containers/web/start?wait=ready", by, {"wait": "running"})
    assert found.problem == (400, "wait: both the query and the body say it. Give it once")
    found = api.call("POST", f"{SHOP}/containers/web/start?dry_run=yes", by)
    assert found.problem == (400, "dry_run: 'yes' is not allowed. Give 1 or 0")
    found = api.call("POST", "/realms/default/projects", by, {"name": "rival/shop"})
    assert found.problem == (400, "name: 'rival/shop' has a slash. Say the realm in the path only")


def test_a_change_of_what_is_there_says_of_which_state(api: Api, by: str) -> None:
    path = "/realms/acme/projects/shop"
    tag = api.call("GET", path, by).headers["etag"]
    missing = api.call("PATCH", path, by, {"volumes": 3})
    assert (missing.status, missing.body["code"]) == (428, "unconditional")
    assert api.call("DELETE", path, by).status == 428
    for wrong in ('W/"a"', "a", '"a', '""', f"{tag}, b", '"a","'):
        assert api.call("PATCH", path, by, {"volumes": 3}, {"if-match": wrong}).problem[0] == 400
    stale = api.call("PATCH", path, by, {"volumes": 3}, {"if-match": '"a"'})
    assert (stale.status, stale.body["code"]) == (412, "stale")
    assert stale.body["detail"].endswith("it was changed meanwhile")
    assert api.call("PATCH", f"{path}?dry_run=1", by, {"volumes": 3}, {"if-match": '"a"'}).status == 412
    done = api.call("PATCH", path, by, {"volumes": 3}, {"if-match": f'"a", {tag}'})
    assert (done.status, done.body["after"]["quota"]) == (200, {"volumes": 3})
    new = api.call("GET", path, by).headers["etag"]
    assert done.headers["etag"] == new != tag
    assert api.call("PATCH", path, by, {"volumes": 4}, {"if-match": tag}).status == 412
    same = api.call("GET", path, by, headers={"if-none-match": new})
    assert (same.status, same.raw) == (304, b"")
    assert api.call("DELETE", f"{path}", by, None, {"if-none-match": "*", "if-match": "*"}).problem[0] == 400


def test_what_is_made_says_where(api: Api, by: str) -> None:
    dry = api.call("POST", "/realms/acme/projects?dry_run=1", by, {"name": "blog"})
    assert (dry.status, dry.body["changed"], dry.body["timings_ms"]) == (200, True, [])
    assert api.call("GET", "/realms/acme/projects/blog", by).status == 404
    made = api.call("POST", "/realms/acme/projects", by, {"name": "blog", "volumes": 2})
    assert (made.status, made.headers["location"]) == (201, "/api/v1/realms/acme/projects/blog")
    assert made.body["after"]["quota"] == {"volumes": 2}
    found = api.call("GET", "/realms/acme/projects/blog", by)
    assert (found.status, found.body["name"], found.headers["etag"]) == (200, "blog", made.headers["etag"])
    again = api.call("POST", "/realms/acme/projects", by, {"name": "blog"})
    assert (again.status, again.body["code"]) == (409, "exists")
    gone = api.call("DELETE", "/realms/acme/projects/blog", by, None, {"if-match": made.headers["etag"]})
    assert (gone.status, gone.body["after"]) == (200, None)
    assert api.call("DELETE", "/realms/acme/projects/blog", by, None, ANY).status == 404


def test_a_token_is_made_and_shown_once(api: Api, by: str) -> None:
    made = api.call("POST", "/realms/acme/tokens", by, {"name": "ci", "template": "reader"})
    value = made.body["once"]["token"]
    assert (made.status, made.headers["location"]) == (201, "/api/v1/realms/acme/tokens/ci")
    assert value not in json.dumps(api.call("GET", "/realms/acme/tokens/ci", by).body)
    mine = api.call("GET", "/self", value)
    assert (mine.body["realm"], mine.body["name"], mine.body["template"]) == ("acme", "ci", "reader")
    refused = api.call("POST", f"{SHOP}/containers/web/start", value)
    assert refused.problem[:1] == (403,)
    assert "token acme/ci has not the right start" in refused.body["detail"]
    assert api.call("DELETE", "/realms/acme/tokens/ci", by, None, ANY).status == 200
    assert api.call("GET", "/self", value).status == 401


def test_what_is_foreign_was_never_there(api: Api, by: str) -> None:
    ci = api.token("acme/ci", template="admin")
    for method, end, body in (
        ("GET", "", None),
        ("GET", "/containers/web", None),
        ("GET", "/volumes/web", None),
        ("GET", "/secrets/web", None),
        ("GET", "/containers", None),
        ("GET", "/aliases/web-1", None),
        ("GET", "/containers/web/snapshots/one", None),
        ("POST", "/containers", {"name": "web", "image": "hello"}),
        ("POST", "/containers/web/start", None),
        ("DELETE", "/containers/web", None),
        ("PUT", "/secrets/key", {"value": "eA=="}),
        ("PUT", "/aliases/web-1", {"container": "web"}),
        ("PATCH", "", {"volumes": 1}),
    ):
        headers = ANY if method in {"PATCH", "DELETE"} else {}
        foreign, nobodys = (
            api.call(method, f"/realms/{realm}/projects/shop{end}", ci, body, headers)
            for realm in ("rival", "nobod")
        )
        assert foreign.status == nobodys.status
        assert foreign.status == 404 or end == "/containers"
        assert foreign.raw.replace(b"rival", b"nobod") == nobodys.raw
        assert foreign.headers == nobodys.headers


def test_lists_come_in_pages(api: Api, by: str) -> None:
    names = [f"p{number}" for number in range(7)]
    for name in names:
        api.root("project_create", project={"realm": "acme", "name": name})
    first = api.call("GET", "/realms/acme/projects?limit=3", by).body
    assert [one["name"] for one in first["projects"]] == ["p0", "p1", "p2"]
    api.root("project_delete", project={"realm": "acme", "name": "p1"})
    api.root("project_create", project={"realm": "acme", "name": "p00"})
    found = [one["name"] for one in first["projects"]]
    page = first
    while page["next"]:
        page = api.call("GET", f"/realms/acme/projects?limit=3&cursor={page['next']}", by).body
        found += [one["name"] for one in page["projects"]]
    assert found == [*names, "shop"]


def test_pages_end_where_the_list_does() -> None:
    entries = [{"name": "b"}, {"name": "a"}]
    assert pages.page(entries, 2, [])[1] is None
    shown, cursor = pages.page(entries, 1, [])
    assert (shown, cursor is None) == ([{"name": "a"}], False)
    assert pages.page(entries, 2, pages.check({"cursor": cursor or ""})[1]) == ([{"name": "b"}], None)


def test_json_that_is_right_is_read() -> None:
    assert strict_json.read(b' {"a": 1.5, "b": [true, null, "\\u00e4"], "c": -9223372036854775808} ') == {
        "a": 1.5,
        "b": [True, None, "ä"],
        "c": -(2**63),
    }
    with pytest.raises(ProblemError):
        strict_json.read(b'{"a": 00}')


def test_no_engine_is_told(api: Api, by: str, tmp_path: Any) -> None:
    none = Api(f"{tmp_path}/none.sock", api._behind)
    found = none.call("GET", "/self", by)
    assert (found.status, found.headers["retry-after"]) == (503, "10")
