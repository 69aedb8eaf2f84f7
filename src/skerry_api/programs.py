"""Programs in containers by WebSocket: between a client's messages and the streams that the engine has handed over."""

import asyncio
import contextlib
import dataclasses
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from skerry.client import WIRE_VERSION
from skerry_api import strict_json
from skerry_api.engine import check, ended
from skerry_api.problems import ProblemError

STDIN, STDOUT, STDERR = 0, 1, 2  # the first byte of a message with data
LARGEST = 1 << 20  # bytes of a message of a client
FIRST = 10.0  # seconds that a client has to say what is to be run
_BLOCK = 64 * 1024
_SILENCE, _BEAT = 60.0, 15.0  # seconds
_DESCRIPTORS = 8
_ORDERS = ({"signal"}, {"rows", "columns"}, {"stdin"})


class Channel(Protocol):
    """A WebSocket."""

    async def receive(self) -> bytes | str | None:
        """The next message; None where the client has left."""

    async def send(self, message: bytes | str) -> None:
        """Send a message. It waits while the client reads nothing."""


def options(message: bytes | str | None, known: list[str]) -> dict[str, Any]:
    """What is to be run, and how: the first message.

    Raises:
        ProblemError: it is no object, or has what there is not.
    """
    if not isinstance(message, str):
        raise ProblemError(
            "invalid", "the first message is no text", 'Send {"command": ["id"]}, or {} for a shell'
        )
    found = strict_json.read(message.encode())
    for name in found:
        if name not in known:
            raise ProblemError(
                "invalid", f"{name[:40]}: there is no such option", f"There are {', '.join(known)}"
            )
    return found


@dataclasses.dataclass
class _Ends:
    """A program's streams: our ends."""

    channel: asyncio.StreamReader
    control: socket.socket
    stdin: asyncio.StreamWriter
    outputs: dict[int, asyncio.StreamReader]


@contextlib.asynccontextmanager
async def started(
    path: str, asker: Mapping[str, Any], request: Mapping[str, Any]
) -> AsyncIterator["Program"]:
    """A program that runs; it ends with the context, and with it all that it has started.

    Args:
        path: the engine's socket for tokens.
        asker: who asks.
        request: the request to the engine.

    Raises:
        ProblemError: it is refused, or there is no engine.
    """
    line = json.dumps({"version": WIRE_VERSION, "asker": asker, **request}).encode() + b"\n"
    async with contextlib.AsyncExitStack() as kept:
        try:
            channel, text, descriptors = await asyncio.to_thread(_asked, path, line)
        except OSError:
            raise ended() from None
        kept.callback(channel.close)
        left = _Left(descriptors)
        kept.callback(left.close)
        first, _, rest = text.partition(b"\n")
        if not text:
            raise ended()
        message = json.loads(first)
        if "ok" in message:
            check(message)
        yield Program(
            await _opened(
                kept, channel, rest, dict(zip(message["descriptors"], descriptors, strict=True)), left
            )
        )


@dataclasses.dataclass
class _Left:
    """Descriptors that nothing else closes yet."""

    numbers: list[int]

    def take(self, number: int) -> int:
        """From now on something else closes it."""
        self.numbers = [one for one in self.numbers if one != number]
        return number

    def close(self) -> None:
        """Close what is left."""
        for one in self.numbers:
            os.close(one)


def _asked(path: str, line: bytes) -> tuple[socket.socket, bytes, list[int]]:
    """The connection, the first line of the answer, and the descriptors that came beside it."""
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.settimeout(_SILENCE)
        channel.connect(path)
        channel.sendall(line)
        text, descriptors, _flags, _address = socket.recv_fds(channel, _BLOCK, _DESCRIPTORS)
        while text and b"\n" not in text and (more := channel.recv(_BLOCK)):
            text += more
    except BaseException:
        channel.close()
        raise
    return channel, text, descriptors


