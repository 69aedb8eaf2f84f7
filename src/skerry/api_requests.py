"""From a request to the engine to one of HTTP, and from the answer back. Pure; standard library only: modules carry it."""

import json
import re
import urllib.parse
from typing import Any, NamedTuple

from .api_paths import LEFT_OUT, VERBS, Verb
from .engine_calls import EngineError

BASE = "/api/v1"
PLAN = "plan"
_PAGE = "1000"  # entries of a page: the most that the API gives
_DEFAULT = "default"  # realm and project, where none is given
_VARIABLE = re.compile(r"{(\w+):?(\w*)}")
Fields = dict[str, Any]


class Asked(NamedTuple):
    """A request of HTTP.

    Attributes:
        verb: the verb that it stands for.
        method: the method.
        target: path and query.
        body: the options, as JSON; None where it has none.
        dry: whether it only tells what would be done.
    """

    verb: Verb
    method: str
    target: str
    body: bytes | None
    dry: bool

    @property
    def headers(self) -> dict[str, str]:
        """What is said beside it. The engine's verbs take whatever state is there, and so does this."""
        found = {"Accept": "application/json"}
        if self.body is not None:
            found["Content-Type"] = "application/json"
        if self.method in {"PATCH", "DELETE"}:
            found["If-Match"] = "*"
        return found

    def page(self, cursor: str) -> "Asked":
        """The same list, from a cursor on."""
        return self._replace(target=f"{self.target}&{urllib.parse.urlencode({'cursor': cursor})}")


def check(verb: str) -> Verb:
    """What is known of a verb that the API has.

    Raises:
        EngineError: it has none, and why.
    """
    if verb in VERBS:
        return VERBS[verb]
    reason = LEFT_OUT.get(verb, "this client knows no such verb")
    raise EngineError(
        "invalid", f"{verb}: not by the API, since {reason}", "Ask on the host itself, without the API's URL"
    )


def asked(request: Fields) -> Asked:
    """The request of HTTP for one of the engine's, or for its plan.

    Raises:
        EngineError: the API has no way for it.
    """
    dry = request["verb"] == PLAN
    request = dict(request["of"] if dry else request)
    name = request.pop("verb")
    verb = check(name)
    fields = _flat(verb, request)
    method, path, used = _place(verb, fields)
    rest = {field: value for field, value in fields.items() if field not in used and value is not None}
    query, body = {"dry_run": "1"} if dry else {}, None
    if method == "GET":
        query |= {field: _text(value) for field, value in rest.items()}
        query |= {"limit": _PAGE} if verb.answer == "list" else {}
    elif method != "DELETE":
        body = json.dumps(rest).encode() if rest else None
    elif rest:
        raise EngineError("invalid", f"{min(rest)}: not by the API with {name}", "Leave it out")
    return Asked(verb, method, f"{BASE}{path}?{urllib.parse.urlencode(query)}".rstrip("?"), body, dry)


def _flat(verb: Verb, request: Fields) -> Fields:
    """The fields of a request and of its groups; REALM/PROJECT and REALM/NAME in two."""
    found: Fields = {}
    for field, value in request.items():
        found |= value if field in verb.groups and isinstance(value, dict) else {field: value}
    of_token = "token" in verb.groups
    named = "name" if of_token or "project" in verb.groups else "project"
    text = found.get(named)
    if isinstance(text, str) and "/" in text:
        realm, _, last = text.partition("/")
        if found.get("realm") not in ({None, realm} if of_token else {None, realm, _DEFAULT}):
            where = next(
                (group for group in verb.groups if named in dict(request.get(group) or {})), "the request"
            )
            told = f"{named} {text!r} is of realm {realm}, and the realm is {found['realm']!r}"
            raise EngineError("invalid", f"{where}: {told}", "Give one of the two")
        found |= {"realm": realm, named: last}
    return found


def _place(verb: Verb, fields: Fields) -> tuple[str, str, set[str]]:
    """Method and path of a request, and the fields that the path says."""
    given = {field: value for field, value in fields.items() if value is not None}
    for known in (given, {"realm": _DEFAULT, "project": _DEFAULT} | given):
        for method, path in verb.places:
            variables = _VARIABLE.findall(path)
            if all(
                field in known and str(known[field]).startswith(_above(kind)) for field, kind in variables
            ):
                parts = (_said(part, known) for part in path.split("/"))
                return method, "/".join(parts), {field for field, _ in variables}
    known = {"realm": _DEFAULT, "project": _DEFAULT} | given
    field = next(one for one, _ in _VARIABLE.findall(verb.places[-1][1]) if one not in known)
    raise EngineError("invalid", f"{field}: is missing", f"Give {field}")


def _above(kind: str) -> str:
    """What stands before a name that is of a kind: ``volume/`` of what a snapshot is of."""
    return f"{kind}/" if kind else ""


def _said(part: str, fields: Fields) -> str:
    """A part of a path; of a variable its value.

    Raises:
        EngineError: it cannot stand there.
    """
    if not (variable := _VARIABLE.fullmatch(part)):
        return part
    field, kind = variable.groups()
    text = str(fields[field]).removeprefix(_above(kind))
    if not text or "/" in text or text in {".", ".."}:
        raise EngineError("invalid", f"{field}: {text!r} is no name", "Give one as the list shows it")
    return urllib.parse.quote(text, safe="", errors="surrogatepass")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def problem(body: bytes) -> EngineError | None:
    """The error that an answer tells of (RFC 9457); None where it is none of the API's."""
    try:
        found = json.loads(body)
        return EngineError(str(found["code"]), str(found["detail"]), str(found.get("hint", "")))
    except (ValueError, KeyError, TypeError):
        return None


def read(request: Asked, body: bytes) -> Fields | None:
    """What an answer says, as the engine says it; None where it is none of the API's."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    if request.verb.answer == "one":
        return {request.verb.field: found}
    if request.verb.answer == "change" and not {"changed", "before", "after", "plans"} <= found.keys():
        return None
    if request.verb.answer == "list" and not isinstance(found.get(request.verb.field), list):
        return None
    return found
