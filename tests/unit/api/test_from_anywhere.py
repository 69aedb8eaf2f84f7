"""Requests by the API's client answer as those by the engine's socket do: the real table, dispatch and engine between."""

import email.message
import json
import re
import urllib.parse
from typing import Any

import pytest

from skerry.api_client import ApiClient
from skerry.api_paths import LEFT_OUT, VERBS
from skerry.api_requests import BASE, Asked, asked
from skerry.engine_calls import EngineError
from skerry_api import pages, routes
from tests.unit.api.conftest import Api

DATA = {"realm": "acme", "project": "shop", "name": "data"}


class Through(ApiClient):
    """The client, with the API itself in place of the network."""

    def __init__(self, api: Api, by: str) -> None:
        super().__init__("https://api.skerry.example", by)
        self._api, self._by, self.sent = api, by, list[Asked]()

    def _exchange(self, request: Asked, patience: float) -> Any:
        self.sent.append(request)
        path, *query = request.target.removeprefix(BASE).split("?")
        target = "?".join([urllib.parse.unquote(path), *query])  # as its framework does
        headers = {name.lower(): value for name, value in request.headers.items()}
        found = self._api.call(request.method, target, self._by, request.body, headers)
        told = email.message.Message()
        for name, value in found.headers.items():
            told[name] = value
        return found.status, told, found.raw


def timeless(answer: Any) -> Any:
    """An answer without the times in it, and without who asked."""
    text = re.sub(r'"created_by": "[^"]*"', '"created_by": ""', json.dumps(answer))
    return json.loads(re.sub(r'"\d{4}-\d\d-\d\dT[^"]*"', '""', text))


@pytest.fixture
def client(api: Api, by: str) -> Through:
    return Through(api, by)


def test_the_table_is_that_of_the_routes() -> None:
    assert set(VERBS) == {route.verb for route in routes.ROUTES}
    assert set(LEFT_OUT) == set(routes.LEFT_OUT)


def test_a_life_answers_as_by_the_socket(api: Api, client: Through) -> None:
    def both(verb: str, **fields: Any) -> Any:
        """By the socket, and by the API; of a change only what it would do is asked for first."""
        if VERBS[verb].answer == "change":
            plan = {"verb": verb, **fields}
            assert timeless(client.call("plan", of=plan)) == timeless(api.root("plan", of=plan))
            return client.call(verb, **fields)
        found = client.call(verb, **fields)
        assert found == api.root(verb, **fields)
        return found

    made = both("volume_ensure", volume=DATA, state="present", size="32M")
    assert (made["changed"], made["before"], made["after"]["size"]) == (True, None, "32M")
    assert made["plans"][0]["verb"]
    assert not both("volume_ensure", volume=DATA, state="present", size="32M")["changed"]
    assert both("volume_info", volume=DATA)["volume"]["name"] == "data"
    both("volume_update", volume={"name": "data", "project": "acme/shop"}, size="64M")
    both("snapshot_ensure", snapshot=DATA | {"source": "volume/data", "name": "one"}, state="present")
    both("snapshot_ensure", snapshot=DATA | {"source": "volume/data", "name": "later"}, state="present")
    both("snapshot_ensure", snapshot=DATA | {"source": "volume/data", "name": "even-later"}, state="present")
    found = both("snapshot_list", source="volume/data")["snapshots"]
    assert [one["name"] for one in found] == ["one", "later", "even-later"]
    assert client.sent[-1].target.startswith(f"{BASE}/snapshots?source=volume%2Fdata")
    for name in ("even-later", "later", "one"):
        both("snapshot_delete", snapshot=DATA | {"source": "volume/data", "name": name})
    assert "/volumes/data/snapshots/one" in client.sent[-1].target
    both("secret_set", secret=DATA | {"name": "key"}, value="czNjcmV0")
    both("secret_absent", secret=DATA | {"name": "key"})
    both("project_ensure", project={"name": "acme/till"}, state="present", quota={"containers": 3})
    both("realm_info", realm={"name": "acme"})
    both("token_create", token={"name": "acme/ci"}, template="reader")
    assert client.sent[-1].target == f"{BASE}/realms/acme/tokens"
    both("token_ensure", token={"realm": "acme", "name": "ci"}, state="absent")
    both("volume_delete", volume=DATA)
    for verb in ("list", "volume_list", "realm_list", "project_list", "image_list", "alias_list"):
        both(verb)
    both("project_list", realm="acme")


