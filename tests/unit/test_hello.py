"""The sample app, by a socket pair instead of a network."""

import importlib.util
import socket
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "images" / "hello"


@pytest.fixture(scope="module")
def hello() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hello_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def client(hello: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    monkeypatch.setenv("SKERRY_ID", "a" * 24)
    monkeypatch.setenv("SKERRY_NAME", "<blog>")
    here, there = socket.socketpair()
    here.settimeout(5)
    thread = threading.Thread(target=hello.Connection(there).serve)
    thread.start()
    with here:
        yield here
    thread.join(5)
    assert not thread.is_alive()


def ask(client: socket.socket, request: bytes) -> tuple[str, bytes]:
    client.sendall(request)
    with client.makefile("rb") as stream:
        head = b"".join(iter(stream.readline, b"\r\n")).decode()
        sizes = [line.split()[1] for line in head.splitlines() if line.startswith("content-length")]
        bodiless = request.startswith(b"HEAD") or not sizes
        return head, b"" if bodiless else stream.read(int(sizes[0]))


def test_the_page_says_which_container_answered(client: socket.socket) -> None:
    head, body = ask(client, b"GET /?x HTTP/1.1\r\nhost: x\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert b'<code id="id">' + b"a" * 24 + b"</code>" in body
    assert b"<h1>&lt;blog&gt;</h1>" in body
    assert b"{{" not in body
    assert b"http" not in body.replace(b"http://www.w3.org/2000/svg", b"").replace(b"/^http/", b"")


def test_a_connection_is_kept_for_further_requests(client: socket.socket) -> None:
    assert ask(client, b"POST /healthz HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello")[1] == b"ok\n"
    assert ask(client, b"HEAD / HTTP/1.1\r\n\r\n")[0].startswith("HTTP/1.1 200 OK")
    assert ask(client, b"GET /nothing HTTP/1.1\r\n\r\n")[0].startswith("HTTP/1.1 404 Not Found")
    assert ask(client, b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n")[1] == b"ok\n"
    assert client.recv(1) == b""


@pytest.mark.parametrize(
    "request_bytes",
    [b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"a" * 20_000],
)
def test_what_is_not_http_ends_the_connection(client: socket.socket, request_bytes: bytes) -> None:
    client.sendall(request_bytes)
    client.shutdown(socket.SHUT_WR)
    answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer


def frame(opcode: int, payload: bytes, mask: bytes = b"\x01\x02\x03\x04") -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def test_the_websocket_echoes_and_says_goodbye(client: socket.socket) -> None:
    head, _ = ask(
        client,
        b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    assert head.startswith("HTTP/1.1 101 Switching Protocols")
    assert "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # RFC 6455, section 1.3
    for payload in (b"", b"hello", b"x" * 125, b"x" * 126, b"x" * 60_000):
        client.sendall(frame(1, payload))
        with client.makefile("rb") as stream:
            start = stream.read(2)
            size = int.from_bytes(stream.read(2), "big") if start[1] == 126 else start[1]
            assert (start[0], stream.read(size)) == (0x81, payload)
    client.sendall(frame(9, b"ping"))
    assert client.recv(100) == b"\x8a\x04ping"
    client.sendall(frame(8, b"\x03\xe8bye"))
    assert client.recv(100) == b"\x88\x02\x03\xe8"
    assert client.recv(100) == b""


def test_an_unmasked_frame_ends_the_websocket(client: socket.socket) -> None:
    ask(client, b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
    client.sendall(b"\x81\x05hello")
    assert client.recv(100) == b""


def test_limits_are_told_in_words(hello: ModuleType) -> None:
    assert hello.mebibytes("134217728") == "128 MiB"
    assert hello.mebibytes("max") == hello.mebibytes("")
    assert hello.mebibytes("").endswith(" MiB")
    assert [hello.count(text) for text in ("64", "max", "")] == [
        "64",
        "not limited",
        "not visible from inside",
    ]
    assert hello.cpus("50000 100000") == "0.50 CPUs"
    assert hello.cpus("max 100000").endswith(" CPUs")


def test_what_image_toml_names_is_there() -> None:
    image = tomllib.loads((FOLDER / "image.toml").read_text())
    assert all((FOLDER / name).is_file() for name in image["files"])
    assert image["command"][-1] in image["files"].values()


def test_the_app_needs_nothing_that_python3_minimal_lacks(hello: ModuleType) -> None:
    modules = {name for name, value in vars(hello).items() if isinstance(value, ModuleType)}
    assert modules == {"base64", "hashlib", "os", "socket", "sys", "threading", "time"}
    assert modules <= sys.stdlib_module_names
