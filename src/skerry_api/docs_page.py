"""The paths as a page for people, made of the OpenAPI document. It loads nothing: no script, no font, no other address."""

import html
from collections.abc import Iterator, Mapping
from typing import Any

from skerry_api import openapi

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:70em;margin:auto;padding:1em}code{font-size:90%}"
    "summary{cursor:pointer}td,th{text-align:left;vertical-align:top;padding:0 1em 0 0}"
)
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


def page() -> str:
    """The whole page."""
    document = openapi.document()
    title = f"{document['info']['title']} {document['info']['version']}: the API"
    by_kind: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            kind = one.get("tags", ["the API itself"])[0]
            by_kind.setdefault(kind, []).extend(_operation(f"{method.upper()} {path}", one))
    shown = (
        f"<h2>{html.escape(kind.capitalize())}</h2>{''.join(rows)}" for kind, rows in sorted(by_kind.items())
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>"
        '<p>For programs: <a href="openapi.json">openapi.json</a>. What is refused: <a href="problems">problems</a>.</p>'
        f"{''.join(shown)}</html>\n"
    )


def _operation(name: str, one: Mapping[str, Any]) -> Iterator[str]:
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    needed = set(body.get("required", ()))
    yield f"<details><summary><code>{html.escape(name)}</code> {html.escape(one['summary'])}</summary><table>"
    for each in one.get("parameters", ()):
        text = each.get("description") or each["schema"].get("description", "")
        yield _row(each["name"], each["in"], text, required=each.get("required", False))
    for option, schema in body.get("properties", {}).items():
        yield _row(option, "body", schema.get("description", ""), required=option in needed)
    yield "</table></details>"


def _row(name: str, place: str, text: str, *, required: bool) -> str:
    shown = f"<b>{html.escape(name)}</b>" if required else html.escape(name)
    return f"<tr><td><code>{shown}</code><td>{place}<td>{html.escape(text.replace('``', ''))}"
