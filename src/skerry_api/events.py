"""Answers that come part by part: progress of a change, and lines of a log, as server-sent events or lines of JSON."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from typing import Any

from skerry_api.problems import ProblemError

SSE, LINES = "text/event-stream", "application/x-ndjson"
_BEAT = 15.0  # seconds of silence before a comment says that the stream goes on
Message = dict[str, Any]
Messages = AsyncGenerator[Message]
_kept: set[asyncio.Task[None]] = set()


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Do something that no request waits for. The loop itself would forget it."""
    task = asyncio.create_task(work)
    _kept.add(task)
    task.add_done_callback(_kept.discard)


class Heard:
    """What the engine says to a request.

    Args:
        messages: what it says.
    """

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._waited: asyncio.Task[Message] | None = None

    async def begin(self, patience: float | None) -> None:
        """Wait for the first message: a request that is refused is refused while the answer has no status yet.

        Args:
            patience: seconds to wait; it may come later, where the answer is a log.

        Raises:
            ProblemError: it was refused.
        """
        waited = self._next()
        await asyncio.wait({waited}, timeout=patience)
        if waited.done() and waited.exception() is not None:
            await self.close()
            waited.result()

    def _next(self) -> "asyncio.Task[Message]":
        self._waited = self._waited or asyncio.create_task(_of(self._messages))
        return self._waited

    async def all(self) -> AsyncGenerator[Message | None]:
        """The messages from the first; None where there was none for a while. What ends them early is one as well."""
        try:
            last = False
            while not last:
                waited = self._next()
                await asyncio.wait({waited}, timeout=_BEAT)
                if waited.done():
                    self._waited = None
                    found = _read(waited)
                    last = "ok" in found or "problem" in found
                    yield found
                else:
                    yield None
        finally:
            await self.close()

    async def close(self) -> None:
        """Leave; the engine hears of it."""
        if self._waited is not None and not self._waited.done():
            self._waited.cancel()
            await asyncio.wait({self._waited})
        await self._messages.aclose()


@dataclasses.dataclass(frozen=True)
class Events:
    """An answer of HTTP that goes on. Whoever sends it closes it, even if it never began.

    Attributes:
        kind: its media type.
        parts: its parts.
        heard: what they are made of.
        held: what is held until its end.
    """

    kind: str
    parts: AsyncIterator[bytes]
    heard: Heard
    held: contextlib.ExitStack

    async def close(self) -> None:
        """End it."""
        self.held.close()
        await self.heard.close()


async def _of(messages: Messages) -> Message:
    return await anext(messages)


def _read(waited: "asyncio.Task[Message]") -> Message:
    try:
        return waited.result()
    except ProblemError as error:
        return {"problem": json.loads(error.body())}


async def progress(heard: Heard) -> AsyncGenerator[bytes]:
    """The events of a change: ``plan`` and ``step``, then ``result``, or ``problem``."""
    async with contextlib.aclosing(heard.all()) as messages:
        async for message in messages:
            if message is None:
                yield _COMMENT
            elif "problem" in message:
                yield _event("problem", message["problem"])
            elif "ok" in message:
                yield _event("result", message["result"])
            else:
                rest = {key: value for key, value in message.items() if key not in {"version", "event"}}
                yield _event(message["event"], rest)


async def lines(heard: Heard, kind: str, after: float) -> AsyncGenerator[bytes]:
    """The lines of a log.

    Args:
        heard: what the engine says.
        kind: :data:`SSE` or :data:`LINES`.
        after: only lines that were written after that time.
    """
    async with contextlib.aclosing(heard.all()) as messages:
        async for message in messages:
            if part := _shown(message, kind, after):
                yield part


def _shown(message: Message | None, kind: str, after: float) -> bytes:
    """A message of a log, as a client gets it; nothing where it gets nothing."""
    if message is None:
        return _COMMENT if kind == SSE else b""
    if "problem" in message:
        return _event("problem", message["problem"]) if kind == SSE else _line(message)
    if "ok" in message or message["time"] <= after:
        return b""
    line = {name: message[name] for name in ("time", "text", "life")}
    return _event("line", line, f"{line['time']:.6f}") if kind == SSE else _line(line)


_COMMENT = b":\n\n"


def _line(found: Mapping[str, Any]) -> bytes:
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _event(name: str, data: Mapping[str, Any], number: str = "") -> bytes:
    own = f"id: {number}\n" if number else ""
    return f"event: {name}\n{own}data: ".encode() + _line(data) + b"\n"
