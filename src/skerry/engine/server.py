"""The engine's socket: who may speak, one thread a connection, one line a request."""

import contextlib
import json
import logging
import os
import select
import socket
import socketserver
import sqlite3
import struct
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from skerry.engine import admission, executor
from skerry.engine.admission import Asker
from skerry.engine.under_way import UnderWay
from skerry.model.errors import Code, SkerryError
from skerry.parts.base import Progress
from skerry.protocol import values
from skerry.protocol.core import WIRE_VERSION, PlanOnly, Request, Table
from skerry.protocol.errors import quoted
from skerry.resources.kind import Client

_MAX_LINE = 1 << 20  # bytes of one request
_MOST_FOR_TOKENS = 500  # connections at a time: root is heard, whatever the API does. It has 400 (skerry_api)
_LISTEN_FD = 3  # sd_listen_fds(3)
FOR_ROOT = "skerry-engine.socket"
FOR_TOKENS = "skerry-tokens.socket"
_UCRED = struct.Struct("3i")  # unix(7), SO_PEERCRED
_log = logging.getLogger(__name__)

Asked = Request | PlanOnly


class Handle(Protocol):
    """Answers a request: tells its progress, or streams to the client."""

    def __call__(
        self, request: Asked, progress: Progress, asker: Asker | None, client: Client | None
    ) -> Mapping[str, Any]:
        """The rest of the answer."""


class _Connection(socketserver.StreamRequestHandler):
    """One client. It sends requests one after another; each gets its lines of progress and one last line."""

    server: "Server"

    def handle(self) -> None:
        with contextlib.suppress(ConnectionResetError):  # the client left with something unread
            while line := self.rfile.readline(_MAX_LINE + 1):
                self._skip_rest(line)
                self._send(self._answer(line))

    def _skip_rest(self, line: bytes) -> None:
        """What follows in a line that is too long is no request of its own."""
        while len(line) > _MAX_LINE and not line.endswith(b"\n"):
            line = self.rfile.readline(_MAX_LINE + 1)

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            self._check_peer()
            raw = self._read(line)
            asker = admission.asker_of(raw) if self.server.for_tokens else None
            asked = self.server.table.parse(raw)
            return {"ok": True, "result": self._carried_out(asked, asker)}
        except SkerryError as error:
            _log.info("refused or failed: %s", error)
            return {"ok": False, "error": _error(error)}
        except sqlite3.Error as error:
            _log.exception("the state store failed")
            return {"ok": False, "error": _error(executor.store_error(error))}
        except Exception as error:  # noqa: BLE001 - the client gets an answer, the log the traceback
            _log.exception("a request failed in a way nobody foresaw")
            what = "" if self.server.for_tokens else f": {error!r}"
            unforeseen = SkerryError(
                Code.FAILED, f"the engine failed{what}", "See journalctl -u skerry-engine"
            )
            return {"ok": False, "error": _error(unforeseen)}

    def _carried_out(self, asked: Asked, asker: Asker | None) -> Mapping[str, Any]:
        """What a request leads to. Whose token is none after it has been ended when its answer is sent."""
        with self.server.under_way.entered(self.request, asked, asker):
            result = self.server.answer(asked, self._send, asker, self)
        if not isinstance(asked, PlanOnly) and asked.changes:
            self.server.under_way.end_revoked()
        return result

    def _check_peer(self) -> None:
        _pid, uid, _gid = _UCRED.unpack(
            self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        )
        if uid != self.server.uid:
            right = "Ask by the API" if self.server.for_tokens else "Become root on this host"
            raise SkerryError(Code.FORBIDDEN, f"uid {uid} may not speak to the engine", right)

    def _read(self, line: bytes) -> dict[str, Any]:
        if len(line) > _MAX_LINE:
            raise SkerryError(
                Code.INVALID,
                f"the request is longer than {_MAX_LINE} bytes",
                "Give fewer or shorter values",
            )
        try:
            raw = json.loads(line, object_pairs_hook=_each_once)
        except (ValueError, RecursionError) as error:
            raise SkerryError(
                Code.INVALID, f"the request is not JSON: {error}", "Send one object a line"
            ) from error
        if not isinstance(raw, dict):
            raise SkerryError(Code.INVALID, "the request is not an object", "Send one object a line")
        if (number := values.measure(raw)[1]) > values.MOST:
            raise SkerryError(
                Code.INVALID, f"the request has {number} values", f"Give at most {values.MOST}: fewer entries"
            )
        return raw

    def _send(self, message: dict[str, Any]) -> None:
        """Send a line. A client that has gone away does not stop what it asked for."""
        if not self.send(message):
            _log.info("the client left before its answer")

    def send(self, event: Mapping[str, Any], descriptors: Sequence[int] = ()) -> bool:
        """Send a line, with descriptors beside it; False where nobody is there any more."""
        line = json.dumps({"version": WIRE_VERSION, **event}).encode() + b"\n"
        try:
            sent = socket.send_fds(self.request, [line], descriptors) if descriptors else 0
            self.request.sendall(line[sent:])
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def fileno(self) -> int:
        """The connection."""
        return int(self.request.fileno())


