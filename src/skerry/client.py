"""Reach the engine of this host. Standard library only, so that an Ansible module can carry it.

One line of JSON is a request; the answer is any number of lines of progress and one last line.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any

from .engine_calls import SILENCE, EngineError, Event, OnEvent, own_waits

SOCKET = "/run/skerry/engine.sock"
WIRE_VERSION = 3


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
        for message in self._exchange(request, self._timeout + own_waits(args)):
            if "ok" in message:
                return _result(message)
            if on_event is not None:
                on_event(message)
        raise self._ended()

    def check(self, verb: str) -> None:
        """Every verb is one that the engine of this host can be asked, or says itself why not."""

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
