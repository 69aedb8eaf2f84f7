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
_ONLY_RUNNING = "only wait until it runs (-e wait=running, --wait running)"


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
        """Wait for it.

        Raises:
            SkerryError: it did not answer in time, or its program ended meanwhile.
        """
        if not self._wait(host):
            self._check_alive(host)
            raise self._silent()

    @property
    def _unit(self) -> str:
        return f"skerry-{self.id}.service"

    def _silent(self) -> SkerryError:
        within = f"within {self.timeout:g} s"
        again = systemd.restarts(self._unit).count
        if self.port:
            message = f"nothing answered on port {self.port} of the container {within}"
            hint = f"Let its program listen on all addresses at that port, name another, or {_ONLY_RUNNING}"
        else:
            message = f"the container's init did not say that it is up {within}"
            hint = f"Is it systemd? 'systemctl list-jobs' inside says what it waits for; or {_ONLY_RUNNING}"
        if again:
            message += f"; its program ended and was started again {again} time{'s' * (again != 1)}"
            hint = "The end of its log says why"
        return SkerryError(Code.FAILED, message, hint, systemd.journal(self._unit))

    def _check_alive(self, host: HostConfig) -> None:
        """Refuse to wait for a program that has ended; how is read at once, since systemd soon starts it again."""
        how = ends.told(f"{host.run}/c/{self.id}", self.memory)
        if how or systemd.state(self._unit) in {"failed", "inactive", "restarting"}:
            how = how or ends.told(f"{host.run}/c/{self.id}", self.memory)
            message = f"the container's program ended while it was waited for{how}"
            raise SkerryError(
                Code.FAILED, message, "The end of its log says why", systemd.journal(self._unit)
            )

    def _wait(self, host: HostConfig) -> bool:
        if self.port:
            return tcp.wait_for(self.address, self.port, self.timeout, lambda: self._check_alive(host))
        deadline = time.monotonic() + self.timeout
        while not self.exists(host):
            if time.monotonic() > deadline:
                return False
            self._check_alive(host)
            time.sleep(_LOOK)
        return True

    def remove(self, host: HostConfig) -> None:
        """Nothing to take back: waiting left nothing."""

    def exists(self, host: HostConfig) -> bool:
        """Whether it answers now."""
        if self.port:
            return tcp.accepts(self.address, self.port)
        return os.path.exists(f"{host.run}/c/{self.id}/ready")