async def _opened(
    kept: contextlib.AsyncExitStack, channel: socket.socket, rest: bytes, numbers: dict[str, int], left: _Left
) -> _Ends:
    """Our ends, each closed with ``kept``."""
    reader, writer = await asyncio.open_unix_connection(sock=channel)
    reader.feed_data(rest)
    kept.callback(writer.close)
    control = kept.enter_context(socket.socket(fileno=left.take(numbers["control"])))
    control.setblocking(False)
    if "terminal" in numbers:
        terminal = socket.socket(fileno=left.take(numbers["terminal"]))
        said, typed = await asyncio.open_unix_connection(sock=terminal)
        kept.callback(typed.close)
        return _Ends(reader, control, typed, {STDOUT: said})
    outputs = {}
    for number, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
        outputs[number] = await _pipe_out(kept, left.take(numbers[name]))
    return _Ends(reader, control, await _pipe_in(kept, left.take(numbers["stdin"])), outputs)


async def _pipe_out(kept: contextlib.AsyncExitStack, number: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(_BLOCK)
    loop = asyncio.get_running_loop()
    pipe = open(number, "rb", buffering=0)  # noqa: ASYNC230, SIM115 - the transport closes it
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    kept.callback(transport.close)
    return reader


async def _pipe_in(kept: contextlib.AsyncExitStack, number: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    pipe = open(number, "wb", buffering=0)  # noqa: ASYNC230, SIM115 - the transport closes it
    unread = asyncio.StreamReader()
    transport, protocol = await loop.connect_write_pipe(lambda: asyncio.StreamReaderProtocol(unread), pipe)
    kept.callback(transport.abort)
    return asyncio.StreamWriter(transport, protocol, None, loop)


class Program:
    """A program in a container, and the streams to it."""

    def __init__(self, ends: _Ends) -> None:
        self._ends = ends

    async def serve(self, client: Channel) -> dict[str, Any] | None:
        """Copy until the program ends: its status. None where the client left first.

        Raises:
            ProblemError: the engine ended, or the token was revoked, or a message is none.
        """
        hears, says = asyncio.create_task(self._hear(client)), asyncio.create_task(self._say(client))
        try:
            await asyncio.wait({hears, says}, return_when=asyncio.FIRST_COMPLETED)
            if hears.done():
                hears.result()
                return None
            return says.result()
        finally:
            for task in (hears, says):
                task.cancel()
            await asyncio.gather(hears, says, return_exceptions=True)

    async def _say(self, client: Channel) -> dict[str, Any]:
        """Send what the program says, then how it ended."""
        await asyncio.gather(*(self._copy(*one, client) for one in self._ends.outputs.items()))
        line = await self._ends.channel.readline()
        if not line:
            raise ended()
        message = json.loads(line)
        check(message)
        return dict(message["result"])

    @staticmethod
    async def _copy(number: int, output: asyncio.StreamReader, client: Channel) -> None:
        with contextlib.suppress(ConnectionError):  # a terminal that has ended
            while block := await output.read(_BLOCK):
                await client.send(bytes([number]) + block)

    async def _hear(self, client: Channel) -> None:
        """Do what the client says, until it leaves."""
        while (message := await client.receive()) is not None:
            if isinstance(message, str):
                self._obey(strict_json.read(message.encode()))
            elif message[:1] != bytes([STDIN]):
                raise ProblemError(
                    "invalid", "a message with data does not begin with 0", "Send 0, then the data"
                )
            else:
                await self._type(message[1:], client)

    async def _type(self, data: bytes, client: Channel) -> None:
        """Write to the program. While it reads nothing, the client is told so: whether it is still there shows in that."""
        with contextlib.suppress(ConnectionError, RuntimeError):  # the program reads no more
            self._ends.stdin.write(data)
            while True:
                try:
                    return await asyncio.wait_for(self._ends.stdin.drain(), _BEAT)
                except TimeoutError:
                    await client.send('{"stdin": "waits"}')

    def _obey(self, order: Mapping[str, Any]) -> None:
        if order == {"stdin": "end"}:
            with contextlib.suppress(OSError):
                self._ends.stdin.write_eof()
        elif set(order) in _ORDERS and "stdin" not in order:
            with contextlib.suppress(OSError):  # the program has ended, or takes no orders so fast
                self._ends.control.send(json.dumps(order).encode())
        else:
            raise ProblemError(
                "invalid",
                "this message is no order",
                'Send {"signal": "INT"}, {"rows": 24, "columns": 80} or {"stdin": "end"}',
            )
