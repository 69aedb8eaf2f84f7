"""Reach the engine of this host. Standard library only and on its own, so that an Ansible module can carry it.

One line of JSON is a request; the answer is any number of lines of progress and one last line.
"""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

SOCKET = "/run/skerry/engine.sock"
WIRE_VERSION = 3
SILENCE = 300.0  # seconds
_LONGEST_WAIT = 3600.0  # seconds that a request may ask for: Seconds in protocol/core.py

Event = dict[str, Any]
OnEvent = Callable[[Event], None]


class EngineError(Exception):
    """The engine refused, failed, or could not be reached.

    Attributes:
        code: the class of error: invalid, not_found, exists, busy, host, failed, forbidden,
            unauthorized, stale.
        message: what was wrong, and where.
        hint: what would be right, or what to do next.
        journal: the log of the unit that failed, if one did.
    """

    def __init__(self, code: str, message: str, hint: str = "", journal: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.journal = code, message, hint, journal

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class EngineClient:
    """Speaks to the engine behind one socket; a connection for each call.

    Args:
        socket_path: the engine's socket.
        timeout: seconds without a line after which the engine counts as hung. What a request itself asks to wait
            for (``timeout``, ``grace``) comes on top.
    """

    def __init__(self, socket_path: str = SOCKET, timeout: float = SILENCE) -> None:
        self._path, self._timeout = socket_path, timeout

    def call(self, verb: str, on_event: OnEvent | None = None, **args: Any) -> dict[str, Any]:
        """Send one request and return the result.

        Args:
            verb: what to do.
            on_event: gets each line of progress as it comes.
            args: the fields of the request.

        Raises:
            EngineError: it was refused, it failed, or there is no engine to talk to.
        """
        request = {"version": WIRE_VERSION, "verb": verb, **args}
        for message in self._exchange(request, self._timeout + _own_waits(args)):
            if "ok" in message:
                return _result(message)
            if on_event is not None:
                on_event(message)
        raise self._ended()

    def _exchange(self, request: dict[str, Any], patience: float) -> Iterator[Event]:
        """Send a request; every message that comes back."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
                channel.settimeout(patience)
                channel.connect(self._path)
                channel.sendall(json.dumps(request).encode() + b"\n")
                yield from _messages(channel)
        except OSError as error:
            raise self._unreachable(error, patience) from error

    def _unreachable(self, error: OSError, patience: float) -> EngineError:
        match error:
            case FileNotFoundError():
                return EngineError(
                    "host",
                    f"there is no engine on this host: {self._path} is missing",
                    "Set the host up with playbooks/host.yml (role lxc_host); if it is, "
                    "'systemctl status skerry-engine.socket' says what is wrong",
                )
            case ConnectionRefusedError():
                return EngineError(
                    "host",
                    f"the engine of this host does not run: nobody listens on {self._path}",
                    "'systemctl status skerry-engine.socket skerry-engine.service' says why; "
                    "'systemctl restart skerry-engine.socket' starts it",
                )
            case PermissionError():
                return EngineError(
                    "forbidden", f"this user may not open {self._path}", "Become root on this host"
                )
            case TimeoutError():
                return EngineError(
                    "busy",
                    f"the engine said nothing for {patience:g} s; it may still be at it",
                    "'skerry operations' and 'journalctl -u skerry-engine' on the host show what it does",
                )
        return self._ended(str(error))

    @staticmethod
    def _ended(why: str = "the connection closed") -> EngineError:
        return EngineError(
            "failed",
            f"the engine ended before it answered ({why})",
            "It settles what it had begun when it starts again; ask again then. "
            "'journalctl -u skerry-engine' on the host says why it ended",
        )


def _own_waits(args: dict[str, Any]) -> float:
    """Seconds that a request itself allows the engine to wait."""
    fields: dict[str, Any] = args | dict(args.get("of", {}))
    waits = 0.0
    for name in ("timeout", "grace", "grace_now"):
        with contextlib.suppress(TypeError, ValueError):  # the engine says what is wrong with it
            given = float(fields.get(name, 0))
            waits += given if 0 <= given <= _LONGEST_WAIT else 0
    return waits


def _messages(channel: socket.socket) -> Iterator[Event]:
    with channel.makefile("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):  # cut off in the middle
                return
            try:
                message = json.loads(line)
            except ValueError as error:
                raise _foreign(line) from error
            if not isinstance(message, dict):
                raise _foreign(line)
            yield message


def _foreign(line: bytes) -> EngineError:
    shown = line[:80].decode(errors="replace").strip()
    return EngineError(
        "failed", f"what answered is not Skerry's engine: it said {shown!r}", "Check the socket's path"
    )


def _result(message: Event) -> dict[str, Any]:
    if message["ok"]:
        return dict(message["result"])
    error = message["error"]
    raise EngineError(error["code"], error["message"], error.get("hint", ""), error.get("journal", ""))
