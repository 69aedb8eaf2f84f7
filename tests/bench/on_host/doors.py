"""Milliseconds of the same questions by the API, through the proxy, and by the engine's own socket, turn by turn.

The last line is JSON: ``milliseconds`` by what was asked, and ``per_second`` of many clients at once.
"""

import concurrent.futures
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from skerry.client import SOCKET, WIRE_VERSION

API = "api.skerry.localhost"
AUTHORITY = "/etc/skerry/pki/ca.crt"
NAME = "bench-door"
SPEC = {"image": "hello"}
RUNNING = {"wait": "running"}
CLIENTS, SECONDS = 16, 3.0  # a token asks 200 times in a row, and 50 times a second from then on


class ByEngine:
    """One connection to the engine, kept."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(SOCKET)
        self._lines = self._socket.makefile("rb")

    def ask(self, verb: str, **fields: Any) -> Any:
        """The result of a verb."""
        request = {"version": WIRE_VERSION, "verb": verb, "container": {"name": NAME}, **fields}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while "ok" not in (message := json.loads(self._lines.readline())):
            pass
        assert message["ok"], message
        return message["result"]


class ByApi:
    """One connection to the API by HTTP/1.1 and TLS, kept.

    Args:
        token: who asks.
    """

    def __init__(self, token: str) -> None:
        context = ssl.create_default_context(cafile=AUTHORITY)
        self._socket = context.wrap_socket(socket.create_connection(("127.0.0.1", 443)), server_hostname=API)
        self._lines = self._socket.makefile("rb")
        self._head = f"Host: {API}\r\nAuthorization: Bearer {token}\r\nIf-Match: *\r\n"

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """The body of a successful answer."""
        sent = b"" if body is None else json.dumps(body).encode()
        kind = "Content-Type: application/json\r\n" if sent else ""
        place = f"/api/v1/realms/default/projects/default/containers{path}"
        head = f"{method} {place} HTTP/1.1\r\n{self._head}{kind}Content-Length: {len(sent)}\r\n\r\n"
        self._socket.sendall(head.encode() + sent)
        status = int(self._lines.readline().split()[1])
        length = 0
        while line := self._lines.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        found = self._lines.read(length)
        assert status in {200, 201}, (status, found)
        return found


def timed(action: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def reads(api: ByApi, engine: ByEngine, rounds: int) -> Iterator[tuple[str, float]]:
    """One client reads one container."""
    for _ in range(rounds):
        yield "read by the engine's socket", timed(lambda: engine.ask("info"))
        yield "read by the API", timed(lambda: api.ask("GET", f"/{NAME}"))


def lives(api: ByApi, engine: ByEngine, rounds: int) -> Iterator[tuple[str, float]]:
    """One client makes a container and deletes it."""
    for _ in range(rounds):
        yield "create by the engine's socket", timed(lambda: engine.ask("create", spec=SPEC, **RUNNING))
        yield "delete by the engine's socket", timed(lambda: engine.ask("delete"))
        yield "create by the API", timed(lambda: api.ask("POST", "", {"name": NAME, **SPEC, **RUNNING}))
        yield "delete by the API", timed(lambda: api.ask("DELETE", f"/{NAME}"))


def reading(token: str) -> int:
    """How often one of many clients is answered."""
    api, until, count = ByApi(token), time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        api.ask("GET", f"/{NAME}")
        count += 1
    return count


def main(rounds: int, tokens: list[str]) -> None:
    """Measure, and print what was found."""
    api, engine = ByApi(tokens[0]), ByEngine()
    found: dict[str, list[float]] = {}
    for what, milliseconds in lives(api, engine, rounds):
        found.setdefault(what, []).append(milliseconds)
    engine.ask("create", spec=SPEC, **RUNNING)
    for what, milliseconds in reads(api, engine, rounds * 5):
        found.setdefault(what, []).append(milliseconds)
    with concurrent.futures.ProcessPoolExecutor(CLIENTS) as pool:
        counts = list(pool.map(reading, tokens[:CLIENTS]))
    engine.ask("delete")
    print(json.dumps({"milliseconds": found, "per_second": sum(counts) / SECONDS}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
