"""WebSockets: a program in a container for whoever shows a token (:mod:`skerry_api.programs`)."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Response, WebSocket, WebSocketDisconnect
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketState

from skerry_api import dispatch, programs
from skerry_api.dispatch import Asked
from skerry_api.engine import Engine
from skerry_api.limits import Limits
from skerry_api.problems import ProblemError
from skerry_api.routes import Route

_REFUSED = 1008  # RFC 6455: a policy was violated; the message before it says which


class _Client:
    """A WebSocket, as :mod:`skerry_api.programs` needs it."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> bytes | str | None:
        """The next message; None where the client has left."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        data: bytes | None = message.get("bytes")
        return str(message.get("text") or "") if data is None else data

    async def send(self, message: bytes | str) -> None:
        """Send a message. It waits while the client reads nothing."""
        if isinstance(message, str):
            await self._socket.send_text(message)
        else:
            await self._socket.send_bytes(message)


def headers(request: HTTPConnection) -> dict[str, list[str]]:
    """Of each header, by its name in lower case, what was sent."""
    found: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        found.setdefault(name, []).append(value)
    return found


def endpoint(route: Route, engine: Engine, limits: Limits) -> Callable[[WebSocket], Awaitable[None]]:
    """What serves a route that is a WebSocket."""

    async def guarded(socket: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect):  # the client left while it was told something
            try:
                await _accepted(route, engine, limits, socket)
            except ProblemError as error:
                await _refused(socket, error)

    return guarded


async def _refused(socket: WebSocket, error: ProblemError) -> None:
    """Tell what was wrong: as an answer of HTTP, or where it is a WebSocket already, as its last message."""
    if socket.client_state is WebSocketState.CONNECTING:
        answer = dispatch.problem(error)
        await socket.send_denial_response(Response(answer.body, answer.status, dict(answer.headers)))
    else:
        await socket.send_text(error.body().decode())
        await socket.close(_REFUSED)


async def _accepted(route: Route, engine: Engine, limits: Limits, socket: WebSocket) -> None:
    sent = headers(socket)
    who = dispatch.asker(sent)
    with limits.streaming(str(who["token"])):
        await socket.accept()
        await _served(Asked(route, socket.path_params, [], sent, b""), who, engine, socket)


async def _served(asked: Asked, who: Mapping[str, Any], engine: Engine, socket: WebSocket) -> None:
    """Run what the first message says, until it ends or the client leaves."""
    client = _Client(socket)
    try:
        said = await asyncio.wait_for(client.receive(), programs.FIRST)
    except TimeoutError:
        hint = 'Send {"command": ["id"]}, or {} for a shell'
        raise ProblemError("invalid", "the client did not say what is to be run", hint) from None
    if said is None:
        return
    options = programs.options(said, asked.route.in_body())
    request = dispatch.request_of(asked, {}) | options
    async with programs.started(engine.path, who, request) as program:
        status = await program.serve(client)
    if status is not None:
        await socket.send_text(json.dumps(status))
        await socket.close()
