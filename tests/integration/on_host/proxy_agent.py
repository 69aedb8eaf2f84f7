"""The host's side of test_proxy.py: origins to route to, and the engine's calls, one line of JSON each.

Runs on the host as root: ``python3 proxy_agent.py`` reads requests from standard input until it ends, then takes away all
that it made. It writes routes into the store as the engine does: there before they are live, gone before they are removed.
"""

import base64
import contextlib
import hashlib
import json
import os
import random
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from skerry.host import routes
from skerry.host.haproxy import Master
from skerry.model.errors import SkerryError
from skerry.model.host import CONFIG_PATH, HostConfig, load_host_config
from skerry.parts import proxy
from skerry.parts.proxy import Route

DOMAIN = "skerry.localhost"
HOST = load_host_config() if Path(CONFIG_PATH).exists() else HostConfig(domain=DOMAIN)
MASTER = Master(HOST.proxy_socket)
ADDRESSES = ("10.90.250.1", "10.90.250.2")  # containers' addresses, of slots far behind those in use
UNIT = "skerry-proxy.service"
CONFIGURATION = Path("/etc/skerry/haproxy.cfg")
MINIMAL_STORE = """
CREATE TABLE IF NOT EXISTS route (host TEXT PRIMARY KEY, container_id TEXT NOT NULL, value TEXT NOT NULL);
CREATE VIEW IF NOT EXISTS route_map AS SELECT host, value FROM route;
"""


def store(sql: str, *values: object) -> None:
    """One durable change of the store. Foreign keys are not enforced here: no container belongs to these routes."""
    Path(HOST.database).parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(HOST.database, timeout=10)) as db, db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'route_map'").fetchone():
            db.executescript(MINIMAL_STORE)
        db.execute(sql, values)


def keep(route: Route) -> None:
    """Into the store."""
    store("INSERT OR REPLACE INTO route VALUES (?, 'test', ?)", route.host, route.value)


def forget(host: str) -> None:
    """Out of the store."""
    store("DELETE FROM route WHERE host = ?", host)


def make(route: Route) -> None:
    """As a create does it."""
    keep(route)
    route.make(HOST)


def remove(route: Route) -> None:
    """As a delete does it."""
    forget(route.host)
    route.remove(HOST)


def systemctl(*words: str) -> str:
    """Ask systemd; it must succeed."""
    return subprocess.run(
        ["systemctl", *words], check=True, capture_output=True, text=True, timeout=90
    ).stdout


def live_map(worker: int) -> dict[str, str]:
    """The whole map as one worker has it."""
    lines = MASTER.ask(f"@!{worker} show map {HOST.routes_map}").split("\n")
    return dict(line.split(" ")[1:] for line in lines if line)


