"""What a kernel on trial has to show before it becomes the default."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Any

from ...core.errors import SkerryError
from ...core.run import CommandError, run
from . import frames, trial

ENGINE = Path("/run/skerry/engine.sock")
SAMPLE = "hello"
"""The sample app's image, which any platform can have."""
_NAME = "kernel-trial"
_CA = Path("/etc/skerry/pki/ca.crt")
_SETTLE_S, _CREATE_S, _REACH_S, _HEAR_S = 600.0, 300.0, 60.0, 10.0
_NEVER_ANSWER = ("FAILED", "INCOMPLETE")
_ALL, _MARK = 3, 18  # ETH_P_ALL; bytes, so that a frame is as long as it must be
# Runs in the container's network namespace: the frames, in hexadecimal, are its arguments.
_SEND = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
for frame in sys.argv[2:]:
    wire.send(bytes.fromhex(frame))
"""


@dataclass(frozen=True)
class Shown:
    """How a check went: its name, whether it was passed, and what was seen."""

    name: str
    passed: bool
    text: str


def has_platform() -> bool:
    """Whether the machine runs containers."""
    return ENGINE.exists()


def has_sample() -> bool:
    """Whether the image is there that the proof makes a container of."""
    return any(image["name"] == SAMPLE for image in _skerry("image", "list")["images"])


def show(failed_before: Sequence[str]) -> list[Shown]:
    """Run all checks. Those of containers only where there is a platform.

    Args:
        failed_before: units that had failed under the old kernel, too.
    """
    shown = [_check("units", lambda: _units(failed_before)), _check("network", _network)]
    if has_platform():
        shown += _containers()
    return shown


def _check(name: str, look: Callable[[], str]) -> Shown:
    """A check passes by saying what it saw, and fails by raising."""
    try:
        return Shown(name, True, look())
    except (SkerryError, OSError, http.client.HTTPException) as error:
        return Shown(name, False, str(error))
    except (LookupError, ValueError) as error:  # `ip` said what it never says
        return Shown(name, False, f"it could not be told: {error!r}")


def _units(failed_before: Sequence[str]) -> str:
    try:
        run(["systemctl", "is-system-running", "--wait"], timeout=_SETTLE_S)
    except CommandError as error:
        if error.code is None:
            raise SkerryError(f"systemd did not settle within {_SETTLE_S:.0f} s") from error
    failed = [unit for unit in trial.failed_units() if unit not in failed_before]
    if failed:
        raise SkerryError(f"units failed: {', '.join(failed)}")
    return "no unit failed that had not failed before"


def _network() -> str:
    """Some gateway answers to its address: card, driver, link and the other end work."""
    routes = [*_ip("-4", "route", "show", "default"), *_ip("-6", "route", "show", "default")]
    gateways = [(route["gateway"], route["dev"]) for route in routes if "gateway" in route]
    if not routes:
        raise SkerryError("there is no default route")
    for gateway, device in gateways:
        if _answers(gateway, device):
            return f"{gateway} answers on {device}"
    if gateways:
        raise SkerryError(f"no gateway answers: {', '.join(gateway for gateway, _card in gateways)}")
    return f"the default route leads to {routes[0]['dev']} without a gateway"


def _answers(gateway: str, device: str) -> bool:
    """Whether a neighbour's MAC can be found, asked anew."""
    run(["ip", "neigh", "flush", "to", gateway, "dev", device])
    family = socket.AF_INET6 if ":" in gateway else socket.AF_INET
    scope = (0, socket.if_nametoindex(device)) if ":" in gateway else ()
    end = time.monotonic() + _HEAR_S
    while time.monotonic() < end:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.sendto(b"", (gateway, 9, *scope))
        time.sleep(0.5)
        found = _ip("neigh", "show", "to", gateway, "dev", device)
        if any("lladdr" in one and not set(one["state"]) & set(_NEVER_ANSWER) for one in found):
            return True
    return False


def _containers() -> Iterator[Shown]:
    """A container is made, reached through the proxy, tries to lie about who it is, and is taken away."""
    try:
        with _container() as container:
            url = container["url"]
            yield _check("container", lambda: _reach(url))
            yield _check("spoofing", lambda: _spoof(container["id"]))
    except SkerryError as error:
        yield Shown("container", False, str(error))


