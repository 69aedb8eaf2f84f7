"""An alias at the proxy: one entry in HAProxy's map that leads to another entry, and what is open through it.

An entry of a container says whether that runs and where. An alias leads to it by name, so whatever becomes of the container
holds for the alias, and a switch is one change of one entry.
"""

import dataclasses
import re
import time
from typing import ClassVar

from skerry.host import routes
from skerry.host.haproxy import Master, ProxyDownError, Stream, retry
from skerry.model.alias import ALIAS_LABEL, OF_A_CONTAINER, reserved
from skerry.model.errors import invalid
from skerry.model.host import HostConfig
from skerry.parts.base import Part, tell
from skerry.parts.entry import Entry, close_all

_MARK = "@"  # in the place of the address: the next field is a key of the same map
_TABLE = "alias_streams"  # of haproxy.cfg: which streams came by an alias
_FIELD = re.compile(r"[a-z0-9-]{1,64}")
_LOOK_SECONDS = (0.02, 1.0)  # between two looks at what is open: the first, the longest


@dataclasses.dataclass(frozen=True)
class AliasRoute(Entry):
    """One alias.

    Attributes:
        host: its host name, ``NAME.DOMAIN``.
        target: the host name of a container's URL, which it leads to.
        realm: name of the tenant of both.
    """

    kind: ClassVar[str] = "alias_route"
    target: str
    realm: str

    def __str__(self) -> str:
        return f"alias {self.host} to {self.target}"

    @property
    def value(self) -> str:
        """The map's value, as the store's ``route_map`` has it too."""
        return f"{_MARK}|{self.target}|{self.realm}"

    def remove(self, host: HostConfig) -> None:
        """Make the URL answer 404 and close what is open through it. The store has lost it already.

        Raises:
            SkerryError: the proxy refused, or a connection could not be closed.
        """
        try:
            retry(lambda: self.delete_live(host))
            _close(host, self.host)
        except ProxyDownError:  # it serves nothing, and reads the store when it starts
            return

    def check(self, host: HostConfig) -> None:
        """Refuse it where it is no alias here, or leads elsewhere than to a container."""
        label, target = (name.removesuffix(f".{host.domain}") for name in (self.host, self.target))
        if label == self.host or not re.fullmatch(ALIAS_LABEL, label) or reserved(label):
            raise invalid("alias", self.host, f"NAME.{host.domain}")
        if target == self.target or not OF_A_CONTAINER.fullmatch(target):
            raise invalid(f"alias {self.host}", self.target, "the host name of a container")
        if not _FIELD.fullmatch(self.realm):
            raise invalid(f"alias {self.host}", self.realm, "the name of a realm")


@dataclasses.dataclass(frozen=True)
class Drained(Part):
    """Nothing is open through the alias ``host`` to where it does not lead any more.

    Attributes:
        host: the alias's host name.
        seconds: how long what is open may take to end by itself; then it is closed.
        streams: how many there were when that was planned.
    """

    kind: ClassVar[str] = "alias_streams"
    making: ClassVar[str] = "drain"
    host: str
    seconds: float
    streams: int

    def __str__(self) -> str:
        return f"{self.streams} connections through {self.host}, within {self.seconds:g} s"

    def make(self, host: HostConfig) -> None:
        """Wait for them, and close those that are left."""
        deadline, pause = time.monotonic() + self.seconds, _LOOK_SECONDS[0]
        try:
            while (left := len(_streams(host, self.host))) and (now := time.monotonic()) < deadline:
                tell({"event": "progress", "stage": f"{left} still open through {self.host}"})
                time.sleep(min(pause, deadline - now))
                pause = min(2 * pause, _LOOK_SECONDS[1])
            _close(host, self.host)
        except ProxyDownError:  # then nothing is open
            return

    def open(self, host: HostConfig) -> list[tuple[int, Stream]]:
        """What is left to end, each with its worker.

        Raises:
            SkerryError: the proxy runs but does not answer.
        """
        try:
            return _streams(host, self.host)
        except ProxyDownError:
            return []

    def remove(self, host: HostConfig) -> None:
        """Nothing to take back: what has ended stays ended."""

    def exists(self, host: HostConfig) -> bool:
        """Whether nothing is left to end."""
        return not self.open(host)


def _strays(master: Master, worker: int, host: HostConfig, alias: str) -> list[Stream]:
    ours: dict[int, str] = {}  # the number of each stream by it, and ":PORT" of the host where it came by TLS
    for key in master.tracked(worker, _TABLE):
        name, _, number = key.partition("/")
        if name.partition(":")[0] == alias:
            ours[int(number)] = name.removeprefix(alias)
    if not ours:
        return []
    entry = master.lookup(worker, host.routes_map, alias) or ""
    target = entry.split("|")[1] if entry.startswith(f"{_MARK}|") else ""
    values = {at: master.lookup(worker, host.routes_map, target + at) for at in set(ours.values()) if target}
    current = {at: ":".join((value or "|").split("|")[:2]) for at, value in values.items()}
    return [
        one
        for one in master.streams(worker)
        if one.number in ours and one.address not in {"", current.get(ours[one.number], ":")}
    ]


def _close(host: HostConfig, alias: str) -> None:
    close_all(lambda: _close_once(host, alias), f"through {alias}")


def _close_once(host: HostConfig, alias: str) -> int:
    """Tell each to end; returns how many there were."""
    found = _streams(host, alias)
    for worker, stream in found:
        with routes.lock(host.routes_map):
            Master(host.proxy_socket).close_stream(worker, stream.id)
    return len(found)


def _streams(host: HostConfig, alias: str) -> list[tuple[int, Stream]]:
    """What is open through an alias to another address than the one that it leads to, each with its worker.

    Raises:
        ProxyDownError: the proxy does not run.
        SkerryError: it does not answer.
    """

    def look() -> list[tuple[int, Stream]]:
        master = Master(host.proxy_socket)
        with routes.lock(host.routes_map):  # a reload closes the socket for a moment
            return [
                (worker, one) for worker in master.workers() for one in _strays(master, worker, host, alias)
            ]

    return retry(look)