def refuse_waiting(error: SkerryError) -> None:
    """Tell those who wait at systemd's socket why no engine comes, or they would wait for the next, and the next."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return
    answer = json.dumps({"version": WIRE_VERSION, "ok": False, "error": _error(error)}).encode() + b"\n"
    for number in filter(None, map(handed_over, (FOR_ROOT, FOR_TOKENS))):
        with socket.socket(fileno=number) as waiting:
            while select.select([waiting], [], [], 0)[0]:
                client, _ = waiting.accept()
                with client, contextlib.suppress(OSError):
                    client.sendall(answer)


def handed_over(name: str) -> int | None:
    """The descriptor of the socket that systemd hands over from the unit of that name; None where it does not."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    names = os.environ.get("LISTEN_FDNAMES", FOR_ROOT).split(":")
    return _LISTEN_FD + names.index(name) if name in names else None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, whose fields are there once: of two, nobody could say which one was read."""
    if (name := values.twice(pairs)) is not None:
        raise SkerryError(Code.INVALID, f"{quoted(name)} is there twice in an object", "Give each field once")
    return dict(pairs)


def _error(error: SkerryError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint, "journal": error.journal}


class Server(socketserver.ThreadingUnixStreamServer):
    """Listens on the socket that systemd hands over, or on ``path``; takes the verbs of ``table``.

    Args:
        path: the socket.
        table: the verbs.
        handle: answers a request.
        under_way: of all servers of the engine, what tokens are being answered.
        for_tokens: the uid that may speak to it for tokens; None for root's own server, which knows none.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        path: str,
        table: Table,
        handle: Handle,
        under_way: UnderWay,
        *,
        for_tokens: int | None = None,
    ) -> None:
        self.table, self._handle, self.under_way = table, handle, under_way
        self.for_tokens, self.uid = for_tokens is not None, for_tokens or 0
        self._room = threading.Semaphore(_MOST_FOR_TOKENS)
        self._busy = 0
        self._idle = threading.Condition()
        number = handed_over(FOR_TOKENS if self.for_tokens else FOR_ROOT)
        super().__init__(path, _Connection, bind_and_activate=number is None)
        if number is not None:
            self.socket.close()
            self.socket = socket.socket(fileno=number)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - socketserver calls it so
        """Whether a connection is taken; else it is closed."""
        return not self.for_tokens or self._room.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until it ends, which makes room for another one."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def answer(
        self, request: Asked, progress: Progress, asker: Asker | None, client: Client
    ) -> Mapping[str, Any]:
        """Answer one typed request."""
        with self._idle:
            self._busy += 1
        try:
            return self._handle(request, progress, asker, client)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def drain(self, timeout: float) -> bool:
        """Wait until no request is being carried out; False where one still was after ``timeout`` seconds."""
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, timeout)
