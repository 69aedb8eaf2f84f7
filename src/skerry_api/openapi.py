"""The OpenAPI 3.1 document, made from the protocol's models: what stands in it is what the engine checks."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, PlainSerializer, create_model
from pydantic.fields import FieldInfo

from skerry import __version__
from skerry.model.duration import format_duration
from skerry.model.size import format_size
from skerry.model.tenants import NONE
from skerry.protocol import core, etags
from skerry_api import events, pages, problems
from skerry_api.routes import BASE, ROUTES, Place, Route

Schema = dict[str, Any]
_SIZE = r"^\s*[0-9]+(\.[0-9]+)?\s*[KMGTkmgt]?([iI]?[bB])?\s*$"
_DURATION = r"^[0-9]+[smhdw]?$"
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_OBJECT: Schema = {"type": "object", "additionalProperties": True}


def document() -> Schema:
    """The whole document."""
    paths: dict[str, Schema] = {}
    schemas: dict[str, Schema] = {"Problem": _problem(), "Changed": _changed(), "Plan": _of_model(_Plan)}
    for route in ROUTES:
        paths.setdefault(f"{BASE}{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    for path, summary in _FIXED.items():
        paths[path] = {"get": _fixed(summary)}
    paths[f"{BASE}/docs"]["get"]["responses"]["200"]["content"] = {
        "text/html": {"schema": {"type": "string"}}
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Skerry",
            "version": __version__,
            "summary": "Containers, each at a URL of its own",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "sk_…"}},
        },
    }


_FIXED = {
    f"{BASE}/openapi.json": "Show this document.",
    problems.WHERE: "Show every code of a problem.",
    f"{BASE}/health": "Tell that the API answers.",
    f"{BASE}/docs": "Show the paths, for people.",
}


class _Plan(BaseModel):
    verb: str
    steps: list[str]
    stored: list[str]
    restart_required: list[str]


def _fixed(summary: str) -> Schema:
    return {
        "summary": summary,
        "security": [],
        "responses": {"200": _said("What is asked for.", _OBJECT), "429": _refused("429")},
    }


def _operation(route: Route, schemas: dict[str, Schema]) -> Schema:
    verb = route.asks
    found: Schema = {
        "operationId": route.operation,
        "summary": verb.summary.replace("``", "").split("\n")[0],
        "tags": [verb.resource.plural],
        "parameters": list(_parameters(route)),
        "responses": _responses(route, schemas),
    }
    if route.in_body() and not route.is_socket:
        schema = _body(route, schemas)
        content = {"application/json": {"schema": schema}}
        found["requestBody"] = {"required": bool(schema.get("required")), "content": content}
    return found


def _parameters(route: Route) -> Iterator[Schema]:
    places = route.places()
    for variable in route.variables:
        name, value = route.said(variable, "")
        schema: Schema = {"type": "string", "minLength": 1}
        if not value and name in places:
            schema = _of_field(places[name], {})
            schema.pop("default", None)
            number = next((one for one in schema.get("anyOf", ()) if one.get("type") == "integer"), None)
            schema = number or schema | {"type": "string"}
        yield {"name": variable, "in": "path", "required": True, "schema": schema}
    for name in route.in_query():
        yield {"name": name, "in": "query", "required": False, "schema": _of_field(places[name], {})}
    if route.lists:
        limit = {"type": "integer", "minimum": 1, "maximum": pages.MOST, "default": pages.USUAL}
        yield {"name": "limit", "in": "query", "schema": limit, "description": "Entries of a page."}
        yield {
            "name": "cursor",
            "in": "query",
            "schema": {"type": "string"},
            "description": "The 'next' of a page.",
        }
    if route.changes:
        yield {
            "name": "dry_run",
            "in": "query",
            "schema": {"enum": ["0", "1", "false", "true"]},
            "description": _DRY,
        }
        yield _header("If-Match", required=route.conditional, text=_MATCH, pattern=_TAGS)
        if not route.asks.request.tells_once:
            yield _header("Idempotency-Key", required=False, text=_KEY, pattern="^[!-~]{1,128}$")
        yield _header("Prefer", required=False, text=_PREFER)
    if route.streams:
        text = "The id of the last line, to go on after it."
        yield _header("Last-Event-ID", required=False, text=text, pattern=r"^[0-9]{1,12}\.[0-9]{6}$")
    if route.method == "PUT":
        yield _header(
            "If-None-Match", required=False, text="* where it must not be there yet.", pattern=r"^\*$"
        )


_TAGS = r'^(\*|"[!#-~]{1,64}"(, ?"[!#-~]{1,64}"){0,15})$'
_KEY = (
    "Of one request. Sent again with the same key, it is carried out once, and its answer kept for 24 hours."
)
_PREFER = "respond-async: answer 202 with the Location of the operation as soon as it has begun."
_DRY = "Only tell what would be done."
_MATCH = "The ETag of GET: refused where the resource is another one now. * for whatever is there."


def _header(name: str, *, required: bool, text: str, pattern: str = "") -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "schema": {"type": "string"} | ({"pattern": pattern} if pattern else {}),
        "description": text,
    }


def _body(route: Route, schemas: dict[str, Schema]) -> Schema:
    """The options in a body: of all groups of the request, side by side, as on a command line."""
    places = route.places()
    properties = {name: _of_field(places[name], schemas) for name in route.in_body()}
    needed = [
        name
        for name in route.in_body()
        if places[name].declared.is_required() and not places[name].partial and name not in route.in_query()
    ]
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | ({"required": needed} if needed else {})


def _of_field(place: Place, schemas: dict[str, Schema]) -> Schema:
    """The schema of one field; the models in it go to ``schemas``."""
    declared = place.declared
    found = _of_model(_holder(place.name, declared), schemas)["properties"][place.name]
    written = _written(declared)
    if written:
        lowest = re.search(r"ge=(\d+)", repr(declared.annotation) + repr(declared.metadata))
        more = {"description": declared.description} if declared.description else {}
        kinds: list[Schema] = [{"type": "integer", "minimum": int(lowest[1]) if lowest else 0}, written]
        found = {
            "anyOf": kinds
            if declared.is_required() or "None" not in repr(declared.annotation)
            else [*kinds, _NULL]
        }
        found |= more | _default(declared, written)
    elif declared.description:
        found["description"] = declared.description
    if place.group == "quota":
        found["anyOf"] = [*found.get("anyOf", [])[:-1], {"const": NONE}, _NULL]
    if place.partial:
        found.pop("default", None)  # what is not named stays
    return {name: value for name, value in found.items() if name != "title"}


_NULL: Schema = {"type": "null"}
_EVENTS: Schema = {"schema": {"type": "string"}}


def _default(declared: FieldInfo, written: Schema) -> Schema:
    """What a number with a unit is where it is not given."""
    if not isinstance(declared.default, int):
        return {}
    form = format_size if written["pattern"] == _SIZE else format_duration
    return {"default": form(declared.default)}


def _holder(name: str, declared: FieldInfo) -> type[BaseModel]:
    """A model with that field alone."""
    made: type[BaseModel] = create_model(f"Of{name.title()}", **{name: (declared.annotation, declared)})  # type: ignore[call-overload]
    return made


def _written(declared: FieldInfo) -> Schema | None:
    """The schema of a number that is written with a unit, where the field is one."""
    for note in declared.metadata:
        if isinstance(note, PlainSerializer) and note.func is format_size:
            return {"type": "string", "pattern": _SIZE}
        if isinstance(note, PlainSerializer) and note.func is format_duration:
            return {"type": "string", "pattern": _DURATION}
    return None


def _of_model(model: type[BaseModel], schemas: dict[str, Schema] | None = None) -> Schema:
    found = model.model_json_schema(mode="validation", ref_template="#/components/schemas/{model}")
    inner = found.pop("$defs", {})
    if schemas is not None:
        schemas.update({name: _plain(one) for name, one in inner.items()})
    shown: Schema = _plain(found)
    return shown


def _plain(value: Any) -> Any:
    """A schema without what is no keyword of JSON Schema, and without titles that say nothing."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "ge" in value:
        rest = {name: one for name, one in value.items() if name not in {"ge", "le", "type", "title"}}
        if "default" in rest:
            rest["default"] = format_size(rest["default"])
        return rest | {
            "anyOf": [{"type": "integer", "minimum": value["ge"]}, {"type": "string", "pattern": _SIZE}]
        }
    of_many = {"maxLength": "maxItems", "minLength": "minItems"} if value.get("type") == "array" else {}
    return {
        of_many.get(name, name): _plain(one)
        for name, one in value.items()
        if not (name == "title" and isinstance(one, str)) and not (name == "default" and one is None)
    }


