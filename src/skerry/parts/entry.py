"""What URLs of containers and aliases have in common: one entry in the map that HAProxy looks every request up in."""

import abc
import dataclasses
import time
from collections.abc import Callable

from skerry.host import routes
from skerry.host.haproxy import Master, ProxyDownError, retry
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import Part

_CLOSE_SECONDS = 5.0
_STARTING_SECONDS = 3.0


@dataclasses.dataclass(frozen=True)
class Entry(Part):
    """One entry. The store has it before it is live, and has lost it before it is taken away.

    Attributes:
        host: the host name that it is about.
    """

    host: str

    @property
    @abc.abstractmethod
    def value(self) -> str:
        """The map's value, as the store's ``route_map`` has it too."""

    @abc.abstractmethod
    def check(self, host: HostConfig) -> None:
        """Refuse what no plan of ours can contain: the map decides where strangers' requests go."""

    def make(self, host: HostConfig) -> None:
        """Make it live, or lead it elsewhere. The store has it already.

        Raises:
            SkerryError: it is not one of this host's, or the proxy does not run.
        """
        self.check(host)
        retry(lambda: self.set_live(host), down_seconds=_STARTING_SECONDS)

    def exists(self, host: HostConfig) -> bool:
        """Whether every worker has exactly this entry.

        Raises:
            SkerryError: the proxy runs but does not answer.
        """
        try:
            return retry(lambda: self._is_live(host))
        except ProxyDownError:
            return False

    def _is_live(self, host: HostConfig) -> bool:
        master = Master(host.proxy_socket)
        with routes.lock(host.routes_map):
            live = [master.lookup(worker, host.routes_map, self.host) for worker in master.workers()]
        return all(value == self.value for value in live)

    def set_live(self, host: HostConfig) -> None:
        """Write it into the live map."""
        with routes.lock(host.routes_map):
            Master(host.proxy_socket).set_entry(host.routes_map, self.host, self.value)

    def delete_live(self, host: HostConfig) -> None:
        """Take it out of the live map."""
        with routes.lock(host.routes_map):
            Master(host.proxy_socket).delete_entry(host.routes_map, self.host)


def close_all(close: Callable[[], int], where: str) -> None:
    """End what is open in the proxy, and look again until nothing is left.

    Args:
        close: tells each to end; returns how many there were.
        where: whose connections they are, in words.

    Raises:
        SkerryError: some were still open after a while.
    """
    deadline = time.monotonic() + _CLOSE_SECONDS
    while left := close():
        if time.monotonic() > deadline:
            raise SkerryError(
                Code.FAILED,
                f"{left} connections {where} are still open in the proxy",
                "Try again; 'systemctl reload skerry-proxy' helps if it stays so",
            )
        time.sleep(0.005)
