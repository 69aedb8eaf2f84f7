"""What stands on the host for a realm or a project: a slice with the limits of its quota, and a realm's journal."""

import dataclasses
import os
import time
from typing import Any, ClassVar

from skerry.host import cgroups, journals, systemd
from skerry.host.systemd import Properties
from skerry.host.waiting import pause
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.size import format_size
from skerry.parts.base import Part

_UNLIMITED = 2**64 - 1
_MICROSECONDS = 1_000_000
_LONGEST = 60.0  # seconds, to delete a journal on a busy disk


def name(realm_id: str, project_id: str = "") -> str:
    """The name of the slice of a realm, or of a project."""
    return f"skerry-{realm_id}{'-' if project_id else ''}{project_id}.slice"


def group(realm_id: str, project_id: str = "") -> str:
    """Its cgroup, from the root."""
    inner = f"/{name(realm_id, project_id)}" if project_id else ""
    return f"skerry.slice/{name(realm_id)}{inner}"


@dataclasses.dataclass(frozen=True)
class Slice(Part):
    """The limits of a slice. It is there while something of it runs, and has them whenever that is.

    Attributes:
        realm_id: of the realm.
        project_id: of the project; empty for the slice of the realm.
        memory: bytes; 0 is no limit, as in the others.
        cpu: processors.
        pids: processes and threads.
    """

    kind: ClassVar[str] = "slice"
    realm_id: str
    project_id: str = ""
    memory: int = 0
    cpu: float = 0.0
    pids: int = 0

    def __str__(self) -> str:
        memory = format_size(self.memory) if self.memory else "any"
        limits = f"memory {memory}, cpu {f'{self.cpu:g}' if self.cpu else 'any'}, pids {self.pids or 'any'}"
        return f"slice {self.unit} ({limits})"

    @property
    def unit(self) -> str:
        """The name of the slice."""
        return name(self.realm_id, self.project_id)

    @property
    def limited(self) -> bool:
        """Whether it has any limit."""
        return bool(self.memory or self.cpu or self.pids)

    def _properties(self) -> Properties:
        return [
            ("MemoryMax", ("t", self.memory or _UNLIMITED)),
            ("CPUQuotaPerSecUSec", ("t", round(self.cpu * _MICROSECONDS) or _UNLIMITED)),
            ("TasksMax", ("t", self.pids or _UNLIMITED)),
        ]

    def make(self, host: HostConfig) -> None:
        """Set its limits, at once where something of it runs; then check that the kernel has them."""
        systemd.set_properties(self.unit, self._properties())
        if host.fences == "enforced" and (wrong := self._wrong()):
            raise SkerryError(
                Code.HOST,
                f"{wrong} of {self.unit} is not what it was set to",
                "The host's cgroup v2 does not hold limits; check its controllers",
            )

    def _wrong(self) -> str:
        """A limit of the kernel that is too high; empty where all are right, or nothing of it runs."""
        expected = {"memory.max": self.memory, "cpu.max": self.cpu, "pids.max": self.pids}
        found = cgroups.limits_at(group(self.realm_id, self.project_id))
        if not found:
            return ""
        wrong = (
            one
            for one, limit in expected.items()
            if limit and found.get(one, float("inf")) > limit * 1.01 + 4096 * (one == "memory.max")
        )
        return next(wrong, "")

    def remove(self, host: HostConfig) -> None:  # noqa: ARG002
        """Take the slice away, with its limits. Nothing runs in it."""
        if cgroups.populated(group(self.realm_id, self.project_id)):
            raise SkerryError(
                Code.BUSY,
                f"something still runs in {self.unit}",
                f"systemd-cgls /{group(self.realm_id)} shows it",
            )
        systemd.forget_properties(self.unit)
        systemd.stop(self.unit)

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """Whether the kernel has its limits, or will have them when something of it runs."""
        return not self._wrong()


@dataclasses.dataclass(frozen=True)
class RealmJournal(Part):
    """What the containers of a realm have written. It comes with the first of them."""

    kind: ClassVar[str] = "journal"
    realm_id: str

    def __str__(self) -> str:
        return f"logs of {self.realm_id}"

    def make(self, host: HostConfig) -> None:
        """Set the bounds of the journal."""
        journals.prepare(host, self.realm_id)

    def remove(self, host: HostConfig) -> None:  # noqa: ARG002
        """End its journald and delete its files, by a unit that may: the engine itself writes no logs."""
        for unit in (*journals.sockets(self.realm_id), journals.service(self.realm_id)):
            systemd.stop(unit)
        journals.forget(self.realm_id)
        if os.path.isdir(journals.folder(self.realm_id)):
            self._delete()

    def _delete(self) -> None:
        unit, argv = f"skerry-files-{self.realm_id}.service", ["/usr/bin/rm", "-rf", "--"]
        fixed: dict[str, tuple[str, Any]] = {
            "Description": ("s", f"Delete the logs of the Skerry realm {self.realm_id}"),
            "Type": ("s", "oneshot"),
            "ExecStart": (
                "a(sasb)",
                [(argv[0], [*argv, journals.folder(self.realm_id)], False)],
            ),
            "ProtectSystem": ("s", "strict"),
            "ReadWritePaths": ("as", ["/var/log/journal"]),
            "PrivateNetwork": ("b", True),
            "NoNewPrivileges": ("b", True),
        }
        systemd.start_transient(unit, [*fixed.items()])
        begun = time.monotonic()
        while (
            there := os.path.isdir(journals.folder(self.realm_id))
        ) and time.monotonic() < begun + _LONGEST:
            if systemd.state(unit) == "failed":
                break
            pause(begun)
        if there:
            log = systemd.journal(unit)
            systemd.kill(unit)
            raise SkerryError(
                Code.FAILED,
                f"the logs of realm {self.realm_id} could not be deleted",
                "Its log says why",
                log,
            )

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """Whether there are any."""
        return os.path.isdir(journals.folder(self.realm_id))
