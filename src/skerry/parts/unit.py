"""A running container: its systemd unit, and the proof that the unit's fences hold it."""

import dataclasses
import os
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

from skerry.model.addresses import addresses
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.size import format_size
from skerry.parts import lxc, storage
from skerry.parts.base import Part
from skerry.system import cgroups, files, links, systemd
from skerry.system.systemd import Properties
from skerry.system.waiting import pause

LAUNCH = "/usr/lib/skerry/launch"
_MICROSECONDS = 1_000_000
_START_TIMEOUT = 30.0  # seconds until the container's own program runs; 4 to 7 under full emulation


def image_mount(host: HostConfig, digest: str) -> str:
    """Where the image with this digest is mounted."""
    return f"{host.run}/images/{digest}"


@dataclasses.dataclass(frozen=True)
class Unit(Part):
    """The unit of container ``id``, running, inside its fences.

    Attributes:
        memory: bytes.
        cpu: processors.
        pids: processes and threads.
        env: ``NAME=value`` each.
        grace: seconds its program has to end by itself before it is killed.
    """

    kind: ClassVar[str] = "unit"
    id: str
    realm_id: str
    project_id: str
    hostname: str
    slot: int
    image_digest: str
    command: tuple[str, ...]
    env: tuple[str, ...]
    memory: int
    cpu: float
    pids: int
    grace: float = 10.0

    def __str__(self) -> str:
        limits = f"memory {format_size(self.memory)}, cpu {self.cpu:g}, pids {self.pids}"
        return f"unit {self.name} ({limits})"

    @property
    def name(self) -> str:
        """The unit's name."""
        return f"skerry-{self.id}.service"

    @property
    def group(self) -> str:
        """The cgroup of the container's own processes, from the root."""
        slices = f"skerry.slice/skerry-{self.realm_id}.slice/{self._slice}"
        return f"{slices}/{self.name}/monitor/lxc.payload.{self.id}"

    @property
    def _slice(self) -> str:
        return f"skerry-{self.realm_id}-{self.project_id}.slice"

    def fences(self) -> Properties:
        """The unit's properties that can change while it runs."""
        return [
            ("MemoryMax", ("t", self.memory)),
            ("MemorySwapMax", ("t", 0)),
            ("CPUQuotaPerSecUSec", ("t", round(self.cpu * _MICROSECONDS))),
            ("TasksMax", ("t", self.pids)),
        ]

    def init(self) -> int | None:
        """The process that is PID 1 inside, once it runs its own program; None before and after."""
        pids = cgroups.processes(self.group)
        return pids[0] if pids and cgroups.program(pids[0]) not in {"", "lxc-start"} else None

    def make(self, host: HostConfig) -> None:
        """Start the unit, or bring the fences of the one that runs to these; then check that they hold."""
        if systemd.state(self.name) in {"active", "reloading"}:
            systemd.set_properties(self.name, self.fences())
        else:
            self._start(host)
        self._check_fences(host)

    def _start(self, host: HostConfig) -> None:
        systemd.kill(self.name)  # what a failed one may have left
        image = image_mount(host, self.image_digest)
        if not os.path.ismount(image):
            raise SkerryError(
                Code.HOST,
                f"image {self.image_digest[:12]} is not mounted at {image}",
                "Restart skerry-engine.service; it mounts the images",
            )
        self._write_config(host, image)
        systemd.start_transient(self.name, self._properties(host))
        self._wait_for_init()
        self._isolate(addresses(host, self.slot).port)

    def _isolate(self, link: str) -> None:
        """Keep its link apart from the neighbours' ones. A program that ends at once takes the link with it."""
        try:
            links.isolate(link)
        except OSError as error:
            if links.exists(link):
                raise
            raise self._ended() from error

    def _ended(self) -> SkerryError:
        message = f"container {self.hostname} ended while it started"
        return SkerryError(Code.FAILED, message, "Its log says why", systemd.journal(self.name))

    def _write_config(self, host: HostConfig, image: str) -> None:
        own, folder = addresses(host, self.slot), f"{host.run}/c/{self.id}"
        names = [entry.split("=", 1)[0] for entry in self.env]
        files.make_folder(folder, 0o711)
        config, rootfs = f"{folder}/config", f"{folder}/rootfs"
        Path(config).write_text(lxc.render(host, self.hostname, rootfs, own, names), encoding="utf-8")
        arguments = [image, storage.folder(host, self.id), rootfs, str(own.uid_base), config, self.id]
        Path(f"{folder}/launch").write_text("\0".join([*arguments, *self._program()]), encoding="utf-8")

    def _program(self) -> list[str]:
        """What launch.py is told to run: the number of variables, those, and the command."""
        return [str(len(self.env)), *self.env, *self.command]

    def waits_for_restart(self, host: HostConfig) -> bool:
        """Whether it runs with another command or environment than this one. Reads only."""
        launch = Path(f"{host.run}/c/{self.id}/launch")
        return launch.exists() and launch.read_text(encoding="utf-8").split("\0")[6:] != self._program()

    def _properties(self, host: HostConfig) -> Properties:
        argv = ["/usr/bin/python3", "-I", "-S", LAUNCH, f"{host.run}/c/{self.id}/launch"]
        fixed: dict[str, tuple[str, Any]] = {
            "Description": ("s", f"Skerry container {self.hostname} ({self.id})"),
            "Slice": ("s", self._slice),
            "Type": ("s", "exec"),
            "ExecStart": ("a(sasb)", [(argv[0], argv, False)]),
            "Delegate": ("b", True),
            "DelegateSubgroup": ("s", "monitor"),
            "KillMode": ("s", "mixed"),
            "OOMPolicy": ("s", "continue"),
            "OOMScoreAdjust": ("i", -900),
            "Restart": ("s", "on-failure"),
            "RestartUSec": ("t", _MICROSECONDS),
            "SyslogIdentifier": ("s", self.hostname),
        }
        return [*fixed.items(), *self.fences()]

    def _wait_for_init(self) -> None:
        started = time.monotonic()
        look_at_unit = started + 0.2
        while self.init() is None:
            now = time.monotonic()
            if now > look_at_unit:
                look_at_unit = now + 0.2
                ended = systemd.state(self.name) in {"failed", "inactive", "restarting"}
                if ended or now > started + _START_TIMEOUT:
                    raise SkerryError(
                        Code.FAILED,
                        f"container {self.hostname} did not start its program {self.command[0]!r}",
                        "Its log says why",
                        systemd.journal(self.name),
                    )
            pause(started)

    def _check_fences(self, host: HostConfig) -> None:
        """Walk up from the container's init: what was asked of systemd must be what the kernel holds it to."""
        if host.fences == "reported":
            return
        init = self.init()
        if init is None:
            raise self._ended()
        wanted = {
            "memory.max": self.memory,
            "memory.swap.max": 0.0,
            "cpu.max": self.cpu,
            "pids.max": self.pids,
        }
        found = cgroups.limits_of(init)
        for name, limit in wanted.items():
            if found[name] > limit * 1.01 + 4096 * (name == "memory.max"):
                raise SkerryError(
                    Code.HOST,
                    f"{name} of container {self.hostname} is {found[name]:g}, not {limit:g}",
                    "The host's cgroup v2 does not fence; check its controllers",
                )

    def remove(self, host: HostConfig) -> None:
        """Let its program end by itself for ``grace`` seconds, then kill what is left."""
        init = self.init()
        if init is not None and self.grace > 0:
            self._ask_to_end(init)
        systemd.kill(self.name)
        links.remove(addresses(host, self.slot).port)
        files.remove_tree(f"{host.run}/c/{self.id}")

    def _ask_to_end(self, init: int) -> None:
        asked = time.monotonic()
        try:
            os.kill(init, signal.SIGTERM)
            while time.monotonic() < asked + self.grace and cgroups.program(init):
                pause(asked)
        except ProcessLookupError:
            return

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """Whether the unit is active and the program inside it runs."""
        return systemd.state(self.name) == "active" and self.init() is not None
