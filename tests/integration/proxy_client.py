"""The controller's side of the proxy's tests: the agent on the host, and clients that can misbehave."""

import base64
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h2.config
import h2.connection
import h2.events

ROOT = Path(__file__).parents[2]
AGENT = Path(__file__).parent / "on_host" / "proxy_agent.py"
DOMAIN = "skerry.localhost"
IPS = ("10.90.250.1", "10.90.250.2")
Pairs = Sequence[tuple[str, str]]
HELLO = b"\x81\x85\x00\x00\x00\x00hello"  # a text frame; its mask is four zeros
ECHO = b"\x81\x05hello"


def route(letter: str, ip: str = IPS[0], *, realm: str = "default", port: int = 1071) -> dict[str, Any]:
    """A route whose ids consist of one hex digit."""
    project, instance = "a" * 24, letter * 24
    host = f"{project}-{instance}.{DOMAIN}"
    return {"host": host, "ip": ip, "port": port, "realm": realm, "project": project, "instance": instance}


class RefusedError(Exception):
    """What the host's side said when it refused."""


class Agent:
    """proxy_agent.py on the host, by ssh; each call is one line of JSON."""

    def __init__(self, lab: str) -> None:
        self.lab = lab
        with AGENT.open("rb") as program:
            subprocess.run(self._ssh("cat > /run/proxy_agent.py"), stdin=program, check=True)
        self.process = subprocess.Popen(
            self._ssh("python3 -I /run/proxy_agent.py"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ssh(self, command: str) -> list[str]:
        return [sys.executable, "-m", "skerry_lab", "ssh", self.lab, command]

    def __call__(self, operation: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": operation, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RefusedError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """End it; it takes away what it made."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.process.stdout:
            self.process.stdin.close()
        assert self.process.wait(60) == 0


@dataclass(frozen=True)
class Answer:
    """One HTTP response, byte for byte."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        """The number in the first line."""
        return int(self.head.split()[1])

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(frozen=True)
class Door:
    """The proxy's public port, as this computer reaches it."""

    port: int
    ca: str

    def connect(self, sni: str | None, alpn: str = "http/1.1") -> ssl.SSLSocket:
        """A TLS connection; the certificate is checked against the host's authority where a name is asked for."""
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols([alpn])
        if sni is None or not sni.endswith(f".{DOMAIN}"):
            context.check_hostname = False
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return context.wrap_socket(plain, server_hostname=sni)

    def ask(self, request: bytes, sni: str | None = f"test.{DOMAIN}") -> Answer:
        """Send bytes and read one response, on a connection of its own."""
        with self.connect(sni) as connection:
            connection.sendall(request)
            return read_answer(connection)

    def get(self, host: str, path: str = "/", headers: Pairs = ()) -> Answer:
        """An ordinary request, each header in its own line."""
        lines = [f"GET {path} HTTP/1.1", f"host: {host}", *(f"{name}: {value}" for name, value in headers)]
        return self.ask("\r\n".join([*lines, "", ""]).encode("latin-1"), host)


def websocket_request(host: str) -> bytes:
    """The request that begins a WebSocket to the sample image."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /ws HTTP/1.1",
        f"host: {host}",
        "connection: keep-alive, Upgrade",
        "upgrade: WebSocket",
        "sec-websocket-version: 13",
        f"sec-websocket-key: {key}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def read_answer(connection: socket.socket) -> Answer:
    """One response with a content-length, or without a body."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65_536)
        if not block:
            raise ConnectionResetError(f"closed after {data!r}")
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    sizes = [
        int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-length")
    ]
    while len(body) < (sizes[0] if sizes else 0):
        block = connection.recv(65_536)
        if not block:
            raise ConnectionResetError("closed in the middle of a body")
        body += block
    return Answer(head, body)


@dataclass
class Stream:
    """What came back on one stream of HTTP/2."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    reset: bool = False
    why: str = ""
    """What reset it."""

    @property
    def status(self) -> int:
        """0 where the stream was reset before it had one."""
        return int(dict(self.headers).get(":status", "0"))


class Http2:
    """One HTTP/2 connection that sends what it is told to, allowed or not."""

    def __init__(self, door: Door, sni: str) -> None:
        self.socket = door.connect(sni, "h2")
        assert self.socket.selected_alpn_protocol() == "h2"
        config = h2.config.H2Configuration(
            header_encoding="latin-1", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.engine = h2.connection.H2Connection(config)
        self.streams: dict[int, Stream] = {}
        self.engine.initiate_connection()
        self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def _flush(self) -> None:
        self.socket.sendall(self.engine.data_to_send())

    def open(self, headers: Pairs, *, end: bool = True) -> int:
        """Begin a request; returns its stream."""
        number = self.engine.get_next_available_stream_id()
        self.streams[number] = Stream()
        self.engine.send_headers(number, headers, end_stream=end)
        self._flush()
        return number

    def send(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Send data on a stream that is still open."""
        self.engine.send_data(number, data, end_stream=end)
        self._flush()

    def wait(self, number: int, until: Callable[[Stream], bool] = lambda _: False) -> Stream:
        """Read until a stream has ended or, where given, satisfies ``until``."""
        stream = self.streams[number]
        while not (stream.ended or until(stream)):
            block = self.socket.recv(65_536)
            if not block:
                stream.ended = stream.reset = True
                stream.why = "end of file"
                break
            for event in self.engine.receive_data(block):
                self._note(event)
            self._flush()
        return stream

    def _note(self, event: h2.events.Event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None) or 0, Stream())
        if isinstance(event, h2.events.ResponseReceived):
            stream.headers = [(str(name), str(value)) for name, value in event.headers or []]
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data or b""
            self.engine.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.ended = stream.reset = True
            stream.why = f"RST_STREAM, error {event.error_code}"
        elif isinstance(event, h2.events.ConnectionTerminated):
            for each in self.streams.values():
                each.ended = each.reset = True
                each.why = f"GOAWAY, error {event.error_code}"

    def get(self, authority: str | None, path: str = "/", headers: Pairs = ()) -> Stream:
        """A whole GET."""
        names = [(":authority", authority)] if authority is not None else []
        pseudo = [(":method", "GET"), (":scheme", "https"), *names, (":path", path)]
        return self.wait(self.open([*pseudo, *headers]))


def lab_door(lab: str) -> Door:
    """Where a lab's proxy is, and its authority's certificate."""
    command = [sys.executable, str(ROOT / "inventories/lab/labs.py"), "--list"]
    found = subprocess.run(
        command, env={**os.environ, "SKERRY_LAB": lab}, check=True, capture_output=True, text=True
    )
    facts = json.loads(found.stdout)["_meta"]["hostvars"][lab]
    return Door(facts["skerry_https_port_public"], facts["proxy_ca_fetch_to"])
