"""Headers: how many may come, which ones only the proxy may say, and what it says itself."""

import base64
import time
from collections.abc import Iterator

import pytest

from tests.integration.proxy_client import Agent, Answer, Door, Http2, Pairs, lab_door, route

HOST = route("9")["host"]
UNKNOWN = route("0")["host"]
LIMIT = 32 * 1024
HSTS = "strict-transport-security"


@pytest.fixture(scope="module")
def agent(lab: str) -> Iterator[Agent]:
    """A route."""
    found = Agent(lab)
    try:
        found("make", **route("9"))
        found("make", **route("6", ""))
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def door(lab: str, agent: Agent) -> Door:
    """The public port."""
    return lab_door(lab)


def sized(size: int, lines: int) -> Pairs:
    """Headers of that many bytes in all, as HTTP/1.1 writes them, together with the host's."""
    left = size - len(f"host: {HOST}\r\n")
    lengths = [left // lines] * (lines - 1)
    lengths.append(left - sum(lengths))
    return [(f"x-{n:03}", "a" * (length - 9)) for n, length in enumerate(lengths)]


def names(answer: Answer) -> dict[str, str]:
    """The headers of an answer over HTTP/1.1."""
    lines = answer.head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("lines", [1, 8, 90])
def test_real_programs_cookies_and_policies_pass_in_both_directions(door: Door, lines: int) -> None:
    size = LIMIT - 200
    assert door.get(HOST, headers=sized(size, lines)).text.count("a" * 50) > 100
    assert len(door.get(HOST, f"/wide/{size}/{lines}").head) > size
    with Http2(door, HOST) as connection:
        assert connection.get(HOST, headers=sized(size, 8)).status == 200
        found = connection.get(HOST, f"/wide/{size}/{lines}")
    assert sum(len(name) + len(value) + 4 for name, value in found.headers) > size


def test_a_request_with_too_large_headers_is_told_so_and_the_limit(door: Door) -> None:
    too_large = sized(LIMIT + 100, 8)
    known, unknown = (door.get(host, headers=too_large) for host in (HOST, UNKNOWN))
    assert known.status == 431
    assert "more than 32 kB" in known.text
    assert known == unknown
    with Http2(door, HOST) as connection:
        found = connection.get(HOST, headers=sized(LIMIT + 8_000, 10))
        assert found.status == 431
        assert "more than 32 kB" in found.body.decode()
        assert connection.get(HOST).status == 200  # the connection goes on


@pytest.mark.parametrize(
    ("path", "status", "why", "logged"),
    [
        (f"/wide/{LIMIT + 100}/8", 502, "more than 32 kB of headers", True),
        (f"/wide/{LIMIT * 3}/8", 502, "more than 32 kB or 100 lines of headers", True),
        ("/wide/9000/150", 502, "more than 32 kB or 100 lines of headers", True),
        (f"/raw/{base64.urlsafe_b64encode(b'220 mail.example ESMTP').decode()}", 502, "not HTTP", True),
        ("/raw/", 502, "closed the connection instead of answering", False),
    ],
)
def test_an_answer_that_cannot_be_passed_on_says_why(
    agent: Agent, door: Door, path: str, status: int, why: str, logged: bool
) -> None:
    begun = agent("now")
    answer = door.get(HOST, path)
    assert (answer.status, "cannot answer right now" in answer.text) == (status, True)
    assert why in answer.text
    deadline = time.monotonic() + (5 if logged else 0)
    while HOST not in (said := agent("said", since=begun)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (f"{HOST}/" in said) == logged
    assert ("too many headers" in said) == logged


ONLY_A_PROXY = [
    "cf-connecting-ip",
    "cf-visitor",
    "client-cert",
    "fastly-client-ip",
    "forwarded",
    "proxy",
    "proxy-authorization",
    "proxy-connection",
    "remote-user",
    "true-client-ip",
    "via",
    "x-accel-mapping",
    "x-auth-subject",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-user",
    "x-mw-token",
    "x-original-url",
    "x-original-host",
    "x-real-ip",
    "x-remote-user",
    "x-rewrite-url",
    "x-sendfile-type",
    "x-ssl-client-verify",
    "x-webauth-user",
]


@pytest.mark.parametrize("version", [1, 2])
def test_what_only_a_proxy_may_say_does_not_arrive_from_a_visitor(door: Door, version: int) -> None:
    connection_specific = ("proxy-connection",) if version == 2 else ()
    forged = [(name, "forged") for name in ONLY_A_PROXY if name not in connection_specific]
    headers = [*forged, ("x-own", "kept"), ("authorization", "Basic kept"), ("x-client-version", "kept")]
    if version == 1:
        text = door.get(HOST, headers=[*headers, *[(name.upper(), "forged") for name in ONLY_A_PROXY]]).text
    else:
        with Http2(door, HOST) as connection:
            text = connection.get(HOST, headers=headers).body.decode()
    assert "forged" not in text
    assert text.count("kept") == 3


@pytest.mark.parametrize("host", [HOST, UNKNOWN])
@pytest.mark.parametrize("target", ["ftp://{}/x", "FILE://{}/x", "ws://{}/", "x", "javascript:alert(1)"])
def test_a_target_that_is_neither_a_path_nor_https_is_refused(door: Door, target: str, host: str) -> None:
    answer = door.ask(f"GET {target.format(host)} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    assert answer.status == 400


@pytest.mark.parametrize("scheme", ["ftp", "ws", "x"])
def test_a_scheme_that_is_not_https_is_refused_over_http2(door: Door, scheme: str) -> None:
    with Http2(door, HOST) as connection:
        request = [(":method", "GET"), (":scheme", scheme), (":authority", HOST), (":path", "/x")]
        found = connection.wait(connection.open(request))
        assert (found.status, found.reset) in {(400, False), (0, True)}
        assert connection.get(HOST, "/y").status == 200


@pytest.mark.parametrize("protocol", ["connect-ip", "connect-udp", "webtransport"])
def test_a_connect_with_another_protocol_does_not_arrive_as_a_get(door: Door, protocol: str) -> None:
    with Http2(door, HOST) as connection:
        start = [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "https"), (":path", "/x")]
        stream = connection.open([*start, (":authority", HOST)], end=False)
        assert connection.wait(stream, lambda found: found.status != 0).status == 501
        assert b"GET" not in connection.streams[stream].body


def test_browsers_are_told_to_come_by_https_only(door: Door) -> None:
    raw = b"HTTP/1.1 200 OK\r\nstrict-transport-security: max-age=5\r\ncontent-length: 0\r\n\r\n"
    paths = {"/": HOST, "/none": UNKNOWN, "/stopped": route("6")["host"], f"/wide/{LIMIT * 3}/8": HOST}
    found = {path: names(door.get(host, path)).get(HSTS) for path, host in paths.items()}
    assert found == dict.fromkeys(paths, "max-age=63072000")
    own = door.get(HOST, f"/raw/{base64.urlsafe_b64encode(raw).decode()}")
    assert own.head.lower().count(HSTS.encode()) == 1
    assert names(own)[HSTS] == "max-age=5"
    with Http2(door, HOST) as connection:
        assert dict(connection.get(UNKNOWN).headers)[HSTS] == "max-age=63072000"
