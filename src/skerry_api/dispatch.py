"""From a request of HTTP to one of the engine, and back. It knows no framework, and leaves decisions to the engine."""

import contextlib
import dataclasses
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from skerry.model import token as tokens
from skerry.model.errors import SkerryError
from skerry.protocol import etags
from skerry.protocol.core import PLAN
from skerry.protocol.rights import SELF
from skerry_api import events, pages, problems, strict_json
from skerry_api.engine import Engine, patience
from skerry_api.events import Events
from skerry_api.limits import REALM, Limits
from skerry_api.problems import MEDIA_TYPE, ProblemError
from skerry_api.routes import BASE, Route

JSON = "application/json"
_TAG = re.compile(r'"([\x21\x23-\x7e]{1,64})"')
_YES, _NO = {"1", "true"}, {"0", "false"}
Headers = Mapping[str, Sequence[str]]
Read = Callable[[], Awaitable[bytes]]


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request of HTTP to a route.

    Attributes:
        route: the route that it matched.
        variables: the values of its path's variables.
        query: the parameters, as they were sent.
        headers: of each header, by its name in lower case, what was sent.
        body: the whole body; empty until it is read.
    """

    route: Route
    variables: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Headers
    body: bytes = b""


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer of HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def _once(headers: Headers, name: str) -> str | None:
    found = headers.get(name, ())
    if len(found) > 1:
        raise ProblemError("invalid", f"the header {name} is there {len(found)} times", "Send it once")
    return found[0].strip() if found else None


def asker(headers: Headers) -> dict[str, Any]:
    """Who asks: the digest of the token, and where from. The token itself goes no further.

    Raises:
        ProblemError: there is no token, or what was sent is none.
    """
    source = _once(headers, "x-forwarded-for")
    if source is None:
        raise ProblemError(
            "failed", "the proxy did not say who asks", "The API answers behind the proxy only"
        )
    said = _once(headers, "authorization")
    scheme, _, value = (said or "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise ProblemError(
            "unauthorized", "the request has no token", "Send the header 'Authorization: Bearer sk_…'"
        )
    try:
        return {"token": tokens.digest(value.strip()), "source": source}
    except SkerryError as error:
        raise ProblemError("unauthorized", error.message, error.hint) from None


def condition(route: Route, headers: Headers) -> list[str] | None:
    """The states of which the resource must have one: tags, none where it must not be there; None where any is right.

    Raises:
        ProblemError: a change wants to be told, and is not; or what it is told is no tag.
    """
    match, none = _once(headers, "if-match"), _once(headers, "if-none-match")
    if not route.changes:
        return None
    if none is not None:
        if none != "*" or route.method != "PUT" or match is not None:
            raise ProblemError("invalid", "If-None-Match: only '*' is for PUT, and by itself", "Leave it out")
        return []
    if match is None:
        if route.conditional:
            raise ProblemError(
                "unconditional",
                f"{route.method} changes a resource, and does not say which state of it",
                "Send the ETag of GET as If-Match; or If-Match: * for whatever is there",
            )
        return None
    if match == "*":
        return None
    found = [_TAG.fullmatch(one.strip()) for one in match.split(",")]
    if not all(found):
        raise ProblemError(
            "invalid", "If-Match: this is no ETag", 'Send one as GET has told it, in quotes: "…"'
        )
    return [one[1] for one in found if one]


def query_of(asked: Asked) -> dict[str, str]:
    """The parameters, each once and each known.

    Raises:
        ProblemError: one is unknown, or there twice.
    """
    route = asked.route
    known = [
        *route.in_query(),
        *(pages.QUERY if route.lists else ()),
        *(("dry_run",) if route.changes else ()),
    ]
    found: dict[str, str] = {}
    for name, value in asked.query:
        if name not in known:
            raise ProblemError("invalid", f"{name[:40]}: there is no such parameter", _there_are(known))
        if name in found:
            raise ProblemError("invalid", f"{name}: this parameter is there twice", "Give it once")
        found[name] = value
    return found


def _there_are(names: Sequence[str]) -> str:
    return f"There are {', '.join(names)}" if names else "Leave it out"


def _body_of(asked: Asked) -> dict[str, Any]:
    """The options in the body.

    Raises:
        ProblemError: it is no JSON, or has what the request does not take.
    """
    if not asked.body:
        return {}
    known = asked.route.in_body()
    if not known:
        raise ProblemError("invalid", f"{asked.route.method} has no body here", "Leave it out")
    kind = (_once(asked.headers, "content-type") or "").split(";")[0].strip().lower()
    if kind not in {JSON, "application/merge-patch+json"}:
        raise ProblemError("media_type", f"the body is {kind[:60] or 'of no type'}", f"Send {JSON}")
    found = strict_json.read(asked.body)
    for name in found:
        if name in asked.route.in_path():
            raise ProblemError("invalid", f"{name}: the path says it already", "Leave it out of the body")
        if name not in known:
            raise ProblemError("invalid", f"{name[:40]}: there is no such option", _there_are(known))
    return found


def request_of(asked: Asked, query: Mapping[str, str]) -> dict[str, Any]:
    """The request to the engine, which checks each value.

    Raises:
        ProblemError: the body is wrong, or says what the query says as well.
    """
    route, places = asked.route, asked.route.places()
    said = dict(route.said(name, value) for name, value in asked.variables.items())
    if route.pick:
        said = {name: value for name, value in asked.variables.items() if name in places}
    body = _body_of(asked)
    if twice := sorted(query.keys() & body.keys()):
        raise ProblemError("invalid", f"{twice[0]}: both the query and the body say it", "Give it once")
    for name in ("name", "project", "realm"):  # REALM/NAME would lead elsewhere than the path
        if isinstance(body.get(name), str) and "/" in body[name]:
            raise ProblemError(
                "invalid", f"{name}: {body[name][:60]!r} has a slash", "Say the realm in the path only"
            )
    request: dict[str, Any] = {"verb": route.verb, **{group: {} for group in route.groups()}}
    given = {**said, **body, **{name: value for name, value in query.items() if name in places}}
    for name, value in given.items():
        into = request if not places[name].group else request.setdefault(places[name].group, {})
        into[name] = value
    return request


def _dry(query: Mapping[str, str]) -> bool:
    text = query.get("dry_run", "0")
    if text not in _YES | _NO:
        raise ProblemError("invalid", f"dry_run: {text[:20]!r} is not allowed", "Give 1 or 0")
    return text in _YES


async def answer(asked: Asked, engine: Engine, limits: Limits, read: Read) -> Answer | Events:
    """Answer a request.

    Args:
        asked: what is asked; its body is read here.
        engine: asked in turn.
        limits: what tokens and realms have asked lately.
        read: reads the body. It is that of a token which is one, or was: nobody else has memory or time of this process.

    Raises:
        ProblemError: it was refused or failed.
    """
    who = asker(asked.headers)
    digest, streams = str(who["token"]), asked.route.streams
    with contextlib.ExitStack() as held:
        use = held.enter_context(limits.streaming(digest) if streams else limits.asking(digest))
        if use.realm is None:
            use.realm = (await engine.ask(who, {"verb": SELF}))["token"]["realm"] or ""
        if streams:
            return await _log(asked, who, engine, held)
        if use.realm:
            held.enter_context(limits.asking(use.realm, REALM))
        return await _answered(dataclasses.replace(asked, body=await read()), who, engine, held)


async def _answered(
    asked: Asked, who: dict[str, Any], engine: Engine, held: contextlib.ExitStack
) -> Answer | Events:
    route = asked.route
    query = query_of(asked)
    limit, after = pages.check(query) if route.lists else (0, [])
    dry = _dry(query)
    wanted, key = condition(route, asked.headers), _key(asked, dry=dry)
    request = request_of(asked, query)
    who |= {} if wanted is None else {"if_match": wanted}
    who |= {} if key is None else {"key": key}
    if route.changes and not dry:
        return await _change(asked, engine.stream(who, request, patience(request)), held)
    result = await engine.ask(who, {"verb": PLAN, "of": request} if dry else request)
    if dry:
        return _json(200, result)
    if route.one:
        return _one(asked, result)
    if route.lists:
        result[route.many], result["next"] = pages.page(result[route.many], limit, after)
    return _json(200, result)


def _key(asked: Asked, *, dry: bool) -> str | None:
    """The key by which the engine knows a request that is sent again.

    Raises:
        ProblemError: nothing is changed, so there is nothing to know it by.
    """
    key = _once(asked.headers, "idempotency-key")
    if key is not None and (dry or not asked.route.changes):
        raise ProblemError("invalid", "Idempotency-Key: this request changes nothing", "Leave it out")
    return key


async def _change(asked: Asked, messages: events.Messages, held: contextlib.ExitStack) -> Answer | Events:
    """Carry out a change, and answer as the client prefers: at its end, with what it does, or ahead of the end."""
    heard = events.Heard(messages)
    await heard.begin(None)
    if _wants_events(asked):
        return Events(events.SSE, events.progress(heard), heard, held.pop_all())
    ahead = "respond-async" in (_once(asked.headers, "prefer") or "").lower().replace(" ", "").split(",")
    found = heard.all()
    async with contextlib.AsyncExitStack() as ends:
        ends.push_async_callback(found.aclose)
        async for message in found:
            if message is None:
                continue
            if "problem" in message:
                raise problems.of(message["problem"])
            if "ok" in message:
                return _changed(asked, message["result"])
            if ahead and message["event"] == "plan":
                ends.pop_all()
                events.in_background(_to_the_end(found, held.pop_all()))
                return _accepted(message["operation"])
    raise AssertionError("the last message has the result")


def _wants_events(asked: Asked) -> bool:
    return events.SSE in (_once(asked.headers, "accept") or "").lower()


async def _to_the_end(found: AsyncGenerator[Any], held: contextlib.ExitStack) -> None:
    """Hear an operation to its end. It would go on without that, but count no more among what its token asks."""
    with held:
        async for _message in found:
            pass


def _accepted(operation: int) -> Answer:
    place = f"{BASE}/operations/{operation}"
    headers = {"location": place, "preference-applied": "respond-async"}
    return _json(202, {"operation": operation}, headers)


async def _log(asked: Asked, who: Mapping[str, Any], engine: Engine, held: contextlib.ExitStack) -> Events:
    """The lines of a log, as they come; after Last-Event-ID, where an interrupted client goes on."""
    query = query_of(asked)
    request = request_of(asked, query)
    last = _once(asked.headers, "last-event-id")
    if last is not None:
        if not re.fullmatch(r"[0-9]{1,12}\.[0-9]{6}", last):
            raise ProblemError("invalid", "Last-Event-ID: this is none", "Send the id of the last line")
        request |= {"since": f"@{last}", "lines": _CAUGHT_UP}
    as_events = _wants_events(asked) or query.get("follow", "") in _YES
    kind = events.SSE if as_events else events.LINES
    heard = events.Heard(engine.stream(who, request, None))
    await heard.begin(_FIRST_LINE)
    return Events(kind, events.lines(heard, kind, float(last or 0)), heard, held.pop_all())


_FIRST_LINE = 2.0  # seconds: what is refused, the engine refuses sooner
_CAUGHT_UP = 10_000  # lines at most of those that an interrupted client did not get


def _json(status: int, found: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    shown = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
    return Answer(status, shown, {"content-type": JSON, "cache-control": "no-store", **(headers or {})})


def _tag(route: Route, view: Mapping[str, Any] | None) -> dict[str, str]:
    """The ETag of a resource; none where the answer is about another kind, or the kind has none."""
    if view is None or route.asks.request.answered_by:
        return {}
    found = etags.etag(route.asks.resource.name, view)
    return {"etag": f'"{found}"'} if found else {}


def _one(asked: Asked, result: Mapping[str, Any]) -> Answer:
    """One resource; 304 where the client has it already."""
    route = asked.route
    if route.pick:
        last = asked.variables[route.variables[-1]]
        view = next((one for one in result[route.many] if str(one[route.pick]) == last), None)
        if view is None:
            name = "/".join(asked.variables.values())
            raise ProblemError("not_found", f"there is no {route.asks.resource.name} {name}", _SELF)
    else:
        view = result[route.asks.resource.name]
    tag = _tag(route, view)
    if tag and _once(asked.headers, "if-none-match") == tag["etag"]:
        return Answer(304, b"", {**tag, "cache-control": "no-store"})
    return _json(200, view, tag)


_SELF = "The verb token_self tells what this token reaches"


def _changed(asked: Asked, result: Mapping[str, Any]) -> Answer:
    """What was done; the resource's ETag, and where a new one is found."""
    route, after = asked.route, result["after"]
    headers = _tag(route, after)
    created = route.creates and result["before"] is None and after is not None
    if created and route.method == "POST":
        headers["location"] = f"{BASE}{_location(asked, after)}"
    return _json(201 if created else 200, result, headers)


def _location(asked: Asked, after: Mapping[str, Any]) -> str:
    """The path of a resource that was made."""
    path = asked.route.path.format(**asked.variables)
    if asked.route.path.endswith("/copy"):
        path = path.rsplit("/", 2)[0]
    return f"{path}/{after['name']}"


def problem(error: ProblemError) -> Answer:
    """The answer to what was refused or failed."""
    headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **error.headers}
    return Answer(error.status, error.body(), headers)
