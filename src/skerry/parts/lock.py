"""A policy at the proxy: one entry in the map that HAProxy looks the owner of a URL up in.

What it says is in the store alone, where it is encrypted, and not in the part, which the journal keeps.
"""

import dataclasses
from typing import ClassVar

from skerry.host import policies, routes
from skerry.host.haproxy import Master, ProxyDownError, retry
from skerry.model.errors import invalid
from skerry.model.host import HostConfig
from skerry.model.ids import ID_PATTERN
from skerry.parts.base import Part


@dataclasses.dataclass(frozen=True)
class Lock(Part):
    """The proxy has the policy of one container or project as the store has it, or has none where the store has none.

    Attributes:
        owner: id of the container or project.
        version: of the policy, for a person.
    """

    kind: ClassVar[str] = "lock"
    making: ClassVar[str] = "set"
    owner: str
    version: int = 1

    def __str__(self) -> str:
        return f"policy {self.version} at the proxy"

    def make(self, host: HostConfig) -> None:
        """Bring the proxy to what the store has. One that does not run serves nothing, and reads the store when it starts.

        Raises:
            SkerryError: the proxy refused.
        """
        if not ID_PATTERN.fullmatch(self.owner):
            raise invalid("policy", self.owner, "the id of a container or project")
        try:
            retry(lambda: self._bring(host))
        except ProxyDownError:
            return

    def remove(self, host: HostConfig) -> None:
        """The same: the store has lost it, or has another one again, before this is asked."""
        self.make(host)

    def exists(self, host: HostConfig) -> bool:
        """Whether every worker has exactly what the store has, or still has what the store has lost."""
        wanted = policies.read(host, self.owner).get(self.owner)
        try:
            live = retry(lambda: self._live(host))
        except ProxyDownError:
            return False
        return any(live) if wanted is None else all(one == wanted for one in live)

    def _bring(self, host: HostConfig) -> None:
        with routes.lock(host.routes_map):
            value, path = policies.read(host, self.owner).get(self.owner), policies.path(host)
            if value is None:
                Master(host.proxy_socket).delete_entry(path, self.owner)
            else:
                Master(host.proxy_socket).set_entry(path, self.owner, value)

    def _live(self, host: HostConfig) -> list[str | None]:
        master = Master(host.proxy_socket)
        with routes.lock(host.routes_map):
            return [master.lookup(one, policies.path(host), self.owner) for one in master.workers()]
