"""The other end of the socket: answers what a test tells it to, and remembers what it was asked."""

import json
import socket
import threading
from pathlib import Path
from typing import Any

Line = dict[str, Any] | bytes


class Engine:
    """Listens on a real socket. Each connection gets the next of ``answers``: its lines, then the end."""

    def __init__(self, path: Path, *answers: list[Line], silent: bool = False) -> None:
        self.path, self.asked = str(path), list[dict[str, Any]]()
        self._answers, self._silent = list(answers), silent
        self._end = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for lines in self._answers:
            connection, _ = self._socket.accept()
            with connection, connection.makefile("rwb") as stream:
                if request := stream.readline():
                    self.asked.append(json.loads(request))
                for line in lines:
                    stream.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
                stream.flush()
                if self._silent:
                    self._end.wait(10)

    def close(self) -> None:
        """Hang up."""
        self._end.set()
        self._thread.join(10)
        self._socket.close()


def done(**result: Any) -> Line:
    """The last line of a request that went well."""
    return {"version": 3, "ok": True, "result": result}


def refused(code: str = "invalid", message: str = "no", hint: str = "", journal: str = "") -> Line:
    """The last line of one that did not."""
    return {"version": 3, "ok": False,
            "error": {"code": code, "message": message, "hint": hint, "journal": journal}}  # fmt: skip