class Origin:
    """A container's program: shows the request it got, echoes WebSockets, streams without end."""

    def __init__(self, address: str, port: int) -> None:
        self.name = f"{address}:{port}"
        self.clients: set[socket.socket] = set()
        self.socket = socket.create_server((address, port), backlog=512)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                self.clients.add(client)
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, client.makefile("rb") as stream:
            while head := b"".join(iter(stream.readline, b"\r\n")):
                lines = [line.partition(b":") for line in head.splitlines()[1:]]
                headers = {name.lower(): value.strip() for name, _, value in lines}
                if headers.get(b"upgrade", b"").lower() == b"websocket":
                    self.websocket(client, stream, headers[b"sec-websocket-key"])
                    break
                if head.startswith(b"GET /stream"):
                    self.stream(client)
                    break
                if head.startswith(
                    b"GET /events/"
                ):  # /events/PAUSE/NUMBER: so many, with a pause before each but the first
                    self.events(client, *map(float, head.split()[1].split(b"/")[2:]))
                    continue
                if head.startswith(b"GET /late/"):
                    time.sleep(float(head.split()[1].split(b"/")[2]))
                if head.startswith(b"GET /raw/"):
                    client.sendall(base64.urlsafe_b64decode(head.split()[1].split(b"/")[2]))
                    break
                if head.startswith(b"GET /wide/"):  # /wide/SIZE/LINES: headers of that size
                    client.sendall(wide_answer(*map(int, head.split()[1].split(b"/")[2:])))
                    continue
                body = stream.read(int(headers.get(b"content-length", b"0")))
                answer = f"{self.name}\n".encode() + head + b"\r\n" + body
                client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer))
        self.clients.discard(client)

    def websocket(self, client: socket.socket, stream: BinaryIO, key: bytes) -> None:
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-accept: " + accept + b"\r\n\r\n"
        )
        while len(start := stream.read(2)) == 2:  # short messages only
            mask, data = stream.read(4), stream.read(start[1] & 0x7F)
            echo = bytes(byte ^ mask[number % 4] for number, byte in enumerate(data))
            client.sendall(bytes([start[0], len(data)]) + echo)

    def stream(self, client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            client.sendall(b"1\r\n.\r\n")
            time.sleep(0.05)

    def events(self, client: socket.socket, pause: float, number: float) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for each in range(int(number)):
            time.sleep(pause if each else 0)
            client.sendall(b"f\r\ndata: event %d\n\n\r\n" % (each % 10))
        client.sendall(b"0\r\n\r\n")

    def close(self) -> None:
        """As the kernel does it when a program is killed: its port and all its connections at once."""
        for each in (self.socket, *self.clients):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def wide_answer(size: int, lines: int) -> bytes:
    """An answer whose headers are of that size in bytes, in so many lines besides the length of its body."""
    fixed = b"content-length: 2\r\n"
    each = [(size - len(fixed)) // lines] * lines
    each[0] += size - len(fixed) - sum(each)
    headers = b"".join(b"x-%03d: %s\r\n" % (n, b"a" * (length - 9)) for n, length in enumerate(each))
    return b"HTTP/1.1 200 OK\r\n" + fixed + headers + b"\r\nok"


def short_timeouts(first_byte: int, stream: int) -> None:
    """Let the real configuration run with time limits of so many seconds; zeros give it its own again."""
    kept = CONFIGURATION.with_suffix(".kept")
    if not kept.exists():
        kept.write_bytes(CONFIGURATION.read_bytes())
    text = kept.read_text()
    if stream:
        for name, seconds in (("tunnel", stream), ("set-timeout server", stream), ("server", first_byte)):
            text = re.sub(rf"(?m)^(    (?:timeout |http-response ){name}) \d+s$", rf"\1 {seconds}s", text)
    else:
        kept.unlink()
    CONFIGURATION.write_text(text)
    systemctl("reload", UNIT)


def said(since: float) -> str:
    """What the proxy logged since then."""
    command = ["journalctl", "--output=cat", f"--since=@{since:.3f}", f"--unit={UNIT}"]
    subprocess.run(["journalctl", "--sync"], check=True)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def begin(host: str, path: str) -> ssl.SSLSocket:
    """A request for ``host`` whose answer is still to be read."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = context.wrap_socket(socket.create_connection(("127.0.0.1", 443), timeout=30), server_hostname=host)
    tls.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
    return tls


def goes_on(stream: ssl.SSLSocket) -> bool:
    """Whether an answer without end still comes a second from now."""
    end = time.monotonic() + 1
    with contextlib.suppress(OSError):
        while stream.recv(65_536):
            if time.monotonic() > end:
                return True
    return False


def status(host: str) -> int:
    """The status of one request for ``host``: 0 where nobody listens."""
    try:
        with begin(host, "/") as tls:
            return int(tls.recv(4096).split()[1])
    except (OSError, IndexError):
        return 0


def race(verb: str, rounds: int) -> dict[str, Any]:
    """Remove a route in the middle of ``systemctl VERB``, at another moment each time; who sees it afterwards?"""
    seen_alive, problems = 0, []
    for number in range(rounds):
        host = f"{number:024x}-{'e' * 24}.{DOMAIN}"
        route = Route(host, ADDRESSES[0], 1071, "default", "p", "i")
        make(route)
        with ThreadPoolExecutor(1) as pool, begin(host, "/stream") as download:
            begun = pool.submit(systemctl, verb, UNIT)
            time.sleep(random.Random(number).uniform(0, 0.35))
            seen_alive += status(host) == 200
            remove(route)
            if goes_on(download):
                problems.append(f"round {number}: a download goes on")
            while not begun.done():
                if (found := status(host)) == 200:
                    problems.append(f"round {number}: {found} after the removal")
            begun.result()
        if (found := status(host)) != 404:
            problems.append(f"round {number}: {found} at the end")
        if any(host in live_map(worker) for worker in MASTER.workers()):
            problems.append(f"round {number}: a worker has it at the end")
    return {"seen_alive": seen_alive, "problems": problems}


def crowd(threads: int, each: int) -> dict[str, Any]:
    """Make and remove routes from several threads at once; every second one stays."""
    times: dict[str, list[float]] = {"make": [], "remove": []}

    def one(thread: int) -> set[str]:
        left = set()
        for number in range(each):
            route = Route(f"{thread:024x}-{number:024x}.{DOMAIN}", ADDRESSES[0], 1071, "default", "p", "i")
            keep(route)
            begun = time.perf_counter()
            route.make(HOST)
            times["make"].append((time.perf_counter() - begun) * 1000)
            if number % 2:
                forget(route.host)
                begun = time.perf_counter()
                route.remove(HOST)
                times["remove"].append((time.perf_counter() - begun) * 1000)
            else:
                left.add(route.host)
        return left

    with ThreadPoolExecutor(threads) as pool:
        wanted = set().union(*pool.map(one, range(threads)))
    live = set(live_map(MASTER.workers()[0])) - {routes.READY[0]}
    for host in wanted:
        forget(host)
    proxy.sync(HOST)
    percentiles = {
        name: {"p50": sorted(found)[len(found) // 2], "p99": sorted(found)[len(found) * 99 // 100]}
        for name, found in times.items()
    }
    return {"missing": len(wanted - live), "extra": len(live - wanted), "ms": percentiles}


def many(count: int) -> dict[str, Any]:
    """So many routes in the store: how long a sync and a reload take, and whether all are there."""
    rows = [
        (f"{n:024x}-{'f' * 24}.{DOMAIN}", "test", f"{ADDRESSES[0]}|1071|default|p|i") for n in range(count)
    ]
    store("SELECT 1")
    with contextlib.closing(sqlite3.connect(HOST.database, timeout=10)) as db, db:
        db.executemany("INSERT INTO route VALUES (?, ?, ?)", rows)
    begun = time.perf_counter()
    proxy.sync(HOST)
    synced = time.perf_counter() - begun
    live = len(live_map(MASTER.workers()[0])) - 1
    begun = time.perf_counter()
    proxy.reload(HOST)
    reloaded = time.perf_counter() - begun
    after = len(live_map(MASTER.workers()[0])) - 1
    store("DELETE FROM route WHERE container_id = 'test'")
    proxy.sync(HOST)
    return {"live": live, "live_after_reload": after, "sync_ms": synced * 1000, "reload_ms": reloaded * 1000}


def workers() -> list[int]:
    """HAProxy's workers, when it does not reload just now."""
    with routes.lock(HOST.routes_map):
        return MASTER.workers()


def port_80(request: str) -> str:
    """What the redirecting port answers."""
    with socket.create_connection(("127.0.0.1", 80), timeout=30) as connection:
        connection.sendall(request.encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(4096), b"")).decode("latin-1")


def force(key: str, value: str) -> None:
    """An entry that no part of ours would make."""
    MASTER.set_entry(HOST.routes_map, key, value)


def kill_worker() -> None:
    """The worst that can happen to HAProxy short of a power cut."""
    os.kill(MASTER.workers()[0], signal.SIGKILL)


ORIGINS: dict[tuple[str, int], Origin] = {}


def origin(address: str, port: int, running: bool) -> None:
    """Start or end a container's program."""
    if (found := ORIGINS.pop((address, port), None)) is not None:
        found.close()
    if running:
        ORIGINS[address, port] = Origin(address, port)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "make": lambda **route: make(Route(**route)),
    "remove": lambda **route: remove(Route(**route)),
    "exists": lambda **route: Route(**route).exists(HOST),
    "race": race,
    "crowd": crowd,
    "many": many,
    "force": force,
    "unforce": lambda key: MASTER.delete_entry(HOST.routes_map, key),
    "short_timeouts": short_timeouts,
    "now": time.time,
    "said": said,
    "systemctl": lambda words: systemctl(*words),
    "kill_worker": kill_worker,
    "workers": workers,
    "status": status,
    "port_80": port_80,
    "origin": origin,
}


def main() -> None:
    """Answer requests until there are no more."""
    had_store = Path(HOST.database).exists()
    for address in ADDRESSES:
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
        origin(address, 1071, running=True)
    try:
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = {"result": OPERATIONS[request.pop("do")](**request)}
            except SkerryError as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), flush=True)
    finally:
        if CONFIGURATION.with_suffix(".kept").exists():
            short_timeouts(0, 0)
        store("DELETE FROM route WHERE container_id = 'test'")
        if not had_store:
            Path(HOST.database).unlink()  # an engine would not know its schema
        proxy.sync(HOST)
        # While they still have their addresses: else the proxy is not told that its idle connections have ended.
        for place in tuple(ORIGINS):
            origin(*place, running=False)
        for address in ADDRESSES:
            subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=False)


if __name__ == "__main__":
    main()
