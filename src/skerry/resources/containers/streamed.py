"""Programs and logs of a container for clients that may reach nothing on the host: all goes through the engine's socket."""

import contextlib
import json
import os
import secrets
import select
import socket

from skerry import checks
from skerry import logs as journal
from skerry.model.errors import Code, SkerryError
from skerry.programs import PIPES
from skerry.protocol import access as requests
from skerry.resources.containers import access, health_command
from skerry.resources.kind import Client, Context
from skerry.text import printable

_GONE = select.POLLHUP | select.POLLRDHUP
_LONGEST_ANSWER = 4096
_KILLED = 128 + 9  # nobody waits for it


def logs(context: Context, request: requests.LogsStream, client: Client) -> requests.Sent:
    """Send the lines of a container, and go on where that is asked for, until nobody is there.

    Raises:
        SkerryError: there is no such container, or a time is none.
    """
    where, count = access.logs(context, request), 0
    with contextlib.closing(journal.lines(where, _as_written, client.fileno())) as found:
        try:
            for line in found:
                if not client.send({"event": "line", **line}):
                    break
                count += 1
        except journal.LogsError as error:
            raise SkerryError(
                Code.INVALID,
                f"since, until: {printable(str(error))}",
                "Give a time such as 10m, today, or 2026-11-29 08:00",
            ) from error
    return {"lines": count}


def _as_written(text: str | bytes) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def execute(context: Context, request: requests.ExecStream, client: Client) -> requests.Ended:
    """Start a program, hand its streams to the client, and wait for its end, or for that of the client.

    Raises:
        SkerryError: no program can be started in the container now, or it was not.
    """
    ticket, group = access.program(context, request)
    size = request.terminal
    order = json.dumps(
        {
            "ticket": ticket,
            "group": f"{group}/exec-{secrets.token_hex(6)}",
            "terminal": size and [size.rows, size.columns],
        }
    ).encode()
    if len(order) > checks.LONGEST:
        raise SkerryError(
            Code.INVALID,
            f"command, env: together they take {len(order)} bytes as JSON, and {checks.LONGEST} is the most",
            "Give fewer or shorter values",
        )
    try:
        with contextlib.ExitStack() as kept:
            answer = _handed_over(kept, order, ["terminal"] if size else list(PIPES), client)
            text = _answer(answer, client)
    except OSError as error:
        raise _failed(str(error)) from error
    return _ended(text)


def _handed_over(
    kept: contextlib.ExitStack, order: bytes, streams: list[str], client: Client
) -> socket.socket:
    """Send an order, and the client its ends of the streams; where the answer comes. Ours are closed afterwards."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept.enter_context(ours)
    with theirs, contextlib.ExitStack() as handed:
        ends = [_ends(name, handed) for name in ("control", *streams)]
        health_command.HELPER.send(order, [theirs.fileno(), *(program for program, _ in ends)])
        client.send({"event": "started", "descriptors": ["control", *streams]}, [mine for _, mine in ends])
    return ours


def _ends(name: str, handed: contextlib.ExitStack) -> tuple[int, int]:
    """The program's end of a stream, and the client's."""
    if name in {"control", "terminal"}:
        kind = socket.SOCK_SEQPACKET if name == "control" else socket.SOCK_STREAM
        pair = socket.socketpair(socket.AF_UNIX, kind)
        return (handed.enter_context(pair[0]).fileno(), handed.enter_context(pair[1]).fileno())
    read, write = os.pipe()
    for one in (read, write):
        handed.callback(os.close, one)
    return (read, write) if name == "stdin" else (write, read)


def _answer(answer: socket.socket, client: Client) -> bytes:
    """What the program's end was; empty where the client went first. Closing the socket then ends the program."""
    poll = select.poll()
    poll.register(answer, select.POLLIN)
    poll.register(client.fileno(), select.POLLRDHUP)
    ready = dict(poll.poll())
    return answer.recv(_LONGEST_ANSWER) if answer.fileno() in ready else b'{"ended": "unasked"}'


def _ended(text: bytes) -> requests.Ended:
    answer = json.loads(text) if text else {"error": "what runs programs has ended"}
    if "error" in answer:
        raise _failed(printable(answer["error"]))
    return {"status": int(answer.get("status", _KILLED))}


def _failed(why: str) -> SkerryError:
    return SkerryError(
        Code.HOST,
        f"the program could not be run: {why}",
        f"The log says more: journalctl --unit={health_command.UNIT}",
    )
