"""A running container: its systemd unit, and the proof that the unit's limits hold it."""

import dataclasses
import os
import time
from pathlib import Path
from typing import Any, ClassVar

from skerry.host import cgroups, files, journals, namespaces, systemd
from skerry.host.systemd import Properties
from skerry.host.waiting import pause
from skerry.model.addresses import addresses, gateways
from skerry.model.ends import DEFAULT_SIGNAL, Restart, signal_number
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.program import Profile
from skerry.model.size import format_size
from skerry.parts import data, ends, lxc, neighbours, older, program, sealed, slices, storage, users
from skerry.parts.base import Part, tell, warn

START = "/usr/lib/skerry/start"
_RAISED = "raised"  # a file of start's while a container has no limit, so that its root can be mounted on a full disk
_MERGES = "merges"  # a file beside start's, of one that was started so that its memory is merged
_BEFORE = {"start", "enter", ""}  # the names of PID 1 until it runs the program
_MICROSECONDS = 1_000_000
_HURRIED_GRACE = 10.0
_TOLD_EVERY = 5.0  # seconds, while a program takes its time to end
_START_TIMEOUT = 30.0  # seconds until the container's own program runs; 4 to 7 under full emulation


def image_mount(host: HostConfig, digest: str) -> str:
    """Where the image with this digest is mounted."""
    return f"{host.run}/images/{digest}"


