"""A container's processes, held by the kernel in the middle of what they do (cgroup v2's freezer)."""

import dataclasses
import time
from typing import ClassVar

from skerry.host import cgroups
from skerry.host.waiting import pause
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import Part

_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Frozen(Part):
    """The processes of container ``id``, all of them, held. Not its launcher: systemd goes on to look after the unit.

    Attributes:
        group: the cgroup of the container's own processes, from the root.
    """

    kind: ClassVar[str] = "freezer"
    id: str
    group: str

    def __str__(self) -> str:
        return f"freezer of {self.id}"

    def make(self, host: HostConfig) -> None:  # noqa: ARG002
        """Hold every process; returns when the kernel says that they are.

        Raises:
            SkerryError: the container ended meanwhile, or a process could not be held.
        """
        if not cgroups.freeze(self.group, on=True):
            raise SkerryError(
                Code.FAILED, f"container {self.id} has no processes to freeze", "Its log says why it ended"
            )
        begun = time.monotonic()
        while not cgroups.frozen(self.group):
            if time.monotonic() > begun + _SECONDS:
                raise SkerryError(
                    Code.FAILED,
                    f"a process of container {self.id} was not frozen within {_SECONDS:g} s",
                    "It waits for a disk or a device; try again, or stop the container",
                )
            pause(begun)

    def remove(self, host: HostConfig) -> None:  # noqa: ARG002
        """Let them go on, where they are there."""
        cgroups.freeze(self.group, on=False)

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """Whether the kernel holds them all."""
        return cgroups.frozen(self.group)