def _said(text: str, schema: Schema, headers: Mapping[str, str] | None = None) -> Schema:
    found: Schema = {"description": text, "content": {"application/json": {"schema": schema}}}
    shown = {
        name: {"schema": {"type": "string"}, "description": one} for name, one in (headers or {}).items()
    }
    return found | ({"headers": shown} if shown else {})


def _responses(route: Route, schemas: dict[str, Schema]) -> Schema:
    verb = route.asks
    tag = {"ETag": "The state of the resource, for If-Match."} if verb.resource.name in etags.FIELDS else {}
    name = verb.resource.name.capitalize()
    schemas.setdefault(name, _resource(verb.resource))
    one = {"$ref": f"#/components/schemas/{name}"}
    if route.changes:
        codes = ["200", "201"] if route.creates else ["200"]
        changed = {"$ref": "#/components/schemas/Changed"}
        found = {code: _said("What was done, or would be.", changed, tag) for code in codes}
        found["200"]["content"][events.SSE] = _EVENTS
        place = {"Location": "The operation: it is over where its state is not open, and next is null."}
        found["202"] = _said("It has begun.", _OBJECT, place)
    elif route.streams:
        found = {"200": {"description": "Lines.", "content": {events.LINES: _EVENTS, events.SSE: _EVENTS}}}
    elif route.is_socket:
        found = {"101": {"description": "Messages, as docs/how-to/api.md says."}, "426": _refused("426")}
    elif route.one:
        found = {"200": _said("The resource.", one, tag)}
        if tag:
            found["304"] = {"description": "It is the one that If-None-Match names."}
    elif route.lists:
        many = {"type": "array", "items": one}
        page: Schema = {"type": "object", "required": [verb.resource.plural, "next"]}
        page["properties"] = {verb.resource.plural: many, "next": {"type": ["string", "null"]}}
        found = {"200": _said("A page of them.", page)}
    else:
        found = {"200": _said("What is asked for.", _OBJECT)}
    return found | {code: _refused(code) for code in _codes(route)}