@dataclasses.dataclass(frozen=True)
class Unit(Part):
    """The unit of container ``id``, running, inside its limits.

    Attributes:
        memory: bytes.
        cpu: processors.
        pids: processes and threads.
        env: ``NAME=value`` each.
        grace: seconds its program has to end by itself before it is killed, when the engine stops it now.
        secrets: its secrets: id, name of the file in /run/secrets, its permissions in octal, version.
        lowers: digests of the images of its root, the topmost first; only ``image_digest`` where there are none.
        mounts: volumes in its root: the name of the subvolume, the path inside, ``rw`` or ``ro``.
        user: ``USER`` or ``USER:GROUP`` that its program runs as; root where it is empty.
        groups: further groups of that user.
        workdir: the folder that its program starts in; ``/`` where it is empty.
        capabilities: what its root keeps.
        disk: bytes that its own files may take: what is set again after a start on a full disk.
        restart: when systemd starts it again after it ended by itself.
        stop_timeout: as ``grace``, when systemd stops it, as in a host's shutdown.
        stop_signal: what asks its program to end.
        profile: what lives in it: a program, or a whole Debian.
        neighbours: what it calls other containers, with the slot of each.
        merge_memory: whether equal memory of it and of others that say so is kept once.
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
    lowers: tuple[str, ...] = ()
    mounts: tuple[tuple[str, str, str], ...] = ()
    secrets: tuple[tuple[str, str, str, int], ...] = ()
    user: str = ""
    groups: tuple[str, ...] = ()
    workdir: str = ""
    capabilities: tuple[str, ...] = ()
    disk: int = 0
    restart: Restart = "on-failure"
    stop_timeout: float = 10.0
    stop_signal: str = DEFAULT_SIGNAL
    profile: Profile = "app"
    neighbours: tuple[tuple[str, int], ...] = ()
    merge_memory: bool = False

    def __post_init__(self) -> None:
        """The journal has lists for tuples, inside of one too."""
        for name in ("mounts", "secrets", "neighbours"):
            object.__setattr__(self, name, tuple((*entry,) for entry in getattr(self, name)))

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
        above = slices.group(self.realm_id, self.project_id)
        return f"{above}/{self.name}/monitor/lxc.payload.{self.id}"

    @property
    def policy(self) -> ends.Policy:
        """How systemd stops it and starts it again."""
        return ends.Policy(self.restart, self.stop_timeout, self.stop_signal, self.profile == "system")

    def how_it_ended(self, host: HostConfig) -> str:
        """``: exit code 3`` of a program that has ended; empty where nothing is known."""
        return ends.told(f"{host.run}/c/{self.id}", self.memory)

    @property
    def _slice(self) -> str:
        return slices.name(self.realm_id, self.project_id)

    def limits(self) -> Properties:
        """The unit's properties that can change while it runs."""
        return [
            ("MemoryMax", ("t", self.memory)),
            ("MemorySwapMax", ("t", 0)),
            ("CPUQuotaPerSecUSec", ("t", round(self.cpu * _MICROSECONDS))),
            ("TasksMax", ("t", self.pids)),
        ]

    def init(self) -> int | None:
        """The process that is PID 1 inside, once it runs its own program; None before and after."""
        pids = cgroups.processes(self.group) or cgroups.processes(f"{self.group}/init.scope")
        return pids[0] if pids and cgroups.program(pids[0]) not in _BEFORE else None

    def make(self, host: HostConfig) -> None:
        """Start the unit, or bring the limits of the one that runs to these; then check that they hold."""
        found = systemd.state(self.name)
        if found == "restarting":  # it takes them over when systemd starts it
            systemd.set_properties(self.name, self.limits())
            return
        if found in {"active", "reloading"}:
            systemd.set_properties(self.name, self.limits())
        else:
            self._start(host)
        self._check_limits(host)

    def _start(self, host: HostConfig) -> None:
        systemd.kill(self.name)  # what a failed one may have left
        self._check_images(host)
        self._limit_disk(host)
        self._write(host)
        journals.prepare(host, self.realm_id)
        own, (gateway4, gateway6) = addresses(host, self.slot), gateways(host)
        ipv4, ipv6 = (f"{own.ipv4}/32", gateway4), (f"{own.ipv6}/128", gateway6)  # all goes by the host
        with namespaces.made(own.uid_base, host.bridge, own.interface, own.mac, ipv4, ipv6) as descriptors:
            systemd.start_transient(self.name, self._properties(host, descriptors))
        self._wait_for_init(host)

    def _digests(self) -> tuple[str, ...]:
        return self.lowers or (self.image_digest,)

    def _ended(self, host: HostConfig) -> SkerryError:
        message = f"container {self.hostname} ended while it started{self.how_it_ended(host)}"
        return SkerryError(Code.FAILED, message, "The end of its log says why", systemd.journal(self.name))

    def _check_images(self, host: HostConfig) -> None:
        for digest in self._digests():
            if not os.path.ismount(image := image_mount(host, digest)):
                raise SkerryError(
                    Code.HOST,
                    f"image {digest[:12]} is not mounted at {image}",
                    "Restart skerry-engine.service; it mounts the images",
                )

    def _folder(self, host: HostConfig) -> str:
        return f"{host.run}/c/{self.id}"

    def _write(self, host: HostConfig) -> None:
        """Write what the start reads: outside the configuration, inside the program."""
        own, folder = addresses(host, self.slot), self._folder(host)
        for path in (folder, f"{folder}/own"):  # the container's root mounts from there, and no other user
            files.make_folder(path, 0o710)
            os.chown(path, 0, own.uid_base)
        for name in ("launch", "ended", "ready", "system", _MERGES, "own/program"):
            Path(folder, name).unlink(missing_ok=True)
        config = lxc.render(self.hostname, folder, own, self.capabilities, self.profile)
        public = {
            "hosts": neighbours.hosts_file(host, self.hostname, self.slot, self.neighbours),
            "hostname": f"{self.hostname}\n",
        }
        for name, text in {
            **public,
            "config": config,
            "disk": storage.limit_text(self.id, self.disk),
        }.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        for name in public:
            Path(folder, name).chmod(0o444)
        if self.profile == "system":
            Path(folder, "system").touch()
        if self.merge_memory:
            Path(folder, _MERGES).touch()
        Path(folder, "start").write_bytes(self._start_file(host))
        # No name can have a slash: none is taken for the host's own sshd, or for the engine.
        Path(folder, "journal").write_text(
            f"{journals.namespace(self.realm_id)} skerry/{self.hostname}\n", encoding="ascii"
        )
        ends.write_policy(folder, self.policy)
        described = Path(folder, "own", "program")
        described.write_bytes(self._description())
        described.chmod(0o400)
        os.chown(
            described, own.uid_base, own.uid_base
        )  # the container's root reads it, and nobody else inside

    def _start_file(self, host: HostConfig) -> bytes:
        folder = self._folder(host)
        sources = ("/etc/skerry/resolv.conf", f"{folder}/hosts", f"{folder}/hostname")
        mounts = [*((source, f"/etc/{os.path.basename(source)}", "file") for source in sources)]
        mounts += [(data.folder(host, name), target, how) for name, target, how in self.mounts]
        uid_base = addresses(host, self.slot).uid_base
        lowers = [image_mount(host, digest) for digest in self._digests()]
        if self.secrets:
            owner = users.owner(lowers, self.user)
            mounts += [
                (secret, name, program.secret_file(mode, owner, version))
                for secret, name, mode, version in self.secrets
            ]
        return program.start_file(self.id, folder, storage.folder(host, self.id), uid_base, lowers, mounts)

    def _description(self) -> bytes:
        return program.description(
            self.command,
            self.env,
            user=self.user,
            groups=self.groups,
            workdir=self.workdir,
            capabilities=self.capabilities,
            profile=self.profile,
        )

    def refresh(self, host: HostConfig) -> bool:
        """Write the LXC configuration of one that an older Skerry started as its launcher reads it now.

        Returns whether it was another.

        Raises:
            SkerryError: a variable that it runs with can't be in a configuration any more.
        """
        folder = self._folder(host)
        return older.started_by_one(folder) and older.refresh(
            host, self.hostname, folder, addresses(host, self.slot)
        )

    def outdated(self, host: HostConfig) -> bool:
        """Whether it runs as an older Skerry started it: by the launcher of then. Reads only."""
        return older.started_by_one(self._folder(host))

    def waits_for_restart(self, host: HostConfig) -> bool:
        """Whether it was started with another command, environment, user, image, mount, policy or merging. Reads only."""
        folder = self._folder(host)
        if self.outdated(host):
            return older.program(folder) != [str(len(self.env)), *self.env, *self.command]
        described = Path(folder, "own", "program")
        if not described.exists():
            return False
        if ends.policy_differs(folder, self.policy) or Path(folder, _MERGES).exists() != self.merge_memory:
            return True
        return described.read_bytes() != self._description() or Path(
            folder, "start"
        ).read_bytes() != self._start_file(host)

    def _properties(self, host: HostConfig, namespaces_: tuple[int, int]) -> Properties:
        argv = [START, f"{self._folder(host)}/start"]
        user, network = namespaces_
        fixed: dict[str, tuple[str, Any]] = {
            "Description": ("s", f"Skerry container {self.hostname} ({self.id})"),
            "Slice": ("s", self._slice),
            "Type": ("s", "exec"),
            "ExecStart": ("a(sasb)", [(argv[0], argv, False)]),
            # systemd keeps them while the unit is loaded: over each restart of its own, and of itself.
            "ExtraFileDescriptors": ("a(hs)", [(user, "user"), (network, "net")]),
            "Delegate": ("b", True),
            "DelegateSubgroup": ("s", "monitor"),
            "KillMode": ("s", "mixed"),
            "OOMPolicy": ("s", "continue"),
            "OOMScoreAdjust": ("i", -900),
            "Wants": ("as", sockets := journals.sockets(self.realm_id)),
            "After": ("as", sockets),
        }
        if self.secrets:  # systemd decrypts them for each start, its own restarts among these
            sealed_ = [(secret, sealed.path(host, secret)) for secret, *_ in self.secrets]
            fixed["LoadCredentialEncrypted"] = ("a(ss)", sealed_)
        if self.merge_memory:
            fixed["MemoryKSM"] = ("b", True)
        return [*fixed.items(), *self.policy.properties(), *self.limits()]

    def _wait_for_init(self, host: HostConfig) -> None:
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
                        f"container {self.hostname} did not start its program {self.command[0]!r}"
                        f"{self.how_it_ended(host)}",
                        "The end of its log says why",
                        systemd.journal(self.name),
                    )
            pause(started)

    def _check_limits(self, host: HostConfig) -> None:
        """Walk up from the container's init: what was asked of systemd must be what the kernel holds it to."""
        if host.fences == "reported":
            return
        init = self.init()
        if init is None:
            raise self._ended(host)
        expected = {
            "memory.max": self.memory,
            "memory.swap.max": 0.0,
            "cpu.max": self.cpu,
            "pids.max": self.pids,
        }
        found = cgroups.limits_of(init)
        for name, limit in expected.items():
            if found[name] > limit * 1.01 + 4096 * (name == "memory.max"):
                raise SkerryError(
                    Code.HOST,
                    f"{name} of container {self.hostname} is {found[name]:g}, not {limit:g}",
                    "The host's cgroup v2 does not hold limits; check its controllers",
                )

    def hurried(self) -> "Unit":
        """The same unit, with ten seconds of grace at most."""
        return dataclasses.replace(self, grace=min(self.grace, _HURRIED_GRACE))

    def remove(self, host: HostConfig) -> None:
        """Let its program end by itself for ``grace`` seconds, then kill what is left."""
        init = self.init()
        if init is not None and self.grace > 0:
            self._ask_to_end(init)
        systemd.kill(self.name)
        folder = self._folder(host)
        if Path(folder, _RAISED).exists():
            self._limit_disk(host)
        # First what says that it runs: attach.py must not take what is left for a container of an older Skerry.
        for path in (f"{folder}/own", folder, f"{lxc.LOCKS}{folder}"):
            files.remove_tree(path)

    def _limit_disk(self, host: HostConfig) -> None:
        """Set the limit of its files, which a start on a full disk lifts: one that was cut off has left it so."""
        if self.disk:  # a journal of an older Skerry has none
            storage.set_limit(host, self.id, self.disk)

    def _ask_to_end(self, init: int) -> None:
        asked = time.monotonic()
        try:
            os.kill(init, signal_number(self.stop_signal))
            told = asked
            while cgroups.program(init):
                if (now := time.monotonic()) >= asked + self.grace:
                    within = f"did not end within {self.grace:g} s of {self.stop_signal}"
                    warn(f"{self.hostname}: its program {within}: killed")
                    return
                if now > told + _TOLD_EVERY:
                    told = now
                    tell({"event": "progress", "stage": "waiting for its program to end"})
                pause(asked)
        except ProcessLookupError:
            return

    def exists(self, host: HostConfig) -> bool:  # noqa: ARG002
        """Whether the unit is active and the program inside it runs."""
        return systemd.state(self.name) == "active" and self.init() is not None
