"""The last step of a start whose caller wants to use the container at once: wait until its port answers."""

import dataclasses
from typing import ClassVar

from skerry.host import systemd, tcp
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts import ends
from skerry.parts.base import Part


@dataclasses.dataclass(frozen=True)
class Ready(Part):
    """Port ``port`` of container ``id`` accepts connections; waited for at most ``timeout`` seconds.

    Attributes:
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
        return f"port {self.port} of {self.id}"

    def make(self, host: HostConfig) -> None:
        """Wait for it."""
        unit = f"skerry-{self.id}.service"

        def alive() -> bool:
            return systemd.state(unit) not in {"failed", "inactive", "restarting"}

        if tcp.wait_for(self.address, self.port, self.timeout, alive):
            return
        if alive():
            message = f"nothing answered on port {self.port} of the container within {self.timeout:g} s"
            hint = "Let its program listen on all addresses at that port, name another, or wait for 'running' only"
        else:
            how = ends.told(f"{host.run}/c/{self.id}", self.memory)
            message, hint = f"the container's program ended while it was waited for{how}", "Its log says why"
        raise SkerryError(Code.FAILED, message, hint, systemd.journal(unit))

    def remove(self, host: HostConfig) -> None:
        """Nothing to take back: waiting left nothing."""

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """Whether the port answers now."""
        return tcp.accepts(self.address, self.port)
