"""Each verb of the protocol is a route, or is named among those that are none, with the reason; and what routes promise."""

import collections
import re

import pytest

from skerry.model.errors import Code
from skerry.protocol import etags
from skerry.protocol.table import TABLE
from skerry_api import docs_page, openapi, problems, routes
from skerry_api.routes import BASE, LEFT_OUT, METHODS, ROUTES

VERBS = {verb.name for verb in TABLE.verbs()}


def test_each_verb_is_a_route_or_named_as_none() -> None:
    routed = {route.verb for route in ROUTES}
    assert routed | set(LEFT_OUT) == VERBS
    assert not routed & set(LEFT_OUT)
    assert all(LEFT_OUT.values())


def test_no_route_and_no_operation_is_there_twice() -> None:
    assert not [
        one for one, count in collections.Counter((r.method, r.path) for r in ROUTES).items() if count > 1
    ]
    assert not [one for one, count in collections.Counter(r.operation for r in ROUTES).items() if count > 1]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_says_all_that_its_request_needs(route: routes.Route) -> None:
    places = route.places()
    picked = {route.pick} if route.pick else set()
    assert route.in_path() <= set(places) | picked
    can_be_said = route.in_path() | set(route.in_body()) | set(route.in_query())
    needed = {name for name, one in places.items() if one.declared.is_required() and not one.partial}
    assert needed <= can_be_said
    assert route.changes == (route.method != "GET")


def test_a_path_knows_its_methods() -> None:
    one = "/realms/acme/projects/shop/containers/web"
    assert routes.allowed(one) == ("GET", "HEAD", "PATCH", "DELETE", "OPTIONS")
    assert routes.allowed(f"{one}/start") == ("POST", "OPTIONS")
    assert routes.allowed(f"{one}/") == ()
    assert routes.allowed("/nothing") == ()


def test_the_document_tells_no_lies() -> None:
    found = openapi.document()
    assert found["openapi"] == "3.1.0"
    told = {(path, method) for path, one in found["paths"].items() for method in one}
    assert {(f"{BASE}{route.path}", route.method.lower()) for route in ROUTES} <= told
    assert f"{BASE}/health" in found["paths"]
    text = str(found)
    for lie in ("HTTPValidationError", "'ge':"):
        assert lie not in text
    create = found["paths"][f"{BASE}/realms/{{realm}}/projects/{{project}}/containers"]["post"]
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["name", "image"]
    number, written = body["properties"]["memory"]["anyOf"]
    assert number == {"type": "integer", "minimum": 16 * 1024**2}
    assert written["type"] == "string"
    assert body["properties"]["memory"]["default"] == "256M"
    assert body["properties"]["services"]["maxItems"] == 32
    update = found["paths"][f"{BASE}/realms/{{realm}}/projects/{{project}}/containers/{{name}}"]["patch"]
    options = update["requestBody"]["content"]["application/json"]["schema"]
    assert "required" not in options
    assert "default" not in options["properties"]["memory"]
    assert {"428", "412", "409"} <= set(update["responses"])
    assert "default" not in options["properties"]["cpu"]


def test_the_page_for_people_has_each_path_and_loads_nothing() -> None:
    shown = docs_page.page()
    assert all(f"<code>{route.method} {BASE}{route.path}</code>" in shown for route in ROUTES)
    assert not re.search(r"<script|src=|@import|url\(|href=\"(?!openapi|problems)", shown)


def test_references_lead_somewhere() -> None:
    found = openapi.document()
    names = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert set(_references(found)) <= names


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for inner in value.values() for one in _references(inner)]
    return [one for inner in value for one in _references(inner)] if isinstance(value, list) else []


def test_each_code_of_the_engine_is_a_problem() -> None:
    assert {str(code) for code in Code} <= set(problems.KINDS)
    assert set(etags.FIELDS) <= {resource.name for resource in TABLE.resources}
    assert set(METHODS) >= {route.method for route in ROUTES}
