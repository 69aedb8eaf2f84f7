"""A container's URL, or its port by TLS: one entry in the map that HAProxy looks every request up in.

The store has a route before it is live, and has lost it before it is taken away, so what HAProxy reads
when it starts or reloads is never behind. docs/explanation/proxy.md walks through the races.
"""

import dataclasses
import ipaddress
import logging
import re
from typing import ClassVar

from skerry.host import policies, routes
from skerry.host.haproxy import Master, ProxyDownError, ProxyLostError, ProxyUnknownError, retry
from skerry.model.addresses import FIRST_HOST
from skerry.model.errors import Code, invalid
from skerry.model.host import HostConfig
from skerry.model.publish import is_port
from skerry.parts.entry import Entry, close_all

_log = logging.getLogger(__name__)
STOPPED, RESTARTING = "stopped", "restarting"  # in the place of the address: answer 503 at once, by that page
PAGES = (STOPPED, RESTARTING)
_HOST = re.compile(r"[0-9a-f]{24}-[0-9a-f]{24}(-[a-z0-9]([a-z0-9-]{0,11}[a-z0-9])?)?")
_FIELD = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STARTING_SECONDS = 3.0


@dataclasses.dataclass(frozen=True)
class Route(Entry):
    """One URL, or one port of the host at which TLS ends for what is not HTTP.

    Attributes:
        host: its host name, ``PROJECTID-INSTANCEID[-SERVICE].DOMAIN``; with ``:PORT`` it is that port of the host by TLS.
        ip: the container's address, or "" while it does not run: the URL then answers 503.
        port: the TCP port that the container listens on.
        realm: name of the tenant.
        project: id of the project.
        instance: id of the container.
        page: which page the URL answers with while there is no address. By TLS it is closed at once.
        header: whether a header of the PROXY protocol comes first.
    """

    kind: ClassVar[str] = "proxy"
    ip: str
    port: int
    realm: str
    project: str
    instance: str
    page: str = STOPPED
    header: bool = False

    def __str__(self) -> str:
        target = f"{self.ip}:{self.port}" if self.ip else f"the page for {self.page} containers"
        return f"route {self.host} to {target}"

    @property
    def value(self) -> str:
        """The map's value, as the store's ``route_map`` has it too."""
        header = ["proxy"] if self.header else []
        return "|".join(
            (self.ip or self.page, str(self.port), self.realm, self.project, self.instance, *header)
        )

    def turn(self, host: HostConfig, before: "Route") -> None:
        """Make the URL live in place of ``before``, and close what waits for an address that it leads to no more.

        A proxy that does not run serves nothing, and reads the store when it starts.

        Raises:
            SkerryError: the proxy refused, or a connection could not be closed.
        """
        self.check(host)
        try:
            retry(lambda: self.set_live(host))
            if before.ip and not self.ip:
                retry(lambda: _close_streams(host, f"{before.ip}:{before.port}"))
        except ProxyDownError:
            return

    def remove(self, host: HostConfig) -> None:
        """Make the URL answer 404 and close what is open through it. The store has lost it already.

        A proxy that does not run serves nothing, and reads the store when it starts.

        Raises:
            SkerryError: the proxy refused, or a connection could not be closed.
        """
        try:
            retry(lambda: self.delete_live(host))
            if self.ip:
                retry(lambda: _close_streams(host, f"{self.ip}:{self.port}"))
        except ProxyDownError:
            return

    def check(self, host: HostConfig) -> None:
        """Refuse it where it is none of a container here."""
        name, colon, at = self.host.partition(":")
        label = name.removesuffix(f".{host.domain}")
        if label == name or not _HOST.fullmatch(label) or (colon and not is_port(at)):
            raise invalid("route", self.host, f"PROJECTID-INSTANCEID[-SERVICE].{host.domain}[:PORT]")
        for field in (self.realm, self.project, self.instance):
            if not _FIELD.fullmatch(field):
                raise invalid(f"route {self.host}", field, "names of letters, digits, '.', '_' and '-'")
        if self.page not in PAGES:
            raise invalid(f"route {self.host}", self.page, f"one of {', '.join(PAGES)}")
        if not 1 <= self.port <= 65_535:
            raise invalid(f"route {self.host}", self.port, "a TCP port")
        if self.ip and not _is_container(host, self.ip):
            raise invalid(
                f"route {self.host}", self.ip, f"a container's address in {host.ipv4} or {host.ipv6}"
            )


def sync(host: HostConfig) -> int:
    """Make the live map equal to the store's routes, in one atomic change; returns how many there are.

    A proxy that does not run is left alone: it does the same when it starts.

    Raises:
        SkerryError: the store cannot be read, or the proxy refused.
    """
    try:
        return retry(lambda: _replace_live(host))
    except ProxyDownError:
        return 0


def load(host: HostConfig) -> int:
    """As ``sync``, but the proxy has been started and must have its routes; returns how many there are.

    Raises:
        SkerryError: the store cannot be read, or the proxy has not got its routes.
    """
    return retry(lambda: _replace_live(host), down_seconds=_STARTING_SECONDS)


def reload(host: HostConfig) -> int:
    """Let HAProxy read its configuration and the store's routes again; returns how many routes there are.

    Raises:
        SkerryError: the store cannot be read, the proxy does not run, or its configuration is wrong.
    """
    with routes.lock(host.routes_map):
        desired = routes.read(host.database)
        routes.write(policies.path(host), policies.read(host))
        routes.write(host.routes_map, desired)
        Master(host.proxy_socket, timeout=60).reload()
    return len(desired) - 1


def _replace_live(host: HostConfig) -> int:
    with routes.lock(host.routes_map):
        desired = routes.read(host.database)
        master = Master(host.proxy_socket)
        _replace_policies(host, master)  # before any URL leads anywhere
        master.replace_map(host.routes_map, desired)
        key, value = routes.READY
        if any(master.lookup(worker, host.routes_map, key) != value for worker in master.workers()):
            raise ProxyLostError(Code.HOST, "a worker of the proxy has not got its routes")
    return len(desired) - 1


def _replace_policies(host: HostConfig, master: Master) -> None:
    """Make the live policies equal to the store's. In an upgrade the engine is the new one before the proxy is.

    Raises:
        SkerryError: the store cannot be read, or the proxy refused.
    """
    desired = policies.read(host)
    try:
        master.replace_map(policies.path(host), desired)
    except ProxyUnknownError:
        if desired:
            _log.error("the proxy knows no policies, and %d are set: apply the role proxy", len(desired))


def _is_container(host: HostConfig, ip: str) -> bool:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    prefix = ipaddress.ip_network(host.ipv4 if address.version == 4 else host.ipv6)
    return address in prefix and int(address) - int(prefix.network_address) >= FIRST_HOST


def _close_streams(host: HostConfig, address: str) -> None:
    """End every stream to ``address`` in every worker."""
    close_all(lambda: _close_once(host, address), f"to {address}")


def _close_once(host: HostConfig, address: str) -> int:
    """Tell every stream to ``address`` to end; returns how many there were."""
    master = Master(host.proxy_socket)
    with routes.lock(host.routes_map):  # a reload closes the socket for a moment
        streams = [(pid, each) for pid in master.workers() for each in master.streams_to(pid, address)]
        for worker, stream in streams:
            master.close_stream(worker, stream)
    return len(streams)
