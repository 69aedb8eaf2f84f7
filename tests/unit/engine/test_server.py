"""The engine's socket: whatever comes in by it, each line gets one answer, and who waits in vain is told why."""

import contextlib
import json
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.engine import server, under_way
from skerry.engine.under_way import UnderWay
from skerry.model.errors import Code, SkerryError
from skerry.protocol.table import TABLE


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The socket of a server that answers each request with its verb, whoever asks."""
    monkeypatch.setattr(server._Connection, "_check_peer", lambda _self: None)
    running = server.Server(
        f"{tmp_path}/engine.sock",
        TABLE,
        lambda request, _progress, _asker, _client: {"verb": request.verb},
        UnderWay(lambda _asked, _asker: True),
    )
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield f"{tmp_path}/engine.sock"
    running.shutdown()
    running.server_close()


def answers(path: str, data: bytes) -> list[dict[str, Any]]:
    """What comes back for these bytes, line by line."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(10)
        channel.connect(path)
        channel.sendall(data)
        channel.shutdown(socket.SHUT_WR)
        with channel.makefile("rb") as lines:
            return [json.loads(line) for line in lines]


STATUS = b'{"version": 3, "verb": "status"}\n'


@pytest.mark.parametrize("length", [server._MAX_LINE + 1, 3 * server._MAX_LINE])
def test_the_rest_of_a_line_that_is_too_long_is_no_request(path: str, length: int) -> None:
    refused, done = answers(path, b" " * length + STATUS + STATUS)
    assert "is longer than 1048576 bytes" in refused["error"]["message"]
    assert done["result"] == {"verb": "status"}


@pytest.mark.parametrize("line", [b"[" * 100_000, b"\xff", b"null", b"", b"9" * 5000, b"{}"])
def test_nonsense_is_refused(path: str, line: bytes) -> None:
    refused, done = answers(path, line + b"\n" + STATUS)
    assert refused["error"]["code"] == "invalid"
    assert done["ok"]


def test_who_waits_for_an_engine_that_cannot_start_is_told_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(f"{tmp_path}/engine.sock")
        listening.listen()
        client.settimeout(10)
        client.connect(f"{tmp_path}/engine.sock")
        monkeypatch.setattr(server, "_LISTEN_FD", os.dup(listening.fileno()))
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        server.refuse_waiting(SkerryError(Code.HOST, "engine.toml is not valid TOML", "Run the role"))
        told = json.loads(client.recv(10_000))
    assert told["ok"] is False
    assert (told["error"]["message"], told["error"]["hint"]) == (
        "engine.toml is not valid TOML",
        "Run the role",
    )


def test_a_field_that_is_there_twice_is_refused(path: str) -> None:
    line = b'{"version": 3, "verb": "list", "verb": "status"}\n'
    inner = b'{"version": 3, "verb": "info", "container": {"name": "a", "name": "b"}}\n'
    for answer, name in zip(answers(path, line + inner), ("verb", "name"), strict=True):
        assert answer["error"]["message"] == f"'{name}' is there twice in an object"


MANY = ", ".join(f'"{n:x}": 1' for n in [*range(60_000), 59_999])


@pytest.mark.parametrize(
    ("inside", "wrong"),
    [
        (f"{{{MANY}}}", "'ea5f' is there twice in an object"),
        (f"[{'0, ' * 200_000}0]", "the request has 200006 values"),
    ],
)  # fmt: skip
def test_a_request_of_very_many_values_keeps_nobody_waiting(path: str, inside: str, wrong: str) -> None:
    line = b'{"version": 3, "verb": "create", "spec": {"volumes": %s}}\n' % inside.encode()
    began = time.process_time()
    assert answers(path, line)[0]["error"]["message"] == wrong
    assert time.process_time() - began < 3


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[tuple[str, set[str], threading.Event]]:
    """The socket of a server for tokens, those that are good, and what a request that waits is waiting for."""
    good, go_on = {"a" * 64}, threading.Event()
    known = UnderWay(lambda _asked, asker: asker.digest in good, lambda asked: asked.verb == "logs_stream")

    def handle(request: Any, progress: Any, asker: Any, client: Any) -> dict[str, Any]:
        if request.verb == "stats":
            progress({"event": "progress", "stage": "begun"})
            go_on.wait(10)
        if request.verb == "start":
            good.clear()
        if request.verb == "logs_stream":
            client.send({"event": "started"}, [0])
            poll = select.poll()
            poll.register(client.fileno(), select.POLLRDHUP)
            poll.poll(10_000)
        return {"verb": request.verb, "asker": asker.digest[:1]}

    path = f"{tmp_path}/tokens.sock"
    running = server.Server(path, TABLE, handle, known, for_tokens=os.getuid())
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield path, good, go_on
    known.stop()
    go_on.set()
    running.shutdown()
    running.server_close()


