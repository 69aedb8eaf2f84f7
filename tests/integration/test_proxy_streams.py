"""Answers that take their time: real HAProxy, its own configuration with time limits of seconds instead of minutes."""

import itertools
import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.integration.proxy_client import Agent, Answer, Door, Http2, lab_door, read_answer, route

FIRST_BYTE, STREAM = 1, 3  # seconds
HOST = route("8")["host"]


@pytest.fixture(scope="module")
def agent(lab: str) -> Iterator[Agent]:
    """A route, and short time limits."""
    found = Agent(lab)
    try:
        found("make", **route("8"))
        found("short_timeouts", first_byte=FIRST_BYTE, stream=STREAM)
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def door(lab: str, agent: Agent) -> Door:
    """The public port."""
    return lab_door(lab)


def over_http1(door: Door, path: str) -> tuple[int, bytes, bool]:
    """Status, what came of the body, and whether it came to its end."""
    with door.connect(HOST) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n".encode())
        whole = b"".join(iter(lambda: connection.recv(65_536), b""))
    answer = Answer(*whole.split(b"\r\n\r\n", 1))
    return answer.status, answer.body, answer.body.endswith(b"0\r\n\r\n")


def over_http2(door: Door, path: str) -> tuple[int, bytes, bool]:
    """The same."""
    with Http2(door, HOST) as connection:
        stream = connection.get(HOST, path)
    return stream.status, stream.body, not stream.reset


Get = Callable[[Door, str], tuple[int, bytes, bool]]
both = pytest.mark.parametrize("get", [over_http1, over_http2])


@both
def test_an_event_stream_outlives_a_silence_longer_than_the_wait_for_its_first_byte(
    door: Door, get: Get
) -> None:
    status, body, whole = get(door, f"/events/{FIRST_BYTE + 1}/2")
    assert status == 200
    assert re.findall(rb"event \d", body) == [b"event 0", b"event 1"]
    assert whole


@both
def test_a_stream_is_closed_after_the_silence_that_a_websocket_may_keep(door: Door, get: Get) -> None:
    begun = time.monotonic()
    status, body, whole = get(door, f"/events/{STREAM + 4}/2")
    assert STREAM - 0.5 < time.monotonic() - begun < STREAM + 2
    assert (status, re.findall(rb"event \d", body), whole) == (200, [b"event 0"], False)


@both
def test_an_answer_that_does_not_begin_is_given_up_as_before(door: Door, get: Get) -> None:
    begun = time.monotonic()
    status, body, _ = get(door, f"/late/{FIRST_BYTE + 1.5}")
    assert FIRST_BYTE - 0.5 < time.monotonic() - begun < FIRST_BYTE + 1.4
    assert status == 504
    assert b"cannot answer right now" in body


def test_a_silent_stream_ends_when_its_route_is_removed(agent: Agent, door: Door) -> None:
    doomed = route("7")
    agent("make", **doomed)
    with door.connect(doomed["host"]) as connection:
        connection.sendall(f"GET /events/60/2 HTTP/1.1\r\nhost: {doomed['host']}\r\n\r\n".encode())
        assert read_answer(connection).status == 200
        begun = time.monotonic()
        agent("remove", **doomed)
        while connection.recv(65_536):
            pass
        assert time.monotonic() - begun < 1


def test_each_event_is_passed_on_when_it_comes(door: Door) -> None:
    """Over HTTP/1.1, HAProxy would gather small parts for up to 0.2 s."""
    pause, came = 0.05, []
    with door.connect(HOST) as connection:
        connection.sendall(f"GET /events/{pause}/20 HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
        text = b""
        while not text.endswith(b"\r\n0\r\n\r\n"):  # the end of the body: a header may end with 0 too
            block = connection.recv(65_536)
            text += block
            came += [time.monotonic()] * block.count(b"event ")
    waits = [later - earlier for earlier, later in itertools.pairwise(came)]
    assert len(waits) == 19
    assert sum(wait < pause / 4 for wait in waits) < 5, waits  # gathered ones come at the same moment
