"""The application: FastAPI matches a method and path to a route; all else is in :mod:`skerry_api.dispatch`."""

import asyncio
import functools
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from skerry_api import dispatch, docs_page, openapi, problems, sockets, strict_json
from skerry_api.dispatch import Answer, Asked
from skerry_api.engine import SOCKET, Engine
from skerry_api.events import Events
from skerry_api.limits import Limits
from skerry_api.problems import ProblemError
from skerry_api.routes import BASE, ROUTES, Route, allowed

_log = logging.getLogger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]


_PATIENCE = 60.0  # seconds that a body may take


async def _body(request: Request) -> bytes:
    """The whole body, unless it is too large or too slow: it is not read any further then."""
    found = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for part in request.stream():
                found += part
                if len(found) > strict_json.LARGEST:
                    text = f"the body has more than {strict_json.LARGEST} bytes"
                    raise ProblemError("too_large", text, "Send less")
    except ClientDisconnect:
        raise ProblemError(
            "invalid", "the client left before the end of its body", "Send all of it"
        ) from None
    except TimeoutError:
        text = f"the body was not there after {_PATIENCE:g} seconds"
        raise ProblemError("too_slow", text, "Send it at once") from None
    return bytes(found)


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


class _Streamed(StreamingResponse):  # type: ignore[misc]  # the framework is not in .venv
    """An answer that goes on, and is closed with its connection."""

    def __init__(self, answer: Events) -> None:
        super().__init__(answer.parts, 200, {"content-type": answer.kind, "cache-control": "no-store"})
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.close()


def _sent(answer: Answer | Events) -> Response:
    if isinstance(answer, Events):
        return _Streamed(answer)
    return Response(answer.body, answer.status, dict(answer.headers))


def _endpoint(route: Route, engine: Engine, limits: Limits) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        read = []

        async def body() -> bytes:
            found = await _body(request)
            read.append(True)
            return found

        try:
            query = request.query_params.multi_items()
            asked = Asked(route, request.path_params, query, sockets.headers(request))
            return _sent(await dispatch.answer(asked, engine, limits, body))
        except ProblemError as error:
            found = _sent(dispatch.problem(error))
            if not read and _has_body(request):  # or the rest of it would be waited for
                found.headers["connection"] = "close"
            return found

    return endpoint


async def _only_socket(request: Request) -> Response:  # noqa: ARG001
    """Without a WebSocket there is nothing here."""
    hint = "Connect by a WebSocket client: wss://"
    return _sent(dispatch.problem(ProblemError("upgrade", "this path is a WebSocket", hint)))


def _fixed(make: Callable[[], Mapping[str, Any] | str]) -> Endpoint:
    """Answers the same to everybody, with or without a token. It is made for the first who asks."""

    @functools.cache
    def shown() -> tuple[bytes, dict[str, str]]:
        found = make()
        if isinstance(found, str):
            return found.encode(), docs_page.HEADERS
        return json.dumps(found, ensure_ascii=False).encode(), {"content-type": dispatch.JSON}

    async def endpoint(request: Request) -> Response:  # noqa: ARG001
        body, headers = shown()
        return Response(body, 200, headers)

    return endpoint


async def _unmatched(request: Request, error: Exception) -> Response:
    """A path that there is not, or a method that it has not; of a path that there is, OPTIONS."""
    methods = ", ".join(allowed(request.url.path.removeprefix(BASE)) or _fixed_methods(request))
    if methods and request.method == "OPTIONS":
        return Response(b"", 204, {"allow": methods})
    if methods and getattr(error, "status_code", 0) in {404, 405}:
        text = f"{request.url.path[:200]} has no {request.method[:20]}"
        found = ProblemError("not_allowed", text, f"There are {methods}", {"allow": methods})
    else:
        hint = f"GET {BASE}/openapi.json tells every path"
        found = ProblemError("not_found", "there is no such path", hint)
    return _sent(dispatch.problem(found))


def _fixed_methods(request: Request) -> tuple[str, ...]:
    return ("GET", "HEAD", "OPTIONS") if request.url.path in _FIXED else ()


async def _unforeseen(request: Request, error: Exception) -> Response:  # noqa: ARG001
    _log.exception("a request failed in a way nobody foresaw")
    return _sent(
        dispatch.problem(ProblemError("failed", "the API failed", "The host's operator finds why in its log"))
    )


_FIXED: Mapping[str, Callable[[], Mapping[str, Any] | str]] = {
    f"{BASE}/openapi.json": openapi.document,
    problems.WHERE: problems.every,
    f"{BASE}/health": lambda: {"ok": True},
    f"{BASE}/docs": docs_page.page,
}


def _add(app: FastAPI, path: str, endpoint: Endpoint, methods: list[str]) -> None:
    app.add_api_route(path, endpoint, methods=methods, response_model=None, include_in_schema=False)


def make(path: str = SOCKET) -> FastAPI:
    """The application, which asks the engine behind a socket."""
    engine, limits = Engine(path), Limits()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        engine.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    for route in ROUTES:
        if route.is_socket:
            _add(app, f"{BASE}{route.path}", _only_socket, ["GET", "HEAD"])
            serve = sockets.endpoint(route, engine, limits)
            app.add_api_websocket_route(f"{BASE}{route.path}", serve)
            continue
        methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
        _add(app, f"{BASE}{route.path}", _endpoint(route, engine, limits), methods)
    for place, found in _FIXED.items():
        _add(app, place, _fixed(found), ["GET", "HEAD"])
    app.add_exception_handler(HTTPException, _unmatched)
    app.add_exception_handler(Exception, _unforeseen)
    return app