@contextmanager
def _container() -> Iterator[dict[str, Any]]:
    """One of our own, made anew."""
    _skerry("ensure", _NAME, "--state", "absent")
    try:
        yield _skerry("create", _NAME, "--image", SAMPLE)["after"]
    finally:
        _skerry("ensure", _NAME, "--state", "absent")


def _skerry(*words: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(run(["skerry", *words, "--json"], timeout=_CREATE_S))
    except CommandError as error:
        raise SkerryError(f"`skerry {words[0]}` failed: {' '.join(error.stderr.split())}") from error
    return found


def _reach(url: str) -> str:
    """Through the proxy on this host, by the name in the URL."""
    end = time.monotonic() + _REACH_S
    while True:
        status = _status(url)
        if status == http.client.OK:
            return f"{url} answers {status}"
        if time.monotonic() > end:
            raise SkerryError(f"{url} answers {status}, not 200")
        time.sleep(1)


def _status(url: str) -> int:
    name = urllib.parse.urlsplit(url).hostname or ""
    trust = ssl.create_default_context(cafile=str(_CA) if _CA.exists() else None)
    with (
        socket.create_connection(("127.0.0.1", http.client.HTTPS_PORT), timeout=_REACH_S) as plain,
        trust.wrap_socket(plain, server_hostname=name) as secure,
    ):
        secure.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode("ascii"))
        answer = http.client.HTTPResponse(secure)
        answer.begin()
        return answer.status


def _spoof(identity: str) -> str:
    """The host hears an honest frame of the container, and none of its lies, which were sent before it."""
    inside = ["nsenter", "--target", _init(identity), "--net"]
    link, port, bridge = _port(inside)
    lies, honest = frames.lies(port, token_bytes(_MARK)), frames.honest(port, token_bytes(_MARK))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL)) as wire:
        wire.bind((bridge, _ALL))
        sent = [frame.hex() for frame in (*lies.values(), honest)]
        run([*inside, "python3", "-I", "-c", _SEND, link, *sent])
        heard = _hear(wire, honest)
    passed = [name for name, lie in lies.items() if lie in heard]
    if honest not in heard:
        raise SkerryError(f"{bridge} did not hear an honest frame of the container")
    if passed:
        raise SkerryError(f"{bridge} heard the container lie: {', '.join(passed)}")
    return f"{len(lies)} lies were dropped, the honest frame after them came through"


def _hear(wire: socket.socket, last: bytes) -> set[bytes]:
    heard: set[bytes] = set()
    wire.settimeout(1)
    end = time.monotonic() + _HEAR_S
    while last not in heard and time.monotonic() < end:
        try:
            heard.add(wire.recv(4096))
        except TimeoutError:
            continue
    return heard


def _init(identity: str) -> str:
    """The process id of a container's first process."""
    groups = list(Path("/sys/fs/cgroup").rglob(f"lxc.payload.{identity}"))
    pids = [pid for group in groups for pid in (group / "cgroup.procs").read_text().split()]
    if not pids:
        raise SkerryError(f"container {identity} runs no process")
    return pids[0]


def _port(inside: Sequence[str]) -> tuple[str, frames.Port, str]:
    """The container's link, its port, and the host's link of the same bridge."""
    route = _ip("-4", "route", "show", "default", inside=inside)[0]
    own = _ip("-4", "addr", "show", "dev", route["dev"], inside=inside)[0]
    link = _ip("link", "show", "dev", route["dev"], inside=inside)[0]
    for bridge in _ip("-4", "addr", "show"):
        if any(one["local"] == route["gateway"] for one in bridge["addr_info"]):
            mac = _ip("link", "show", "dev", bridge["ifname"])[0]["address"]
            port = frames.Port(link["address"], own["addr_info"][0]["local"], mac, route["gateway"])
            return route["dev"], port, bridge["ifname"]
    raise SkerryError(f"the container's gateway {route['gateway']} is no address of this host")


def _ip(*words: str, inside: Sequence[str] = ()) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run([*inside, "ip", "-json", *words]) or "[]")
    return found
