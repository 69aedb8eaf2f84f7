"""The way to the engine: connections that are kept, each with one request at a time."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from skerry.client import WIRE_VERSION
from skerry_api.problems import ProblemError

SOCKET = "/run/skerry/tokens.sock"
_LONGEST = 1 << 24  # bytes of a line of the engine: a list of thousands of containers
_KEPT = 16
_SILENCE = 300.0  # seconds
_LONGEST_WAIT = 3600.0  # of a request: Seconds in protocol/core.py
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Engine:
    """Asks the engine of this host.

    Args:
        path: its socket for tokens.
    """

    def __init__(self, path: str = SOCKET) -> None:
        self.path = path
        self._idle: list[Connection] = []

    async def ask(self, asker: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request.

        Args:
            asker: who asks, as :mod:`skerry.engine.admission` reads it.
            request: the verb and its fields.

        Raises:
            ProblemError: it was refused, it failed, or there is no engine to talk to.
        """
        try:
            async with contextlib.aclosing(self.stream(asker, request, patience(request))) as messages:
                async for message in messages:
                    if "ok" in message:
                        return dict(message["result"])
        except asyncio.CancelledError:  # the API ends, and its patience is over
            raise ended() from None
        raise ended()

    async def stream(
        self, asker: Mapping[str, Any], request: Mapping[str, Any], silence: float | None
    ) -> AsyncGenerator[dict[str, Any]]:
        """What the engine says to a request, message by message; the last one has ``ok``.

        Args:
            asker: who asks.
            request: the verb and its fields.
            silence: seconds that the engine may say nothing; None where it may be silent.

        Raises:
            ProblemError: the request was refused, it failed, or there is no engine to talk to.
        """
        line = json.dumps({"version": WIRE_VERSION, "asker": asker, **request}).encode() + b"\n"
        reader, writer = connection = await self._connection()
        whole = False
        try:
            writer.write(line)
            await writer.drain()
            while not whole:
                message = json.loads(await asyncio.wait_for(reader.readline(), silence) or b"null")
                if message is None:
                    raise ended()
                if whole := "ok" in message:
                    check(message)
                yield message
        except TimeoutError:
            raise ProblemError(
                "busy", "the engine said nothing for a long time; it may still be at it", _LOOK
            ) from None
        except (OSError, ValueError):
            raise ended() from None
        finally:
            self._keep(connection, whole=whole)

    async def _connection(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        try:
            return await asyncio.open_unix_connection(self.path, limit=_LONGEST)
        except OSError:
            raise ProblemError(
                "host",
                "the engine of this host does not answer",
                "Ask again; if it stays so, its operator finds why",
            ) from None

    def _keep(self, connection: Connection, *, whole: bool) -> None:
        if whole and len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection[1].close()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop()[1].close()


_LOOK = "GET /api/v1/operations shows what it does"


def check(message: Mapping[str, Any]) -> None:
    """Refuse an answer that says why there is none.

    Raises:
        ProblemError: it says so.
    """
    if not message["ok"]:
        error = message["error"]
        raise ProblemError(error["code"], error["message"], error["hint"])


def ended() -> ProblemError:
    """The engine has ended, or has ended the connection."""
    return ProblemError(
        "host",
        "the engine ended, or the token was revoked, before the answer",
        f"What had begun is carried out, or undone when the engine starts again. {_LOOK}",
    )


def patience(request: Mapping[str, Any]) -> float:
    """Seconds that the engine may say nothing to a request."""
    return _SILENCE + _own_waits(request)


def _own_waits(request: Mapping[str, Any]) -> float:
    """Seconds that a request itself allows the engine to wait."""
    waits = 0.0
    for name in ("timeout", "grace", "grace_now", "within", "interval"):
        with contextlib.suppress(TypeError, ValueError):  # the engine says what is wrong with it
            given = float(request.get(name) or 0)
            waits += given if 0 <= given <= _LONGEST_WAIT else 0
    return waits
