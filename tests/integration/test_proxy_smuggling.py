"""Requests that a proxy and the program behind it may count differently, as published; here both count alike.

The program takes the one way to write a request and nothing else (on_host/strict_origin.py): what it reads, every program
reads so. From "HTTP Desync Attacks" (2019), "HTTP/2: The Sequel is Always Worse" (2021), "Browser-Powered Desync Attacks"
(2022), "Funky Chunks" (2025) and "HTTP/1.1 must die" (2025), and from the CVEs of proxies and servers.
"""

import contextlib
import itertools
import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import h2.exceptions
import pytest

from tests.integration import kept_ssh
from tests.integration.proxy_client import DOMAIN, IPS, Agent, Door, Http2, lab_door, route

PORT = 1077
ROUTE = route("5", IPS[0], port=PORT)
HOST = ROUTE["host"]
POISON = f"GET /poison HTTP/1.1\r\nhost: {HOST}\r\n\r\n"
SILENCE = 0.3  # seconds
NUMBERS = itertools.count()
Told = dict[str, str]


class Origin:
    """The strict program on the lab's host."""

    def __init__(self, lab: str) -> None:
        program = Path(__file__).parent / "on_host" / "strict_origin.py"
        subprocess.run(
            kept_ssh.command(lab, "cat > /run/strict_origin.py"), input=program.read_bytes(), check=True
        )
        # It ends with its connection: nobody would take away one that is left over.
        command = f"python3 -I /run/strict_origin.py {IPS[0]} {PORT} & cat; kill $!"
        self.process = subprocess.Popen(
            kept_ssh.command(lab, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.told: Queue[Told] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        assert "ready" in self.told.get(timeout=30)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.told.put(json.loads(line))

    def until(self, marker: str) -> list[Told]:
        """What it was sent before the request whose path is ``marker``."""
        found = []
        while True:
            one = self.told.get(timeout=30)
            if one.get("request", "").startswith(f"GET {marker} "):
                return found
            found.append(one)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.stdout
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def agent(lab: str) -> Iterator[Agent]:
    """A route to the strict program."""
    found = Agent(lab)
    try:
        found("make", **ROUTE)
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def door(lab: str, agent: Agent) -> Door:
    """The public port."""
    return lab_door(lab)


@pytest.fixture(scope="module")
def origin(lab: str, agent: Agent) -> Iterator[Origin]:
    """The strict program."""
    found = Origin(lab)
    yield found
    found.close()


def arrived(door: Door, origin: Origin) -> list[Told]:
    """What the program has been sent since it was asked the last time."""
    marker = f"/marker-{next(NUMBERS)}"
    assert door.get(HOST, marker).status == 200
    return origin.until(marker)


def exchange(door: Door, origin: Origin, data: bytes) -> tuple[list[int], list[Told]]:
    """The status of each answer to these bytes, and what the program was sent of them."""
    with door.connect(HOST) as connection:
        connection.sendall(data)
        said = rest(connection)
        there = arrived(door, origin)
        said += rest(connection)  # what was late
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", said)], there


def rest(connection: socket.socket) -> bytes:
    """What comes until there is silence: a request that is not whole is waited for, and not answered."""
    connection.settimeout(SILENCE)
    said = b""
    with contextlib.suppress(OSError):
        while block := connection.recv(65_536):
            said += block
    return said


def post(*headers: str, body: str = "", line: str = "POST / HTTP/1.1") -> bytes:
    """A request, its headers as they are given, and what follows them."""
    return "\r\n".join([line, f"host: {HOST}", *headers, "", body]).encode("latin-1")


TE = "transfer-encoding: chunked"
LONG = f"content-length: {len(POISON)}"
ENDED = f"0\r\n\r\n{POISON}"
CHUNK = f"{len(POISON):x}\r\n{POISON}\r\n0\r\n\r\n"

# Each: how it is told, and bytes that one reader takes for one request and another one for two.
TWO_WAYS = {
    "CL.TE": post("content-length: 4", TE, body=ENDED),
    "TE.CL": post(TE, "content-length: 4", body=CHUNK),
    "CL.TE in HTTP/1.0": post("content-length: 4", TE, body=ENDED, line="POST / HTTP/1.0"),
    "CL.0": post(LONG, body=POISON),
    "0.CL": post("content-length: 0", LONG, body=POISON),
    "CL.CL, the first is short": post("content-length: 0", LONG, body=POISON),
    "CL.CL, the last is short": post(LONG, "content-length: 0", body=POISON),
    "CL in a list": post(f"content-length: 0, {len(POISON)}", body=POISON),
    "CL in a list of the same": post(f"content-length: {len(POISON)}, {len(POISON)}", body=POISON),
    "CL twice, the same": post(LONG, LONG, body=POISON),
    "CL with a plus": post(f"content-length: +{len(POISON)}", body=POISON),
    "CL with a minus": post(f"content-length: -{len(POISON)}", body=POISON),
    "CL in hexadecimal": post(f"content-length: 0x{len(POISON):x}", body=POISON),
    "CL with a letter": post(f"content-length: {len(POISON)}a", body=POISON),
    "CL with a dot": post(f"content-length: {len(POISON)}.0", body=POISON),
    "CL with an underscore of digits": post("content-length: 1_0", body=POISON),
    "CL with zeros before it": post(f"content-length: 00{len(POISON)}", body=POISON),
    "CL of 2^64": post(f"content-length: {2**64 + 4}", body=POISON),
    "CL of 2^63": post(f"content-length: {2**63}", body=POISON),
    "CL that is empty": post("content-length: ", body=POISON),
    "CL with a space inside": post("content-length: 1 0", body=POISON),
    "CL with a vertical tab": post(f"content-length: \x0b{len(POISON)}", body=POISON),
    "CL with a byte of Latin-1": post(f"content-length: \xa0{len(POISON)}", body=POISON),
    "CL of superscript digits": post("content-length: \xb2", body=POISON),
    "CL with a space before the colon": post(f"content-length : {len(POISON)}", body=POISON),
    "CL with a tab before the colon": post(f"content-length\t: {len(POISON)}", body=POISON),
    "CL after a line feed alone": post(f"x: 1\n{LONG}", body=POISON),
    "CL after a carriage return alone": post(f"x: 1\r{LONG}", body=POISON),
    "CL in a folded line": post(f"x: 1\r\n {LONG}", body=POISON),
    "CL in the first folded line": post(f" {LONG}", body=POISON),
    "CL with an underscore": post(f"content_length: {len(POISON)}", body=POISON),
    "CL with a zero byte": post(f"content-length: {len(POISON)}\0", body=POISON),
    "CL that connection names": post("connection: content-length", LONG, body=POISON),
    "CL of a GET": post(LONG, body=POISON, line="GET / HTTP/1.1"),
    "CL of a HEAD": post(LONG, body=POISON, line="HEAD / HTTP/1.1"),
    "CL of an OPTIONS": post(LONG, body=POISON, line="OPTIONS / HTTP/1.1"),
    "CL of a method that nobody knows": post(LONG, body=POISON, line="FOO / HTTP/1.1"),
    "TE.0": post(TE, body=CHUNK, line="OPTIONS / HTTP/1.1"),
    "TE of a GET": post(TE, body=CHUNK, line="GET / HTTP/1.1"),
    "TE in HTTP/1.0": post(TE, body=CHUNK, line="POST / HTTP/1.0"),
    "TE that connection names": post("connection: transfer-encoding", TE, "content-length: 4", body=CHUNK),
    **{
        f"TE as {value!r}": post(f"transfer-encoding: {value}", "content-length: 4", body=ENDED)
        for value in (
            *("xchunked", "chunkedx", "chunk", "Chunked", "CHUNKED", '"chunked"', "'chunked'", "[chunked]"),
            *("identity", "identity, chunked", "chunked, identity", "chunked, chunked", "gzip, chunked", "chunked, gzip"),
            *("chunked;q=1", "chunked;", "chunked,", ",chunked", ", chunked", "cow, chunked", "chunked cow"),
            *("\tchunked", "chunked\t", "\x0bchunked", "chunked\x0b", "\x0cchunked", "\x00chunked", "chunked\x00"),
            *("\xa0chunked", "\xffchunked", "chunked\x7f", "chun\u017fed".encode().decode("latin-1"), "", "x\r\n chunked"),
            *("\r\n chunked", "\n chunked", "x\nchunked", "x\rchunked", "chunked\r", "\x85chunked"),
        )
    },
    **{
        f"TE named {name!r}": post(f"{name}chunked", "content-length: 4", body=ENDED)
        for name in (
            *("transfer-encoding : ", "transfer-encoding\t: ", "transfer-encoding:", " transfer-encoding: "),
            *("transfer_encoding: ", "transfer-encoding\x0b: ", "transfer-encoding\0: ", "\0transfer-encoding: "),
            *("x: 1\ntransfer-encoding: ", "x: 1\rtransfer-encoding: ", "x: 1\r\n\ttransfer-encoding: "),
            *("transfer-encoding: x\r\ntransfer-encoding: ", "transfer-encoding\r\n: ", "transfer encoding: "),
            *("\xfftransfer-encoding: ", "transfer\xadencoding: ", ":transfer-encoding: ", "transfer-encoding "),
        )
    },
    **{
        f"a chunk of size {size!r}": post(TE, body=f"{size}\r\n{POISON}\r\n0\r\n\r\n")
        for size in (
            *(f"0x{len(POISON):x}", f"+{len(POISON):x}", f"-{len(POISON):x}", f" {len(POISON):x}", f"{len(POISON):x} "),
            *(f"{len(POISON):x}\t", f"{len(POISON):x}\0", f"{len(POISON):x}\x0b", f"1{'0' * 16}{len(POISON):x}", ""),
            *(f"{len(POISON):x};a=b", f"{len(POISON):x};a=\n0", f"{len(POISON):x};a=\r0", f"{len(POISON):x};\n0"),
            *(f"{len(POISON):x}\n", f"{len(POISON):x};a=\"\r\n0\"", f"{'0' * 400}{len(POISON):x}", "g"),
            f"{len(POISON):x}\r",
        )
    },
    "a chunk whose end is a line feed": post(TE, body=f"5\r\nabcde\n0\r\n\r\n{POISON}"),
    "a chunk without its end": post(TE, body=f"5\r\nabcde0\r\n\r\n{POISON}"),
    "a chunk with another end": post(TE, body=f"5\r\nabcdeXX0\r\n\r\n{POISON}"),
    "chunks with line feeds alone": post(TE, body=f"5\nabcde\n0\n\n{POISON}"),
    "a last chunk with a line feed": post(TE, body=f"0\n\n{POISON}"),
    "a last chunk of many zeros": post(TE, body=f"000000\r\n\r\n{POISON}"),
    "a trailer that is a length": post(TE, body=f"0\r\n{LONG}\r\n\r\n{POISON}"),
    "a trailer that is a coding": post(TE, body=f"0\r\n{TE}\r\n\r\n{POISON}"),
    "a trailer that is a host": post(TE, body=f"0\r\nhost: evil.example\r\n\r\n{POISON}"),
    "a trailer with a line feed": post(TE, body=f"0\r\na: b\n\r\n\r\n{POISON}"),
    "a trailer that is a request": post(TE, body=f"0\r\nGET /poison HTTP/1.1\r\n\r\n{POISON}"),
    "an Expect": post("expect: 100-continue", LONG, body=POISON),
    "an Expect of something else": post("expect: 100-continue2", LONG, body=POISON),
    "an Expect with a tab": post("expect:\t100-continue", LONG, body=POISON),
    "an Expect twice": post("expect: x", "expect: 100-continue", LONG, body=POISON),
    "an Expect of a GET": post("expect: y 100-continue", LONG, body=POISON, line="GET / HTTP/1.1"),
    "a WebSocket of another version": post(
        *("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 777", "sec-websocket-key: eA=="),
        body=POISON,
        line="GET / HTTP/1.1",
    ),
    "an upgrade to h2c": post(
        *("connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAARAAAAAAAIAAAAA"),
        body=POISON,
        line="GET / HTTP/1.1",
    ),
    "a first line with two targets": post(LONG, body=POISON, line="POST / / HTTP/1.1"),
    "a first line with tabs": post(LONG, body=POISON, line="POST\t/\tHTTP/1.1"),
    "a first line with a request in it": post(body=POISON, line="GET / HTTP/1.1\nGET /poison HTTP/1.1"),
    "a first line with a carriage return": post(body=POISON, line="GET /\rpoison HTTP/1.1"),
    "a first line without a version": post(body=POISON, line="GET /"),
    "a version 1.2": post(LONG, body=POISON, line="POST / HTTP/1.2"),
    "a version 2.0": post(LONG, body=POISON, line="POST / HTTP/2.0"),
    "a version of one digit": post(LONG, body=POISON, line="POST / HTTP/1"),
    "a version with spaces": post(LONG, body=POISON, line="POST / HTTP /1.1"),
    "a request in a host": f"GET / HTTP/1.1\r\nhost: {HOST}\nx: y\r\n\r\n{POISON}".encode(),
    "empty lines before a request": b"\r\n\r\n" + post(LONG, body=POISON),
    "line feeds alone": post(LONG, body=POISON).replace(b"\r\n", b"\n"),
    "a header without a name": post(": x", LONG, body=POISON),
    "a header without a colon": post("content-length", LONG, body=POISON),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + POISON.encode(),
}  # fmt: skip


@pytest.mark.parametrize("what", TWO_WAYS)
def test_proxy_and_program_count_the_same_requests(door: Door, origin: Origin, what: str) -> None:
    statuses, there = exchange(door, origin, TWO_WAYS[what])
    assert not [one for one in there if "odd" in one], (
        f"it was passed on in a way that can be read twice: {there}"
    )
    assert len(there) == statuses.count(200), (statuses, there)
    assert all(status in {100, 200, 400, 405, 411, 413, 417, 422, 431, 501, 505} for status in statuses)


def test_what_a_client_sends_after_its_request_is_another_request(door: Door, origin: Origin) -> None:
    """Not refused, not lost: the corpus above would hold for a proxy that answers nothing."""
    statuses, there = exchange(door, origin, POISON.encode() * 3)
    assert statuses == [200] * 3
    assert ["/poison" in one["request"] for one in there] == [True] * 3


H2_VALUES = {
    "a length that is short": (("content-length", "0"),),
    "a length that is long": (("content-length", "200"),),
    "two lengths": (("content-length", "0"), ("content-length", str(len(POISON)))),
    "a coding": (("transfer-encoding", "chunked"),),
    "a coding in a value": (("x", f"1\r\n{TE}"),),
    "a coding in a name": (("x: 1\r\ntransfer-encoding", "chunked"),),
    "a name with a colon": (("transfer-encoding: chunked\r\nx", "1"),),
    "a line feed in a value": (("x", f"1\n{TE}"),),
    "a zero byte in a value": (("x", "1\0"),),
    "a request in a value": (("x", f"1\r\n\r\n{POISON}"),),
    "a name with capitals": (("Transfer-Encoding", "chunked"),),
    "a name with a space": (("transfer-encoding ", "chunked"),),
    "a connection": (("connection", "content-length"),),
    "a keep-alive": (("keep-alive", "1"),),
    "an upgrade": (("upgrade", "h2c"),),
    "a TE that is not trailers": (("te", "gzip"),),
    "another host": (("host", f"x.{DOMAIN}"),),
    "an empty name": (("", "x"),),
}
H2_PSEUDO = {
    "a path with a request in it": {":path": f"/ HTTP/1.1\r\nhost: x\r\n\r\n{POISON}"},
    "a path with a space": {":path": "/ HTTP/1.1"},
    "a path without a slash": {":path": "poison"},
    "an empty path": {":path": ""},
    "a method with a request in it": {":method": f"GET /poison HTTP/1.1\r\nhost: {HOST}\r\n\r\nPOST"},
    "a method with a space": {":method": "GET /poison"},
    "a scheme with a request in it": {":scheme": f"https://x/ HTTP/1.1\r\n\r\n{POISON}"},
    "an authority with a line feed": {":authority": f"{HOST}\nx: 1"},
    "an authority with a path": {":authority": f"{HOST}/poison"},
}  # fmt: skip


@pytest.mark.parametrize("what", [*H2_VALUES, *H2_PSEUDO])
def test_http2_says_nothing_that_http1_reads_otherwise(door: Door, origin: Origin, what: str) -> None:
    pseudo = {":method": "POST", ":scheme": "https", ":authority": HOST, ":path": "/"} | H2_PSEUDO.get(
        what, {}
    )
    with Http2(door, HOST) as connection:
        number = connection.open([*pseudo.items(), *H2_VALUES.get(what, ())], end=False)
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):  # the proxy has ended it already
            connection.send(number, POISON.encode(), end=True)
            connection.wait(number, lambda one: bool(one.status))
        stream = connection.streams[number]
    there = arrived(door, origin)
    assert not [one for one in there if "odd" in one], there
    assert len(there) == (stream.status == 200), (stream, there)
