"""Writes which method and path of the API a verb is: ``src/skerry/api_paths.py``, which modules and the command carry."""

from collections.abc import Iterator
from pathlib import Path

from skerry.protocol.core import group_of
from skerry_api.routes import LEFT_OUT, ROUTES, Route
from tools.files import ROOT

PATH = ROOT / "src" / "skerry" / "api_paths.py"
_HEAD = '''"""Which method and path of the API each verb is. Written by `make options` from src/skerry_api/routes.py."""

from typing import NamedTuple


class Verb(NamedTuple):
    """What a client has to know of a verb.

    Attributes:
        answer: what comes back: ``change`` the engine's record, ``one`` a resource, ``list`` a page, ``other`` the rest.
        field: the field of the engine's answer that has the resource or the list.
        groups: the fields of its request that are groups of others.
        places: method and path, the one that says most first. ``{FIELD}`` is a field of the request, ``{FIELD:TEXT}``
            one whose value is that text, a slash and what stands in the path.
    """

    answer: str
    field: str
    groups: tuple[str, ...]
    places: tuple[tuple[str, str], ...]


'''
_REASONS = '"""Why a verb has none, of those that have none."""'


def _variable(route: Route, name: str) -> str:
    field, form = route.names.get(name, (name, "{}"))
    begins = form.removesuffix("{}").removesuffix("/")
    return f"{{{field}:{begins}}}" if begins else f"{{{field}}}"


def _place(route: Route) -> tuple[str, str]:
    """The method and path of a route, with the fields of the request as its variables."""
    parts = (_variable(route, part[1:-1]) if part.startswith("{") else part for part in route.path.split("/"))
    return route.method, "/".join(parts)


def _answer(route: Route) -> str:
    """What comes back."""
    if route.changes:
        return "change"
    return "one" if route.one else "list" if route.lists else "other"


def _verbs() -> Iterator[str]:
    """Each verb with its routes. Of a list the first one does: its query says what the paths of the others say."""
    for name in dict.fromkeys(route.verb for route in ROUTES):
        routes = [route for route in ROUTES if route.verb == name and not route.pick]
        first, resource = routes[0], routes[0].asks.resource
        answer = _answer(first)
        groups = tuple(
            field for field, one in first.asks.request.model_fields.items() if group_of(one) is not None
        )
        places = [_place(route) for route in (routes[:1] if answer == "list" else routes)]
        places.sort(key=lambda one: (-one[1].count("{"), ":" not in one[1]))
        field = resource.plural if answer == "list" else resource.name
        yield f"    {name!r}: Verb({answer!r}, {field!r}, {groups!r}, {tuple(places)!r}),\n"


def text() -> str:
    """The file, as it is to be once it is formatted."""
    reasons = "".join(f"    {name!r}: {reason!r},\n" for name, reason in LEFT_OUT.items())
    verbs = "".join(_verbs())
    return f"{_HEAD}VERBS = {{\n{verbs}}}\nLEFT_OUT = {{\n{reasons}}}\n{_REASONS}\n"


def target(root: Path) -> Path:
    """The file's path."""
    return root / PATH.relative_to(ROOT)