def asked(verb: str, digest: str = "a" * 64, **fields: Any) -> bytes:
    asker = {"token": digest, "source": "192.0.2.7"}
    return json.dumps({"version": 3, "asker": asker, "verb": verb, **fields}).encode() + b"\n"


def test_each_request_says_who_asks(tokens: tuple[str, set[str], threading.Event]) -> None:
    path, _, _ = tokens
    first, none, wrong, twice = answers(
        path,
        asked("status")
        + STATUS
        + asked("status", "b")
        + b'{"version": 3, "asker": {"token": "x", "token": "y", "source": "::1"}, "verb": "status"}\n',
    )
    assert first["result"] == {"verb": "status", "asker": "a"}
    assert [one["error"]["code"] for one in (none, wrong, twice)] == ["unauthorized", "invalid", "invalid"]


def test_so_many_connections_for_tokens_and_one_that_ends_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_MOST_FOR_TOKENS", 3)
    path = f"{tmp_path}/x.sock"
    handle, good = (lambda request, *_: {"verb": request.verb}), UnderWay(lambda *_: True)
    running = server.Server(path, TABLE, handle, good, for_tokens=os.getuid())
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}).start()

    def heard() -> bool:
        try:
            return bool(answers(path, asked("status")))
        except ConnectionError:
            return False

    held = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for one in held:
        one.connect(path)
    time.sleep(0.1)
    assert not heard()
    held.pop().close()
    deadline = time.monotonic() + 10
    while not heard():
        assert time.monotonic() < deadline, "no room was made"
    for one in held:
        one.close()
    running.shutdown()
    running.server_close()


def test_root_and_others_are_no_api(tmp_path: Path) -> None:
    running = server.Server(
        f"{tmp_path}/x.sock",
        TABLE,
        lambda *_: {},
        UnderWay(lambda *_: True),
        for_tokens=os.getuid() + 1,
    )
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}).start()
    (answer,) = answers(f"{tmp_path}/x.sock", asked("status"))
    assert answer["error"]["code"] == "forbidden"
    running.shutdown()
    running.server_close()


def test_a_revocation_ends_what_is_open_and_answers_first(
    tokens: tuple[str, set[str], threading.Event],
) -> None:
    path, _, _ = tokens
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.settimeout(10)
        waiting.connect(path)
        waiting.sendall(asked("stats"))
        assert b"begun" in waiting.recv(10_000)
        (done,) = answers(path, asked("start", container={"name": "web"}))
        assert done["ok"]
        assert waiting.recv(10_000) == b""


LOGS = asked("logs_stream", container={"name": "web"}, follow=True)


@contextlib.contextmanager
def streaming(path: str) -> Iterator[tuple[socket.socket, dict[str, Any]]]:
    """A connection on which a stream was asked for, and its first line, which comes with a descriptor unless refused."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(10)
        channel.connect(path)
        channel.sendall(LOGS)
        text, descriptors, _flags, _address = socket.recv_fds(channel, 10_000, 2)
        line = json.loads(text)
        assert len(descriptors) == ("event" in line)
        for one in descriptors:
            assert os.fstat(one).st_ino == os.fstat(0).st_ino
            os.close(one)
        yield channel, line


def test_a_stream_ends_with_its_token(tokens: tuple[str, set[str], threading.Event]) -> None:
    path, _, _ = tokens
    with streaming(path) as (channel, line):
        assert line["event"] == "started"
        answers(path, asked("start", container={"name": "web"}))
        assert channel.recv(10_000) == b""


def test_a_stream_ends_with_the_engine_which_need_not_wait_for_it(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(server._Connection, "_check_peer", lambda _self: None)
    known, path = UnderWay(lambda *_: True, lambda asked: asked.verb == "list"), f"{tmp_path}/x.sock"

    def handle(_request: Any, _progress: Any, _asker: Any, client: Any) -> dict[str, Any]:
        client.send({"event": "started"})
        poll = select.poll()
        poll.register(client.fileno(), select.POLLRDHUP)
        return {"polled": len(poll.poll(10_000))}

    running = server.Server(path, TABLE, handle, known)
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}).start()
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(path)
        channel.sendall(b'{"version": 3, "verb": "list"}\n')
        assert b"started" in channel.recv(10_000)
        running.shutdown()
        known.stop()
        assert running.drain(5)
    with (
        pytest.raises(SkerryError, match="is being stopped"),
        known.entered(channel, TABLE.parse({"version": 3, "verb": "list"}), None),
    ):
        pass
    running.server_close()


def test_a_token_has_so_many_streams_and_no_more(
    tokens: tuple[str, set[str], threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_way, "MOST_STREAMS", 2)
    path, _, _ = tokens
    with streaming(path), streaming(path):
        with streaming(path) as (_channel, line):
            assert (line["error"]["code"], line["error"]["message"][:9]) == ("busy", "2 streams")
        (status,) = answers(path, asked("status"))
        assert status["ok"]