def _codes(route: Route) -> list[str]:
    found = ["400", "401", "403", "404", "429", "500", "503"]
    if route.changes:
        found += ["409", "412", "422"]
    if route.in_body() and not route.is_socket:
        found += ["413", "415"]
    return sorted(found + (["428"] if route.conditional else []))


def _refused(code: str) -> Schema:
    texts = [kind.title for kind in problems.KINDS.values() if str(kind.status) == code]
    return {"description": "; ".join(texts), "content": {problems.MEDIA_TYPE: {"schema": _PROBLEM}}}


def _resource(resource: core.Resource) -> Schema:
    """A resource as answers show it. Its columns are always there; more may come."""
    return {
        "type": "object",
        "description": f"A {resource.name} as 'skerry' shows it with --json.",
        "properties": {name: {} for name in resource.columns},
        "additionalProperties": True,
    }


def _problem() -> Schema:
    texts = {name: {"type": "string"} for name in ("type", "title", "detail", "hint")}
    return {
        "type": "object",
        "description": "RFC 9457. detail says what was wrong and where, hint what would be right.",
        "required": ["type", "title", "status", "code", "detail", "hint"],
        "properties": {**texts, "status": {"type": "integer"}, "code": {"enum": list(problems.KINDS)}},
    }


def _changed() -> Schema:
    view = {"anyOf": [_OBJECT, _NULL]}
    return {
        "type": "object",
        "description": "What a request has changed, with the resource before and after it.",
        "required": ["changed", "before", "after", "plans", "timings_ms", "warnings", "missing"],
        "properties": {
            "changed": {"type": "boolean"},
            "before": view,
            "after": view,
            "plans": {"type": "array", "items": {"$ref": "#/components/schemas/Plan"}},
            "timings_ms": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
            "warnings": {"type": "array", "items": {"type": "string"}},
            "missing": {"type": "string"},
            "once": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "additionalProperties": False,
    }
