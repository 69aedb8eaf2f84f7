"""What a stranger, a tenant and a container can do through the proxy: real HAProxy, real TLS, HTTP/1.1 and HTTP/2.

The origins and the engine's calls are in on_host/proxy_agent.py; the container's addresses are those of slots out of use.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from ssl import TLSVersion

import pytest

from tests.integration.proxy_client import (
    DOMAIN,
    ECHO,
    HELLO,
    IPS,
    Agent,
    Answer,
    Door,
    Http2,
    Pairs,
    RefusedError,
    lab_door,
    read_answer,
    route,
    websocket_request,
)

ONE, OTHER, TENANT, STOPPED, SILENT, GONE = "abcdef"
NEVER = f"{'0' * 24}-{'0' * 24}.{DOMAIN}"


@pytest.fixture(scope="module")
def agent(lab: str) -> Iterator[Agent]:
    """Routes to two containers of one tenant, one of another, a stopped one, one that does not listen, a deleted one."""
    found = Agent(lab)
    try:
        found("make", **route(ONE))
        found("make", **route(OTHER, IPS[1]))
        found("make", **route(TENANT, IPS[1], realm="other"))
        found("make", **route(STOPPED, ""))
        found("make", **route(SILENT, port=9))
        found("make", **route(GONE))
        found("remove", **route(GONE))
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def door(lab: str, agent: Agent) -> Door:
    """The public port."""
    return lab_door(lab)


HOST = route(ONE)["host"]
TEXT = f"10.90.250.1:1071\nGET / HTTP/1.1\r\nhost: {HOST}\r\n"


def http1(host: str) -> bytes:
    return f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode("latin-1")


@pytest.fixture(scope="module")
def never(door: Door) -> Answer:
    """What a host that was never known gets."""
    answer = door.ask(http1(NEVER), NEVER)
    assert answer.status == 404
    assert "No container answers at this address" in answer.text
    return answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(http1(route(GONE)["host"]), id="deleted"),
        pytest.param(http1(DOMAIN), id="the domain itself"),
        pytest.param(http1(f"{'a' * 24}-{'a' * 23}.{DOMAIN}"), id="23 hex digits"),
        pytest.param(http1(f"{'a' * 24}-{'a' * 25}.{DOMAIN}"), id="25 hex digits"),
        pytest.param(http1(f"{HOST.split('.')[0]}-web.{DOMAIN}"), id="a service it does not have"),
        pytest.param(http1(f"{HOST}.evil.example"), id="wrong domain behind"),
        pytest.param(http1(HOST.replace(DOMAIN, "skerry.example")), id="wrong domain"),
        pytest.param(http1(f"x.{HOST}"), id="a label too many"),
        pytest.param(http1(f"x{HOST}"), id="a letter too many"),
        pytest.param(http1(f"{HOST}.."), id="two dots behind"),
        pytest.param(http1(f".{HOST}"), id="a dot before"),
        pytest.param(http1(NEVER.upper()), id="unknown in upper case"),
        pytest.param(http1(f"{NEVER}:443"), id="unknown with a port"),
        pytest.param(http1(f"{NEVER}."), id="unknown with a dot"),
        pytest.param(http1(""), id="empty host"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(http1("127.0.0.1"), id="IPv4"),
        pytest.param(http1("[::1]:443"), id="IPv6 literal"),
        pytest.param(http1("a" * 64 + f".{DOMAIN}"), id="label of 64"),
        pytest.param(http1("a" * 5000 + f".{DOMAIN}"), id="label of 5000"),
        pytest.param(http1("ready"), id="the map's own mark"),
        pytest.param(http1(f"ready.{DOMAIN}"), id="the map's own mark in the domain"),
        pytest.param(http1("xn--4ca.skerry.localhost"), id="punycode"),
        pytest.param(http1("%2e.skerry.localhost"), id="percent"),
        pytest.param(f"GET https://{NEVER}/ HTTP/1.1\r\nhost: {NEVER}\r\n\r\n".encode(), id="absolute form"),
        pytest.param(f"OPTIONS * HTTP/1.1\r\nhost: {NEVER}\r\n\r\n".encode(), id="asterisk form"),
    ],
)
def test_a_host_that_is_not_there_gets_the_same_bytes_as_one_that_never_was(
    door: Door, never: Answer, request_bytes: bytes
) -> None:
    assert door.ask(request_bytes) == never


@pytest.mark.parametrize("sni", [None, HOST, route(GONE)["host"], "www.example.org"])
def test_the_name_in_the_handshake_changes_nothing(door: Door, never: Answer, sni: str | None) -> None:
    assert door.ask(http1(NEVER), sni) == never


@pytest.mark.parametrize(
    "authority",
    [route(GONE)["host"], f"{HOST}..", "", None, "[::1]", "a" * 3000, NEVER.upper(), f"{NEVER}:443", "ready"],
)
def test_http2_gives_the_same_404(door: Door, never: Answer, authority: str | None) -> None:
    with Http2(door, HOST) as connection:
        unknown = connection.get(NEVER)
        found = connection.get(authority)
    assert (found.headers, found.body) == (unknown.headers, unknown.body)
    assert found.body == never.body
    assert dict(found.headers)["content-length"] == str(len(never.body))


@pytest.mark.parametrize(
    "template",
    [
        b"GET / HTTP/1.1\r\nhost: %s\xff\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: %s\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: user@%s\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: %s/path\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: %s x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: %s\r\nhost: other.example\r\n\r\n",
        b"GET http://other.example/ HTTP/1.1\r\nhost: %s\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: %s\r\nx-flood: " + b"a" * 60_000 + b"\r\n\r\n",
        b"\x16\x03\x01 %s\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_alike_for_known_and_unknown_hosts(door: Door, template: bytes) -> None:
    known, unknown = (door.ask(template % host.encode()) for host in (HOST, NEVER))
    assert known.status == 400
    assert known == unknown


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{HOST}.", f"{HOST}:443", f"{HOST}.:8443"])
def test_every_spelling_of_a_host_reaches_its_container_as_the_canonical_one(door: Door, host: str) -> None:
    assert door.ask(http1(host)).text.startswith(TEXT)


def test_absolute_form_arrives_as_a_path(door: Door) -> None:
    answer = door.ask(f"GET HTTPS://{HOST}/x?y=z HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
    assert answer.text.startswith(TEXT.replace(" / ", " /x?y=z "))
    assert "OPTIONS * HTTP/1.1" in door.ask(f"OPTIONS * HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode()).text


def test_each_request_of_an_http2_connection_is_judged_by_its_own_host(door: Door) -> None:
    with Http2(door, HOST) as connection:
        assert connection.get(HOST).body.startswith(b"10.90.250.1:1071\n")
        assert connection.get(route(OTHER)["host"]).body.startswith(b"10.90.250.2:1071\n")
        assert connection.get(NEVER).status == 404
        assert connection.get(route(STOPPED)["host"]).status == 503
        # Another tenant's container: the browser is told to come again on a connection of its own.
        assert connection.get(route(TENANT)["host"]).status == 421
        assert connection.get(HOST).status == 200
    with Http2(door, route(TENANT)["host"]) as connection:
        assert connection.get(route(TENANT)["host"]).status == 200


def test_of_authority_and_host_the_authority_counts(door: Door) -> None:
    with Http2(door, HOST) as connection:
        answer = connection.get(HOST, headers=[("host", route(OTHER)["host"])])
    assert answer.body.startswith(TEXT.encode())


FORGED: Pairs = [
    ("forwarded", "for=192.0.2.1"),
    ("x-forwarded-for", "192.0.2.1"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-port", "1"),
    ("x-forwarded-client-cert", "forged"),
    ("x-real-ip", "192.0.2.1"),
    ("x-request-id", "forged"),
    ("x-auth-subject", "root"),
    ("x-mw-token", "forged"),
    ("x_auth_subject", "root"),
    ("x_forwarded_for", "192.0.2.1"),
    ("connection", "x-forwarded-for, x-request-id, keep-alive"),
    ("upgrade", "h2c"),
    ("http2-settings", "AAMAAABkAAQAAP__"),
]


def test_a_client_cannot_speak_for_the_proxy(door: Door) -> None:
    text = door.get(HOST, headers=[*FORGED, ("x-own", "kept")]).text
    names = [line.split(":")[0] for line in text.split("\r\n")[1:] if line]
    kept = {"host", "x-own", "http2-settings"}
    said = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"}
    assert set(names) == kept | said
    assert len(names) == len(set(names))
    assert "192.0.2.1" not in text
    assert "forged" not in text
    assert f"x-forwarded-host: {HOST}\r\n" in text
    assert "x-forwarded-proto: https\r\n" in text


@pytest.mark.parametrize("line", [f"CONNECT {HOST}:443", "TRACE /"])
def test_connect_and_trace_are_not_forwarded(door: Door, line: str) -> None:
    assert door.ask(f"{line} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode()).status == 405


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_connect_and_trace_are_not_forwarded_from_http2(door: Door, method: str) -> None:
    target = [] if method == "CONNECT" else [(":scheme", "https"), (":path", "/")]
    with Http2(door, HOST) as connection:
        stream = connection.open([(":method", method), (":authority", HOST), *target])
        assert connection.wait(stream).status == 405


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.90.0.1", "10.90.0.255", "192.0.2.1", "0.0.0.0", "::1", "fd5e:6b65:7279::1", "x"],
)
def test_whatever_the_map_says_only_containers_are_connected_to(
    agent: Agent, door: Door, address: str
) -> None:
    host = f"forced.{DOMAIN}"
    agent("force", key=host, value=f"{address}|22|default|p|i")
    try:
        assert door.ask(http1(host)).status == 502
    finally:
        agent("unforce", key=host)


def test_a_stopped_container_says_so_at_once(door: Door) -> None:
    begun = time.monotonic()
    answer = door.get(route(STOPPED)["host"])
    assert answer.status == 503
    assert "This container is not running" in answer.text
    assert time.monotonic() - begun < 1


def test_a_container_that_does_not_listen_is_told_apart_and_costs_no_time(door: Door) -> None:
    begun = time.monotonic()
    answer = door.get(route(SILENT)["host"])
    assert answer.status == 503
    assert "cannot answer right now" in answer.text
    assert time.monotonic() - begun < 1


def test_port_80_sends_on_and_tells_nothing(agent: Agent) -> None:
    known, unknown = (
        agent("port_80", request=f"GET /x?y HTTP/1.0\r\nhost: {host}\r\n\r\n") for host in (HOST, NEVER)
    )
    assert known.startswith("HTTP/1.1 308 Permanent Redirect\r\n")
    assert f"location: https://{HOST}/x?y\r\n" in known
    assert known == unknown.replace(NEVER, HOST)
    elsewhere = agent("port_80", request="GET / HTTP/1.0\r\nhost: evil.example\r\n\r\n")
    assert elsewhere.startswith("HTTP/1.1 404 Not Found\r\n")


def test_removing_a_route_closes_its_websocket_within_a_second_and_no_other(agent: Agent, door: Door) -> None:
    doomed, neighbour = route("1"), route(OTHER, IPS[1])
    agent("make", **doomed)
    with door.connect(doomed["host"]) as first, door.connect(neighbour["host"]) as second:
        for connection, host in ((first, doomed["host"]), (second, neighbour["host"])):
            connection.sendall(websocket_request(host))
            assert read_answer(connection).status == 101
            connection.sendall(HELLO)
            assert connection.recv(100) == ECHO
        begun = time.monotonic()
        agent("remove", **doomed)
        assert first.recv(100) == b""
        assert time.monotonic() - begun < 1
        second.sendall(HELLO)
        assert second.recv(100) == ECHO


def test_websockets_work_over_http2_and_are_closed_as_well(agent: Agent, door: Door) -> None:
    doomed = route("2")
    agent("make", **doomed)
    with Http2(door, doomed["host"]) as connection:
        start = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/ws")]
        rest = [(":authority", doomed["host"]), ("sec-websocket-version", "13")]
        stream = connection.open([*start, *rest], end=False)
        assert connection.wait(stream, lambda found: found.status != 0).status == 200
        connection.send(stream, HELLO)
        assert connection.wait(stream, lambda found: found.body == ECHO).body == ECHO
        agent("remove", **doomed)
        assert connection.wait(stream).reset
        assert connection.get(HOST).status == 200  # the connection itself goes on


def test_a_kept_connection_gets_404_right_after_the_removal(agent: Agent, door: Door, never: Answer) -> None:
    doomed = route("3")
    agent("make", **doomed)
    with door.connect(doomed["host"]) as connection:
        for _ in range(3):
            connection.sendall(http1(doomed["host"]))
            assert read_answer(connection).status == 200
        agent("remove", **doomed)
        connection.sendall(http1(doomed["host"]))
        assert read_answer(connection) == never


def test_a_download_that_never_ends_is_cut(agent: Agent, door: Door) -> None:
    doomed = route("4")
    agent("make", **doomed)
    with door.connect(doomed["host"]) as connection:
        connection.sendall(http1(doomed["host"]).replace(b"GET /", b"GET /stream"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
        agent("remove", **doomed)
        while connection.recv(65_536):
            pass


def test_removing_one_service_leaves_the_other_alone(agent: Agent, door: Door) -> None:
    service = {**route(ONE, port=1072), "host": HOST.replace(".", "-admin.", 1)}
    agent("origin", address=IPS[0], port=1072, running=True)
    agent("make", **service)
    with door.connect(HOST) as connection:
        connection.sendall(websocket_request(HOST))
        assert read_answer(connection).status == 101
        assert door.get(service["host"]).text.startswith("10.90.250.1:1072\n")
        agent("remove", **service)
        connection.sendall(HELLO)
        assert connection.recv(100) == ECHO
    agent("origin", address=IPS[0], port=1072, running=False)


def test_an_address_that_passes_to_another_container_serves_it_at_once(agent: Agent, door: Door) -> None:
    for number in range(5):
        doomed = route(str(number), port=1073)
        agent("origin", address=IPS[0], port=1073, running=True)
        agent("make", **doomed)
        with door.connect(doomed["host"]) as connection:  # leaves connections to it in HAProxy's pool
            for _ in range(3):
                connection.sendall(http1(doomed["host"]))
                assert read_answer(connection).status == 200
        agent("remove", **doomed)
        agent("origin", address=IPS[0], port=1073, running=False)
        heir = route(str(number + 5), port=1073)
        agent("origin", address=IPS[0], port=1073, running=True)
        agent("make", **heir)
        assert [door.get(heir["host"]).status for _ in range(5)] == [200] * 5
        agent("remove", **heir)
    agent("origin", address=IPS[0], port=1073, running=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "evil.example"},
        {"host": f"x;{HOST}"},
        {"ip": "127.0.0.1"},
        {"ip": "10.90.0.1"},
        {"ip": "fd5e:6b65:7279::1"},
        {"port": 0},
        {"realm": "a|b"},
        {"instance": "a b"},
    ],
)
def test_a_route_that_no_plan_can_contain_is_refused_before_it_is_live(
    agent: Agent, wrong: dict[str, object]
) -> None:
    with pytest.raises(RefusedError, match="is not allowed"):
        agent("make", **(route("5") | wrong))
    agent("remove", **route("5"))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(
    ("version", "accepted"),
    [(TLSVersion.TLSv1_1, False), (TLSVersion.TLSv1_2, True), (TLSVersion.TLSv1_3, True)],
)
def test_tls_is_new_enough(door: Door, version: TLSVersion, accepted: bool) -> None:
    context = ssl.create_default_context(cafile=door.ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as plain:
        if accepted:
            context.wrap_socket(plain, server_hostname=HOST).close()
        else:
            with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|protocol version"):
                context.wrap_socket(plain, server_hostname=HOST)
