"""What the API's client makes of places, tokens and strange answers; with servers of this computer that behave so."""

import datetime
import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry import api_client
from skerry.api_client import ApiClient, place
from skerry.engine_calls import EngineError
from skerry.pki import certificates

TOKEN = "sk_4lyNXA6OV4pcroynMWZJDiDeiPK4UzXKg"
Answer = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}
Serve = Callable[..., "Server"]


@pytest.fixture(autouse=True)
def system_guard() -> None:
    """Connections are the subject."""


class Server(http.server.ThreadingHTTPServer):
    """Gives these answers, the last one again and again."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.asked = answers, list[Any]()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        status, headers, body = self.server.answers[min(len(self.server.asked), len(self.server.answers)) - 1]
        if status == 0:  # falls silent in the middle
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of its parent
        pass


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[Server] = []

    def start(*answers: Answer, tls: ssl.SSLContext | None = None) -> Server:
        server = Server(list(answers))
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        started.append(server)
        return server

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


def refused(url: str, ca: str = "") -> EngineError:
    with pytest.raises(EngineError) as found:
        ApiClient(url, TOKEN, ca).call("status")
    assert TOKEN not in str(found.value)
    assert found.value.hint
    return found.value


def at(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def problem(code: str, status: int, **headers: str) -> Answer:
    said = {"code": code, "detail": "what was wrong", "hint": "What would be right"}
    return status, {"Content-Type": "application/problem+json", **headers}, json.dumps(said).encode()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.example.org", "is no URL of an API"),
        ("", "is no URL of an API"),
        ("ftp://api.example.org", "is no URL of an API"),
        ("https://", "is no URL of an API"),
        ("https://api.example.org:x", "is no URL: "),
        ("https://api.exämple.org", "is no URL of an API"),
        ("https://user:geheim@api.example.org", "it has a user or a password"),
        ("https://api.example.org/?a=b", "has more than a host and a port"),
        ("https://api.example.org/other", "has more than a host and a port"),
        ("http://api.example.org", "is not encrypted, so the token could be read on the way"),
        ("http://127.0.0.1.example.org", "is not encrypted"),
    ],
)
def test_places_that_are_none(url: str, said: str) -> None:
    with pytest.raises(EngineError) as error:
        place(url)
    assert said in error.value.message
    assert "geheim" not in str(error.value)


def test_places() -> None:
    assert str(place("https://api.example.org/")) == "https://api.example.org"
    assert str(place("https://api.example.org:8443/api/v1")) == "https://api.example.org:8443"
    assert place("https://[2001:db8::1]").named == "[2001:db8::1]"
    assert str(place("http://localhost:8080")) == "http://localhost:8080"


@pytest.mark.parametrize("token", ["", " ", "x", "sk_a b", "sk_a\r\nX: y", "Bearer sk_abc", "sk_é"])
def test_tokens_that_are_none(token: str) -> None:
    with pytest.raises(
        EngineError, match=r"api_token: (is missing|this has not the form of a token)"
    ) as error:
        ApiClient("https://api.example.org", token)
    assert "a b" not in str(error.value)


def test_a_file_that_has_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("nothing")
    for name in ("ca.crt", "none.crt", "."):
        with pytest.raises(EngineError, match="cannot be read as certificates"):
            ApiClient("https://api.example.org", TOKEN, str(tmp_path / name))


def test_problems_are_the_engines_errors(serve: Serve) -> None:
    for code, status in (("not_found", 404), ("forbidden", 403), ("unauthorized", 401), ("failed", 500)):
        error = refused(at(serve(problem(code, status))))
        assert (error.code, error.message, error.hint) == (code, "what was wrong", "What would be right")
    busy = serve(problem("busy", 409, **{"Retry-After": "5"}))
    assert refused(at(busy)).code == "busy"
    assert len(busy.asked) == 1


def test_too_many_waits_as_told(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(api_client.time, "sleep", slept.append)
    once = serve(problem("too_many", 429, **{"Retry-After": "2"}), (200, JSON, b'{"version": "1"}'))
    assert ApiClient(at(once), TOKEN).call("status") == {"version": "1"}
    assert slept == [2.0]
    always = serve(problem("too_many", 429, **{"Retry-After": "9000"}))
    assert refused(at(always)).code == "too_many"
    assert slept[1:] == [5.0, 5.0, 5.0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serve: Serve, status: int) -> None:
    thief = serve((200, JSON, b"{}"))
    error = refused(at(serve((status, {"Location": at(thief)}, b""))))
    assert "and a token follows nobody" in error.message
    assert not thief.asked


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html"}, b"<h1>Welcome</h1>"),
        (200, JSON, b"[1]"),
        (200, JSON, b"{"),
        (404, {"Content-Type": "text/html"}, b"<h1>Nothing here</h1>"),
        (502, {}, b""),
        (400, {"Content-Type": "application/problem+json"}, b'{"title": "another API"}'),
    ],
)
def test_what_is_no_api_of_skerrys(serve: Serve, answer: Answer) -> None:
    error = refused(at(serve(answer)))
    assert (error.code, "is no API of Skerry's" in error.message) == ("host", True)


def test_an_answer_that_is_cut_off(serve: Serve) -> None:
    error = refused(at(serve((0, {}, b""))))
    assert (error.code, "ended the connection before it answered" in error.message) == ("failed", True)


def test_nobody_and_no_name() -> None:
    assert "cannot be reached: Connection refused" in refused("http://127.0.0.1:9").message
    assert refused("https://nothing.invalid").code == "host"


def test_certificates(serve: Serve, tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    authority, other = (
        certificates.new_authority("x.localhost", certificates.new_key(), now) for _ in range(2)
    )
    bundle = certificates.new_bundle("x.localhost", authority, now)
    pem = tmp_path / "server.pem"
    pem.write_text(bundle.to_pem())
    for name, one in (("ca.crt", authority), ("other.crt", other)):
        (tmp_path / name).write_text(certificates.certificate_pem(one.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = serve((200, JSON, b'{"version": "1"}'), tls=context)
    url = f"https://api.x.localhost:{server.server_address[1]}"
    assert ApiClient(url, TOKEN, str(tmp_path / "ca.crt")).call("status") == {"version": "1"}
    assert server.asked[0][1]["Authorization"] == f"Bearer {TOKEN}"
    for ca in ("other.crt", ""):
        error = refused(url, str(tmp_path / ca) if ca else "")
        assert "has a certificate that is not trusted here" in error.message
    assert (
        "not valid for"
        in refused(url.replace("api.x.localhost", "localhost"), str(tmp_path / "ca.crt")).message
    )
    plain = serve((200, JSON, b"{}"))
    assert (
        "does not speak TLS"
        in refused(at(plain).replace("http:", "https:"), str(tmp_path / "ca.crt")).message
    )
    assert len(server.asked) == 1  # nothing was said to a stranger


def test_the_proxy_of_the_environment(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve((200, {}, b""))
    monkeypatch.setenv("https_proxy", at(proxy).replace("//", "//me:it%20is@"))
    error = refused("https://api.example.org")
    assert "cannot be reached" in error.message
    assert proxy.asked[0][0] == "api.example.org:443"
    assert proxy.asked[0][1]["Proxy-Authorization"] == "Basic bWU6aXQgaXM="
    assert "Authorization" not in proxy.asked[0][1]
    assert "cannot be reached: Connection refused" in refused("https://x.localhost:9").message
    monkeypatch.setenv("no_proxy", "nothing.invalid")
    assert "there is no address" in refused("https://nothing.invalid").message
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    assert "a proxy of the kind 'socks5' is not supported" in refused("https://api.example.org").message