def test_lists_follow_their_pages(api: Api, client: Through, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skerry.api_requests._PAGE", "2")
    for number in range(5):
        api.root("volume_create", volume=DATA | {"name": f"v{number}"}, size="16M")
    assert client.call("volume_list") == api.root("volume_list")
    assert len(client.sent) == 3
    assert pages.MOST == 1000


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("volume_info", {"volume": DATA}),
        ("volume_info", {"volume": DATA | {"realm": "nobody"}}),
        ("volume_create", {"volume": DATA | {"name": "Bad Name"}}),
        ("volume_create", {"volume": DATA, "size": "much"}),
        ("volume_create", {"volume": DATA, "sizes": "1G"}),
        ("volume_update", {"volume": DATA, "size": "32M"}),
        ("info", {"container": {"name": "né"}}),
        ("realm_create", {"realm": {"name": "acme"}}),
    ],
)
def test_errors_are_the_engines(api: Api, client: Through, verb: str, fields: dict[str, Any]) -> None:
    with pytest.raises(EngineError) as found:
        client.call(verb, **fields)
    with pytest.raises(Exception) as by_socket:  # noqa: PT011 - the engine's own
        api.root(verb, **fields)
    if "sizes" not in fields:  # the API says of more options what there are
        assert found.value.message == by_socket.value.message
        assert found.value.hint == by_socket.value.hint
    assert found.value.code == str(by_socket.value.code)


def test_a_reader_is_told_what_it_may_not(api: Api) -> None:
    reader = Through(api, api.token("look", template="reader"))
    assert reader.call("volume_list") == {"volumes": []}
    with pytest.raises(EngineError, match="token look has not the right volume_create") as error:
        reader.call("volume_create", volume=DATA)
    assert error.value.code == "forbidden"
    revoked = Through(api, api.token("gone", template="reader"))
    api.root("token_revoke", token={"name": "gone"})
    with pytest.raises(EngineError, match="this token is none, or none any more") as error:
        revoked.call("volume_list")
    assert error.value.code == "unauthorized"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"verb": "exec"}, "exec: not by the API, since its answer is of use to root of the host alone"),
        (
            {"verb": "plan", "of": {"verb": "image_import"}},
            "image_import: not by the API, since it names a path of the host",
        ),
        ({"verb": "frob"}, "frob: not by the API, since this client knows no such verb"),
        ({"verb": "info", "container": {"name": "a/b"}}, "name: 'a/b' is no name"),
        ({"verb": "info", "container": {"name": ".."}}, "name: '..' is no name"),
        ({"verb": "info", "container": {"name": ""}}, "name: '' is no name"),
        ({"verb": "info", "container": {}}, "name: is missing"),
        (
            {"verb": "info", "container": {"name": "web", "realm": "b", "project": "a/shop"}},
            "container: project 'a/shop' is of realm a",
        ),
        (
            {"verb": "token_info", "token": {"name": "a/ci", "realm": "default"}},
            "token: name 'a/ci' is of realm a",
        ),
        ({"verb": "volume_delete", "volume": DATA, "more": 1}, "more: not by the API with volume_delete"),
    ],
)
def test_what_cannot_be_asked(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError) as error:
        asked(request_)
    assert error.value.message.startswith(said)
    assert error.value.hint


def test_a_change_is_about_whatever_is_there() -> None:
    delete = asked({"verb": "delete", "container": {"name": "web"}})
    assert (delete.method, delete.target, delete.body) == (
        "DELETE",
        f"{BASE}/realms/default/projects/default/containers/web",
        None,
    )
    assert delete.headers["If-Match"] == "*"
    create = asked({"verb": "create", "container": {"name": "web"}, "spec": {"image": "hello", "env": None}})
    assert json.loads(create.body or b"") == {"name": "web", "image": "hello"}
    show = asked({"verb": "info", "container": {"name": "web"}, "show_env": True})
    assert show.target.endswith("/containers/web?show_env=true")
