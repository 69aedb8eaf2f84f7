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
from collections.abc import Callable, Mapping
from typing import Any

from skerry.engine import executor
from skerry.model.errors import Code, SkerryError
from skerry.parts.base import Progress
from skerry.protocol.core import WIRE_VERSION, PlanOnly, Request, Table

_MAX_LINE = 1 << 20  # bytes of one request
_LISTEN_FD = 3  # sd_listen_fds(3)
_UCRED = struct.Struct("3i")  # unix(7), SO_PEERCRED
_log = logging.getLogger(__name__)

Handle = Callable[[Request | PlanOnly, Progress], Mapping[str, Any]]


class _Connection(socketserver.StreamRequestHandler):
    """One client. It sends requests one after another; each gets its lines of progress and one last line."""

    server: "Server"

    def handle(self) -> None:
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
            return {"ok": True, "result": self.server.answer(self._parse(line), self._send)}
        except SkerryError as error:
            _log.info("refused or failed: %s", error)
            return {"ok": False, "error": _error(error)}
        except sqlite3.Error as error:
            _log.exception("the state store failed")
            return {"ok": False, "error": _error(executor.store_error(error))}
        except Exception as error:  # noqa: BLE001 - the client gets an answer, the log the traceback
            _log.exception("a request failed in a way nobody foresaw")
            unforeseen = SkerryError(
                Code.FAILED, f"the engine failed: {error!r}", "See journalctl -u skerry-engine"
            )
            return {"ok": False, "error": _error(unforeseen)}

    def _check_peer(self) -> None:
        _pid, uid, _gid = _UCRED.unpack(
            self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        )
        if uid != 0:
            raise SkerryError(
                Code.FORBIDDEN, f"uid {uid} may not speak to the engine", "Become root on this host"
            )

    def _parse(self, line: bytes) -> Request | PlanOnly:
        if len(line) > _MAX_LINE:
            raise SkerryError(
                Code.INVALID,
                f"the request is longer than {_MAX_LINE} bytes",
                "Give fewer or shorter values",
            )
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SkerryError(
                Code.INVALID, f"the request is not JSON: {error}", "Send one object a line"
            ) from error
        if not isinstance(raw, dict):
            raise SkerryError(Code.INVALID, "the request is not an object", "Send one object a line")
        return self.server.table.parse(raw)

    def _send(self, message: dict[str, Any]) -> None:
        """Send a line. A client that has gone away does not stop what it asked for."""
        try:
            self.wfile.write(json.dumps({"version": WIRE_VERSION, **message}).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            _log.info("the client left before its answer")


def refuse_waiting(error: SkerryError) -> None:
    """Tell those who wait at systemd's socket why no engine comes, or they would wait for the next, and the next."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return
    answer = json.dumps({"version": WIRE_VERSION, "ok": False, "error": _error(error)}).encode() + b"\n"
    with socket.socket(fileno=_LISTEN_FD) as waiting:
        while select.select([waiting], [], [], 0)[0]:
            client, _ = waiting.accept()
            with client, contextlib.suppress(OSError):
                client.sendall(answer)


def _error(error: SkerryError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint, "journal": error.journal}


class Server(socketserver.ThreadingUnixStreamServer):
    """Listens on the socket that systemd hands over, or on ``path``; takes the verbs of ``table``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, table: Table, handle: Handle) -> None:
        self.table, self._handle = table, handle
        self._busy = 0
        self._idle = threading.Condition()
        activated = os.environ.get("LISTEN_PID") == str(os.getpid())
        super().__init__(path, _Connection, bind_and_activate=not activated)
        if activated:
            self.socket.close()
            self.socket = socket.socket(fileno=_LISTEN_FD)

    def answer(self, request: Request | PlanOnly, progress: Progress) -> Mapping[str, Any]:
        """Answer one typed request."""
        with self._idle:
            self._busy += 1
        try:
            return self._handle(request, progress)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def drain(self, timeout: float) -> bool:
        """Wait until no request is being carried out; False where one still was after ``timeout`` seconds."""
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, timeout)
