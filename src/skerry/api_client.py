"""Ask the engine of a host from anywhere: by its API, over TLS. Standard library only, so that modules can carry it.

A call looks as one of :mod:`skerry.client` does, and answers the same. The token goes to the host of the URL alone: no
redirect is followed, and nothing is sent before its certificate is verified.
"""

import base64
import http.client
import re
import socket
import ssl
import time
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

from .api_requests import BASE, Asked, asked, check, problem, read
from .engine_calls import SILENCE, EngineError, OnEvent, own_waits

_CONNECT = 15.0  # seconds
_TRIES = 3  # more, where the token asks too much: nothing was begun
_LONGEST_PAUSE = 5.0  # seconds between them
_TOKEN = re.compile(r"sk_[0-9A-Za-z]{1,100}")
_LARGEST = 1 << 26  # bytes of an answer
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
Reply = tuple[int, http.client.HTTPMessage, bytes]


class Place(NamedTuple):
    """Where an API is."""

    tls: bool
    host: str
    port: int

    @property
    def named(self) -> str:
        """Host and port, as a request names them."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"

    def __str__(self) -> str:
        return f"http{'s' if self.tls else ''}://{self.named}"


def place(url: str) -> Place:
    """Where a URL leads.

    Raises:
        EngineError: it is none of an API, or what is said there could be read on the way.
    """
    shown = f"api_url: {url[:200]!r}"
    right = "Give one such as https://api.apps.example.org"
    try:
        found = urllib.parse.urlsplit(url)
        port = found.port
    except ValueError as error:
        raise EngineError("invalid", f"{shown} is no URL: {error}", right) from None
    if found.scheme not in {"https", "http"} or not found.hostname or not url.isascii() or " " in url:
        raise EngineError("invalid", f"{shown} is no URL of an API", right)
    if "@" in found.netloc:
        raise EngineError(
            "invalid", "api_url: it has a user or a password", f"{right}; the token is given apart"
        )
    if found.query or found.fragment or found.path.rstrip("/") not in {"", BASE}:
        raise EngineError("invalid", f"{shown} has more than a host and a port", right)
    tls = found.scheme == "https"
    if not tls and not _LOOPBACK.fullmatch(found.hostname):
        raise EngineError(
            "invalid", f"{shown} is not encrypted, so the token could be read on the way", right
        )
    return Place(tls, found.hostname, port or (443 if tls else 80))


class ApiClient:
    """Speaks to the engine by the API of its host; a connection for each call.

    Args:
        url: of the API, such as ``https://api.apps.example.org``.
        token: what is shown to it.
        ca: a file with the certificates that are trusted; those of this computer where it is empty.

    Raises:
        EngineError: one of them is missing, or cannot be what is meant.
    """

    def __init__(self, url: str, token: str, ca: str = "") -> None:
        self.place, self._token = place(url), _checked(token)
        self._tls = _context(ca) if self.place.tls else None

    def call(self, verb: str, on_event: OnEvent | None = None, **args: Any) -> dict[str, Any]:  # noqa: ARG002
        """Send one request and return the result.

        Args:
            verb: what to do.
            on_event: unused: by the API no progress is told.
            args: the fields of the request.

        Raises:
            EngineError: it was refused, it failed, or there is no API to talk to.
        """
        request, patience = asked({"verb": verb, **args}), SILENCE + own_waits(args)
        found = self._answered(request, patience)
        following = found.pop("next", None) if request.verb.answer == "list" else None
        while following:
            page = self._answered(request.page(following), patience)
            found[request.verb.field] += page[request.verb.field]
            following = page.get("next")
        return found

    def check(self, verb: str) -> None:
        """Refuse a verb that the API has not.

        Raises:
            EngineError: it is one.
        """
        check(verb)

    def _answered(self, request: Asked, patience: float) -> dict[str, Any]:
        status, headers, body = self._exchange(request, patience)
        for _ in range(_TRIES):
            if status != http.client.TOO_MANY_REQUESTS:
                break
            time.sleep(_pause(headers))
            status, headers, body = self._exchange(request, patience)
        if 200 <= status < 300 and (found := read(request, body)) is not None:
            return found
        raise self._refused(status, headers, body)

    def _exchange(self, request: Asked, patience: float) -> Reply:
        """Send a request; the answer."""
        words = {"Authorization": f"Bearer {self._token}", "Host": self.place.named, "User-Agent": "skerry"}
        channel = http.client.HTTPConnection(self.place.host, self.place.port)
        channel.sock = self._reached()
        channel.sock.settimeout(patience)
        try:
            channel.request(request.method, request.target, request.body, request.headers | words)
            answer = channel.getresponse()
            return answer.status, answer.headers, _whole(answer)
        except TimeoutError as error:
            raise EngineError(
                "busy",
                f"{self.place} said nothing for {patience:g} s; the engine may still be at it",
                "'skerry operations' shows what it does",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(
                "failed",
                f"{self.place} ended the connection before it answered ({_why(error)})",
                "What had begun is carried out, or undone. 'skerry operations' shows it",
            ) from error
        finally:
            channel.close()

    def _reached(self) -> socket.socket:
        """A connection to the one who is meant; nothing has been said by then.

        Raises:
            EngineError: there is nobody, or it is another one.
        """
        try:
            channel = _opened(self.place)
            return self._tls.wrap_socket(channel, server_hostname=self.place.host) if self._tls else channel
        except ssl.SSLCertVerificationError as error:
            raise EngineError(
                "host",
                f"{self.place} has a certificate that is not trusted here: {error.verify_message.rstrip('.')}",
                "Give the file with its CA's certificate as api_ca; of a host with one of its own it is "
                "/etc/skerry/pki/ca.crt there",
            ) from error
        except ssl.SSLError as error:
            raise EngineError(
                "host", f"{self.place} does not speak TLS as it should ({_why(error)})", "Check its port"
            ) from error
        except socket.gaierror as error:
            raise EngineError(
                "host", f"{self.place}: there is no address of that name, or of the proxy's", "Check the URL"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(
                "host",
                f"{self.place} cannot be reached: {_why(error)}",
                "Check the URL and the network; on the host 'systemctl status skerry-proxy skerry-api' says more",
            ) from error

    def _refused(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> EngineError:
        """The error that an answer stands for."""
        kind = str(headers.get("content-type", "")).split(";")[0].strip().lower()
        if 300 <= status < 400:
            return EngineError(
                "host",
                f"{self.place} redirects to {str(headers.get('location', 'nowhere'))[:200]!r}, and a token follows nobody",
                "Give the URL of the API itself",
            )
        if kind == "application/problem+json" and (found := problem(body)):
            return found
        return EngineError(
            "too_many" if status == http.client.TOO_MANY_REQUESTS else "host",
            f"what answered at {self.place} is no API of Skerry's: status {status}, {kind or 'no type'}",
            "Check the URL, and that its host has proxy_api: true and skerry-api runs there",
        )


def _opened(to: Place) -> socket.socket:
    """A connection to a place; through the proxy that the environment names for it (https_proxy, no_proxy).

    Raises:
        EngineError: the proxy is of a kind that nobody can speak to here.
    """
    url = urllib.request.getproxies_environment().get("https", "") if to.tls else ""
    local = to.host == "localhost" or to.host.endswith(
        ".localhost"
    )  # RFC 6761: this computer, whatever a resolver says
    if not url or local or urllib.request.proxy_bypass(f"{to.host}:{to.port}"):
        return socket.create_connection(("localhost" if local else to.host, to.port), _CONNECT)
    via = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    if via.scheme != "http" or not via.hostname:
        raise EngineError(
            "invalid",
            f"https_proxy: a proxy of the kind {via.scheme[:20]!r} is not supported",
            f"Name one such as http://proxy.example.org:3128, or put {to.host} into no_proxy",
        )
    headers = {}
    if via.username is not None:
        both = ":".join(urllib.parse.unquote(one or "") for one in (via.username, via.password))
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
    channel = http.client.HTTPConnection(via.hostname, via.port or 80, timeout=_CONNECT)
    channel.set_tunnel(to.host, to.port, headers)
    channel.connect()
    found: socket.socket = channel.sock
    return found


def _checked(token: str) -> str:
    """A token that can be sent.

    Raises:
        EngineError: it is none; the text is not shown.
    """
    text = token.strip()
    if not text:
        raise EngineError(
            "invalid", "api_token: is missing", "Give the token that 'skerry token create' has shown"
        )
    if not _TOKEN.fullmatch(text):
        raise EngineError(
            "invalid",
            f"api_token: this has not the form of a token ({len(text)} characters)",
            "Give what 'skerry token create' has shown, which begins with sk_",
        )
    return text


def _context(ca: str) -> ssl.SSLContext:
    """What certificates must be. There is no way to take any.

    Raises:
        EngineError: the file has none.
    """
    try:
        return ssl.create_default_context(cafile=ca or None)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise EngineError(
            "invalid",
            f"api_ca: {ca[:200]!r} cannot be read as certificates: {_why(error)}",
            "Give a file in PEM, such as a copy of the host's /etc/skerry/pki/ca.crt",
        ) from error


def _whole(answer: http.client.HTTPResponse) -> bytes:
    """A whole body.

    Raises:
        IncompleteRead: it ended early, or is larger than any.
    """
    body = answer.read(_LARGEST)
    if answer.length:
        raise http.client.IncompleteRead(body, answer.length)
    return body


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or ", ".join(map(str, error.args)) or type(error).__name__)


def _pause(headers: http.client.HTTPMessage) -> float:
    """Seconds that an answer asks to wait."""
    told = str(headers.get("retry-after", ""))
    return min(float(told), _LONGEST_PAUSE) if told.isdecimal() else 1.0
