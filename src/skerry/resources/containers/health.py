"""Health checks: one probe, of the container's own address or by a command in it, and what its result means."""

import dataclasses
import socket
import time
from concurrent.futures import Future

from skerry.host import tcp
from skerry.model.addresses import addresses
from skerry.model.container import Container
from skerry.model.ends import Health
from skerry.model.host import HostConfig
from skerry.resources.containers import health_command

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"
_STATUS_LINE = 64  # bytes of an answer that are looked at
_GOOD = range(200, 400)
_SOON = 1.0  # seconds between two checks of a program that has just been started, if its interval is longer


@dataclasses.dataclass
class Checking:
    """The checks of one container, from a start of its program to its end.

    Attributes:
        since: when it was started.
        due: when the next check is due, in seconds of :func:`time.monotonic`.
        on_its_way: the one that is being made.
        failed: how many failed one after another.
        restarts: it was unhealthy, and its restart is on its way.
    """

    since: float
    due: float
    on_its_way: "Future[str] | None" = None
    failed: int = 0
    restarts: bool = False


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is known after a check: the state in words, and how many checks failed one after another."""

    state: str
    failed: int


def judge(check: Health, known: Verdict, problem: str, ran: float) -> Verdict:
    """What a check means.

    Args:
        check: the option.
        known: what was known before it.
        problem: what was wrong; empty where nothing was.
        ran: seconds since the program was started.
    """
    if not problem:
        return Verdict(HEALTHY, 0)
    if ran < check.start_period and not known.state.startswith((HEALTHY, UNHEALTHY)):
        return Verdict(STARTING, 0)
    failed = known.failed + 1
    return Verdict(f"{UNHEALTHY}: {problem}" if failed >= check.retries else known.state or STARTING, failed)


def pause(check: Health, verdict: Verdict) -> float:
    """Seconds from one check to the next: fewer while it is about to start, and failures do not count."""
    waits = verdict == Verdict(STARTING, 0)
    return min(check.interval, _SOON) if waits else check.interval


def probe(host: HostConfig, container: Container, check: Health) -> str:
    """Check once; returns what is wrong, or an empty string. It takes ``check.timeout`` seconds at most.

    Raises:
        SkerryError: the host could not check; that says nothing of the container.
    """
    if check.command is not None:
        return health_command.probe(host, container, check)
    address = addresses(host, container.slot).ipv4
    if check.http is None:
        port = check.port or container.spec.port
        return "" if tcp.accepts(address, port, check.timeout) else f"port {port} takes no connection"
    name = next(iter(container.host_names(host.domain)))
    try:
        line = _first_line(address, container.spec.port, check.http, name, check.timeout)
    except TimeoutError:
        return f"GET {check.http}: no answer within {check.timeout:g} s"
    except OSError as error:
        return f"GET {check.http}: {error.strerror or error}"
    words = line.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1].isdigit() else 0
    if not status:
        return f"GET {check.http}: the answer is not HTTP"
    return "" if status in _GOOD else f"GET {check.http}: {status}"


def _first_line(address: str, port: int, path: str, name: str, timeout: float) -> bytes:
    """The first line of the answer. No more of it is read, and no redirect is followed.

    Raises:
        OSError: there was none in time.
    """
    deadline = time.monotonic() + timeout
    with socket.create_connection((address, port), timeout=timeout) as connection:
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: skerry-health\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(request.encode())
        found = b""
        while len(found) < _STATUS_LINE and b"\n" not in found:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            block = connection.recv(_STATUS_LINE - len(found))
            if not block:
                break
            found += block
            if time.monotonic() > deadline:
                raise TimeoutError
    return found.split(b"\r\n", 1)[0]
