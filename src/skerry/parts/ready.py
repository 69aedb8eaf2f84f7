"""The last step of a start whose caller wants to use the container at once: wait until it answers."""

import dataclasses
import os
import time
from typing import ClassVar

from skerry.host import systemd, tcp
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts import ends
from skerry.parts.base import Part

_LOOK = 0.02  # seconds between two looks whether an init has said that it is up


@dataclasses.dataclass(frozen=True)
class Ready(Part):
    """Container ``id`` is ready; waited for at most ``timeout`` seconds.

    Attributes:
        port: the one that accepts connections then; 0 for a whole Debian, whose init says it by itself (start.c).
        memory: its limit in bytes, for the message where it runs out of it.
    """

    kind: ClassVar[str] = "ready"
    making: ClassVar[str] = "await"
    id: str
    address: str
    port: int
    timeout: float
    memory: int = 0

    def __str__(self) -> str:
        return f"port {self.port} of {self.id}" if self.port else f"init of {self.id}"

    def make(self, host: HostConfig) -> None:
        """Wait for it."""
        if self._wait(host):
            return
        unit, within = f"skerry-{self.id}.service", f"within {self.timeout:g} s"
        if not self._alive():
            how = ends.told(f"{host.run}/c/{self.id}", self.memory)
            message, hint = f"the container's program ended while it was waited for{how}", "Its log says why"
        elif self.port:
            message = f"nothing answered on port {self.port} of the container {within}"
            hint = "Let its program listen on all addresses at that port, name another, or wait for 'running' only"
        else:
            message = f"the container's init did not say that it is up {within}"
            hint = "Is it systemd? 'systemctl list-jobs' inside says what it waits for; or wait for 'running' only"
        raise SkerryError(Code.FAILED, message, hint, systemd.journal(unit))

    def _alive(self) -> bool:
        return systemd.state(f"skerry-{self.id}.service") not in {"failed", "inactive", "restarting"}

    def _wait(self, host: HostConfig) -> bool:
        if self.port:
            return tcp.wait_for(self.address, self.port, self.timeout, self._alive)
        deadline = time.monotonic() + self.timeout
        while not self.exists(host):
            if time.monotonic() > deadline or not self._alive():
                return False
            time.sleep(_LOOK)
        return True

    def remove(self, host: HostConfig) -> None:
        """Nothing to take back: waiting left nothing."""

    def exists(self, host: HostConfig) -> bool:
        """Whether it answers now."""
        if self.port:
            return tcp.accepts(self.address, self.port)
        return os.path.exists(f"{host.run}/c/{self.id}/ready")
