"""The sample app: one page that says which container answered, and a WebSocket echo at /ws.

Python's standard library only, threads and plain sockets: it serves before a web framework has been
imported (docs/explanation/proxy.md has the figures), and the whole of it can be read in two minutes.
"""  # noqa: INP001 - one program, no package

import base64
import hashlib
import os
import socket
import sys
import threading
import time

DEFAULT_PORT = 1071
IDLE_SECONDS = (
    120  # longer than the proxy keeps an idle connection, so that the proxy is the one that closes it
)
MAX_HEAD = 16 * 1024  # bytes of request line and headers
MAX_MESSAGE = 64 * 1024  # bytes of one WebSocket message
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA  # WebSocket opcodes
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "index.html")  # noqa: PTH100, PTH118, PTH120 - pathlib costs 10 ms
NOT_VISIBLE = "not visible from inside"
STARTED = time.monotonic()


class BadRequestError(Exception):
    """The client sent something that this server does not speak."""


def read_text(path: str) -> str:
    """The stripped content of a file, or "" where this container does not have it."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - see PAGE
            return file.read().strip()
    except OSError:
        return ""


def mebibytes(value: str) -> str:
    """A cgroup's number of bytes for people: "134217728" is "128 MiB"; without one, what /proc tells."""
    if not value.isdecimal():
        total = read_text("/proc/meminfo").split()  # "MemTotal:  262144 kB …"; lxcfs shows the limit here
        return f"{int(total[1]) // 1024} MiB" if total else NOT_VISIBLE
    return f"{int(value) // 1024**2} MiB"


def count(value: str) -> str:
    """A cgroup's count for people."""
    return "not limited" if value == "max" else value or NOT_VISIBLE


def cpus(value: str) -> str:
    """A cgroup's cpu.max for people: "50000 100000" is "0.50 CPUs"."""
    quota, _, period = value.partition(" ")
    return (
        f"{int(quota) / int(period):.2f} CPUs" if quota.isdecimal() and period else f"{os.cpu_count()} CPUs"
    )


def say(text: str) -> None:
    """Write a line to the container's log."""
    sys.stdout.write(f"hello: {text}\n")
    sys.stdout.flush()


def facts() -> dict[str, str]:
    """What the page shows, by the name of its place in index.html."""
    return {
        "id": os.environ.get("SKERRY_ID", "unknown"),
        "name": os.environ.get("SKERRY_NAME", "a container"),
        "project": os.environ.get("SKERRY_PROJECT", "unknown"),
        "hostname": socket.gethostname(),
        "memory": mebibytes(read_text("/sys/fs/cgroup/memory.max")),
        "cpu": cpus(read_text("/sys/fs/cgroup/cpu.max")),
        "processes": count(read_text("/sys/fs/cgroup/pids.max")),
        "uptime": f"{time.monotonic() - STARTED:.0f}",
    }


def escape(text: str) -> str:
    """Text as HTML shows it literally (the html module is not in python3-minimal)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def page() -> bytes:
    """index.html with this container's facts in their places."""
    html = read_text(PAGE)
    for key, value in facts().items():
        html = html.replace("{{ " + key + " }}", escape(value))
    return html.encode()


