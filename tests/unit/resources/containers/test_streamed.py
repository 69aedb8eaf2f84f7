"""A program for a client of the engine: what is ordered, what the client is given, and what it is told at the end."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from skerry import checks
from skerry.model.errors import Code, SkerryError
from skerry.protocol.access import ExecStream
from skerry.resources.containers import access, health_command, streamed

KEY = {"name": "web", "realm": "acme", "project": "shop"}
Answer = Callable[[list[int]], bytes]


class Helper:
    """What runs programs: it reads and writes the streams that it is sent, and answers."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.answer: Answer = lambda _streams: b'{"status": 7}'
        self.threads: list[threading.Thread] = []

    def send(self, order: bytes, descriptors: Sequence[int]) -> None:
        self.orders.append(json.loads(order))
        caller, *streams = [os.dup(one) for one in descriptors]

        def run() -> None:
            with socket.socket(fileno=caller) as waits:
                if text := self.answer(streams):
                    waits.send(text)
                for one in streams:
                    os.close(one)

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()


class Client:
    """Who asked, and what came."""

    def __init__(self) -> None:
        self.theirs, self.engines = socket.socketpair()
        self.events: list[Mapping[str, Any]] = []
        self.ends: list[int] = []

    def send(self, event: Mapping[str, Any], descriptors: Sequence[int] = ()) -> bool:
        self.events.append(event)
        self.ends.extend(os.dup(one) for one in descriptors)
        return True

    def fileno(self) -> int:
        return self.engines.fileno()


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Helper]:
    found = Helper()
    monkeypatch.setattr(health_command, "HELPER", found)
    monkeypatch.setattr(
        access, "program", lambda _context, request: ({"command": request.command}, "skerry.slice/x")
    )
    yield found
    for thread in found.threads:
        thread.join(5)


@pytest.fixture
def client() -> Iterator[Client]:
    found = Client()
    yield found
    found.theirs.close()
    found.engines.close()
    for one in found.ends:
        os.close(one)


def run(client: Client, **fields: Any) -> dict[str, Any]:
    request = ExecStream.model_validate(
        {"verb": "exec_stream", "container": KEY, "command": ["id"], **fields}
    )
    return dict(streamed.execute(None, request, client))  # type: ignore[arg-type]


def test_a_client_gets_the_other_ends_of_what_the_program_has(helper: Helper, client: Client) -> None:
    def answer(streams: list[int]) -> bytes:
        os.write(streams[2], b"out")
        os.write(streams[3], b"err")
        return b'{"status": 7}'

    helper.answer = answer
    assert run(client) == {"status": 7}
    (order,) = helper.orders
    assert order["ticket"] == {"command": ["id"]}
    assert order["group"].startswith("skerry.slice/x/exec-")
    assert order["terminal"] is None
    assert client.events == [{"event": "started", "descriptors": ["control", "stdin", "stdout", "stderr"]}]
    helper.threads[0].join(5)
    assert [os.read(one, 10) for one in client.ends[2:]] == [b"out", b"err"]
    assert [os.read(one, 10) for one in client.ends[2:]] == [b"", b""], "nobody else has them open"


def test_a_terminal_is_one_stream(helper: Helper, client: Client) -> None:
    assert run(client, terminal={"rows": 24, "columns": 80}) == {"status": 7}
    assert helper.orders[0]["terminal"] == [24, 80]
    assert client.events[0]["descriptors"] == ["control", "terminal"]
    assert len(client.ends) == 2


def test_a_client_that_leaves_is_no_longer_waited_for(helper: Helper, client: Client) -> None:
    seen = threading.Event()

    def answer(_streams: list[int]) -> bytes:
        client.theirs.close()
        seen.wait(5)
        return b""

    helper.answer = answer
    assert run(client) == {"status": 137}
    seen.set()


@pytest.mark.parametrize("text", [b"", b'{"error": "the container ended \\u001b"}'])
def test_what_could_not_be_run_is_said(helper: Helper, client: Client, text: bytes) -> None:
    helper.answer = lambda _streams: text
    with pytest.raises(
        SkerryError, match=r"could not be run: (what runs programs has ended|the container ended \\x1b)"
    ) as error:
        run(client)
    assert error.value.code == Code.HOST


def test_more_than_an_order_holds_is_refused(
    helper: Helper, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "LONGEST", 50)
    with pytest.raises(SkerryError, match="50 is the most") as error:
        run(client)
    assert error.value.code == Code.INVALID
    assert helper.orders == []
