"""The way to the engine: connections that are kept, each with one request at a time."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
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
        self._path = path
        self._idle: list[Connection] = []

    async def ask(self, asker: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request.

        Args:
            asker: who asks, as :mod:`skerry.engine.admission` reads it.
            request: the verb and its fields.

        Raises:
            ProblemError: it was refused, it failed, or there is no engine to talk to.
        """
        line = json.dumps({"version": WIRE_VERSION, "asker": asker, **request}).encode() + b"\n"
        connection = await self._connection()
        whole = False
        try:
            answer = await asyncio.wait_for(_exchange(connection, line), _SILENCE + _own_waits(request))
            whole = True
        except TimeoutError:
            raise ProblemError(
                "busy", "the engine said nothing for a long time; it may still be at it", _LOOK
            ) from None
        except (OSError, ValueError, asyncio.CancelledError):  # the API ends, and its patience is over
            raise _ended() from None
        finally:
            self._keep(connection, whole=whole)
        if answer["ok"]:
            return dict(answer["result"])
        error = answer["error"]
        raise ProblemError(error["code"], error["message"], error["hint"])

    async def _connection(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        try:
            return await asyncio.open_unix_connection(self._path, limit=_LONGEST)
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


async def _exchange(connection: Connection, line: bytes) -> dict[str, Any]:
    """Send a line; the last one of the answer. What comes before it tells of the progress."""
    reader, writer = connection
    writer.write(line)
    await writer.drain()
    while found := await reader.readline():
        message = json.loads(found)
        if "ok" in message:
            return dict(message)
    raise _ended()


def _ended() -> ProblemError:
    return ProblemError(
        "host",
        "the engine ended, or the token was revoked, before the answer",
        f"What had begun is carried out, or undone when the engine starts again. {_LOOK}",
    )


def _own_waits(request: Mapping[str, Any]) -> float:
    """Seconds that a request itself allows the engine to wait."""
    waits = 0.0
    for name in ("timeout", "grace", "grace_now", "within", "interval"):
        with contextlib.suppress(TypeError, ValueError):  # the engine says what is wrong with it
            given = float(request.get(name) or 0)
            waits += given if 0 <= given <= _LONGEST_WAIT else 0
    return waits