class Connection:
    """One client: requests one after the other, or a WebSocket from the moment it asks for one."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.stream = client.makefile("rb")

    def serve(self) -> None:
        """Answer until the client leaves, is silent for too long or sends what is not HTTP."""
        try:
            with self.client, self.stream:
                self.client.settimeout(IDLE_SECONDS)
                while self.answer():
                    pass
        except BadRequestError as error:
            say(f"refused a request: {error}")
        except OSError:
            return  # the client went away: nobody is left to tell

    def answer(self) -> bool:
        """Answer one request; False when the connection is over."""
        head = self.read_head()
        if not head:
            return False
        try:
            method, target, _ = head[0].split(" ")
        except ValueError as error:
            self.respond("400 Bad Request", b"bad request\n")
            raise BadRequestError(head[0][:80]) from error
        headers = {
            key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:])
        }
        path = target.partition("?")[0]
        if path == "/ws" and headers.get("upgrade", "").lower() == "websocket":
            self.websocket(headers.get("sec-websocket-key", ""))
            return False
        self.skip_body(headers)
        self.route(method, path)
        return headers.get("connection", "").lower() != "close"

    def route(self, method: str, path: str) -> None:
        """Send the answer to one ordinary request."""
        if path == "/":
            self.respond("200 OK", page(), "text/html; charset=utf-8", head_only=method == "HEAD")
        elif path == "/healthz":
            self.respond("200 OK", b"ok\n", head_only=method == "HEAD")
        else:
            self.respond(
                "404 Not Found", b"the app runs, but it has no such page\n", head_only=method == "HEAD"
            )

    def read_head(self) -> list[str]:
        """The request line and the headers, or nothing at the end of the connection."""
        lines: list[str] = []
        size = 0
        while line := self.stream.readline(MAX_HEAD):
            size += len(line)
            if size > MAX_HEAD:
                raise BadRequestError("more than 16 kB of headers")
            if line in {b"\r\n", b"\n"}:
                return lines
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        return []

    def skip_body(self, headers: dict[str, str]) -> None:
        """Read over a body of known length; no page of ours wants one."""
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal():
            raise BadRequestError("a body without content-length")
        left = int(length)
        while left and (block := self.stream.read(min(left, MAX_MESSAGE))):
            left -= len(block)

    def respond(self, status: str, body: bytes, kind: str = "text/plain", *, head_only: bool = False) -> None:
        """Send one answer."""
        kind_and_size = f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        head = f"HTTP/1.1 {status}\r\n{kind_and_size}cache-control: no-store\r\n\r\n"
        self.client.sendall(head.encode() + (b"" if head_only else body))

    def websocket(self, key: str) -> None:
        """Shake hands (RFC 6455), then send every message back until the client closes."""
        accept = base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET_GUID).digest()).decode()  # noqa: S324 - the RFC's
        self.client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            + f"sec-websocket-accept: {accept}\r\n\r\n".encode()
        )
        while frame := self.read_frame():
            opcode, payload = frame
            if opcode in {TEXT, BINARY, PING}:
                self.send_frame(PONG if opcode == PING else opcode, payload)
            elif opcode == CLOSE:
                self.send_frame(CLOSE, payload[:2])
                return

    def read_frame(self) -> tuple[int, bytes] | None:
        """One whole client message (opcode, payload), or None at the end of the connection."""
        start = self.stream.read(2)
        if len(start) < 2:
            return None
        length = start[1] & 0x7F
        if length >= 126:
            length = int.from_bytes(self.stream.read(2 if length == 126 else 8), "big")
        if not start[0] & 0x80 or not start[1] & 0x80 or length > MAX_MESSAGE:
            raise BadRequestError("a WebSocket frame that is fragmented, not masked or over 64 kB")
        mask, data = self.stream.read(4), self.stream.read(length)
        if len(data) < length:
            return None
        key = (mask * (length // 4 + 1))[:length]
        payload = (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")
        return start[0] & 0x0F, payload

    def send_frame(self, opcode: int, payload: bytes) -> None:
        """Send one unfragmented frame; a server does not mask."""
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
        if size > 0xFFFF:
            length = b"\x7f" + size.to_bytes(8, "big")
        self.client.sendall(bytes([0x80 | opcode]) + length + payload)


def listen(port: int) -> socket.socket:
    """A socket for IPv6 and IPv4, or for IPv4 alone where the container has no IPv6."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
    return socket.create_server(("", port), backlog=128)


def main() -> None:
    """Serve until the container stops."""
    with listen(int(os.environ.get("PORT", DEFAULT_PORT))) as server:
        say(f"listening on port {server.getsockname()[1]}")
        while True:
            client, _ = server.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(client).serve, daemon=True).start()


if __name__ == "__main__":
    main()
