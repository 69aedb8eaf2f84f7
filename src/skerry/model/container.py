"""What a container is. Every option is declared here once: type, default, bounds, how it takes effect.

The wire format and the command are made of these declarations; `make options` writes the modules' argument specs and the
reference pages from them. What an option brings about is elsewhere: docs/explanation/house.md, "A new option".
"""

import dataclasses
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from skerry.model import base
from skerry.model.base import Frozen, InProject
from skerry.model.ends import DEFAULT_SIGNAL, SYSTEM_SIGNAL, End, Health, Restart, check_signal
from skerry.model.image import Image as Image  # noqa: PLC0414 - many know it from here
from skerry.model.kept import KeptRoot
from skerry.model.labels import check_labels
from skerry.model.neighbours import ReachableFrom, Reaches
from skerry.model.profiles import Ttl, check_profile, with_defaults
from skerry.model.program import (
    Capability,
    Profile,
    check_capabilities,
    check_command,
    check_env,
    check_groups,
    check_path,
    check_user,
)
from skerry.model.publish import Publish, by_tls
from skerry.model.schedule import KEPT, SnapshotEvery, SnapshotKeep, check_schedule
from skerry.model.size import format_size, parse_size
from skerry.model.snapshot import Snapshot
from skerry.model.uses import SecretUse, VolumeUse, check_secrets, check_volumes

DEFAULT_PORT = 1071
SERVICE_NAME_MAX = 13  # 24 + 1 + 24 characters of ids and a dash leave 13 of a DNS label's 63 (RFC 1035)

Name = base.Name
ServiceName = Annotated[str, StringConstraints(pattern=base.LABEL, max_length=SERVICE_NAME_MAX)]
TcpPort = Annotated[int, Field(ge=1, le=65_535)]
Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size, return_type=str)]


@dataclasses.dataclass(frozen=True)
class TakesEffect:
    """How a changed option reaches a container that runs. The plan and parts/unit.py do it.

    Attributes:
        how: ``live`` at once, ``restart`` at its next start, ``anew``: it is restarted with a fresh root.
    """

    how: Literal["live", "restart", "anew"]


@dataclasses.dataclass(frozen=True)
class Secret:
    """The values of the option are shown nowhere, unless a request asks for them by name."""


@dataclasses.dataclass(frozen=True)
class WhenMissing:
    """What to say to whoever left the option out, and may not."""

    hint: str


class Service(Frozen):
    """A port that the proxy may reach, with a URL of its own: ``PROJECT-INSTANCE-NAME.DOMAIN``."""

    in_words: ClassVar[str] = "a name and a port"
    name: Annotated[ServiceName, Field(description="Name of the service, at most 13 characters.")]
    port: Annotated[TcpPort, Field(description="TCP port that the program listens on.")]


def _check_services(value: tuple[Service, ...]) -> tuple[Service, ...]:
    names = [service.name for service in value]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"the name {name!r} is there twice; each service has a URL, and so a name, of its own"
            )
    return value


class Spec(Frozen):
    """What the user wants of one container."""

    image: Annotated[
        str,
        Field(
            min_length=1,
            max_length=71,
            description="Name of an image on the host, or sha256: and its digest.",
        ),
        TakesEffect("anew"),
        WhenMissing(
            "A new container needs an image: name one. If the container should exist already, check its name"
        ),
    ]
    profile: Annotated[
        Profile,
        Field(
            description="What lives in it: a program; a whole Debian with its own systemd, packages and users, which is "
            "ready when its init says so; or a build, which is thrown away. These two have more rights, over their own "
            "namespaces, and reach more of the kernel."
        ),
        TakesEffect("restart"),
    ] = "app"
    memory: Annotated[
        Size,
        Field(ge=16 * 1024**2, description="Memory it may use at most. It has no swap."),
        TakesEffect("live"),
    ] = parse_size("256M")
    cpu: Annotated[
        float,
        Field(
            ge=0.05,
            le=1024,
            allow_inf_nan=False,
            description="Processors it may use at most; 0.5 is half of one.",
        ),
        TakesEffect("live"),
    ] = 1.0
    pids: Annotated[
        int,
        Field(ge=8, le=4_194_304, description="Processes and threads it may have at most."),
        TakesEffect("live"),
    ] = 256
    disk: Annotated[
        Size,
        Field(ge=16 * 1024**2, description="Space its own files may take, without the image."),
        TakesEffect("live"),
    ] = parse_size("1G")
    rollbacks: Annotated[
        int,
        Field(
            ge=0,
            le=8,
            description="Earlier roots that are kept, with their images, when the image changes. "
            "What they take counts as disk.",
        ),
        TakesEffect("live"),
    ] = 1
    port: Annotated[
        TcpPort,
        Field(description="TCP port behind its plain URL, the one without a service."),
        TakesEffect("live"),
    ] = DEFAULT_PORT
    services: Annotated[
        tuple[Service, ...],
        AfterValidator(_check_services),
        Field(max_length=32, description="Further ports, each with a URL of its own."),
        TakesEffect("live"),
    ] = ()
    volumes: Annotated[
        tuple[VolumeUse, ...],
        AfterValidator(check_volumes),
        Field(max_length=32, description="Volumes that it has. They outlive it."),
        TakesEffect("restart"),
    ] = ()
    secrets: Annotated[
        tuple[SecretUse, ...],
        AfterValidator(check_secrets),
        Field(max_length=32, description="Secrets that it has, as files in /run/secrets."),
        TakesEffect("restart"),
    ] = ()
    env: Annotated[
        dict[str, str],
        AfterValidator(check_env),
        Field(
            repr=False,
            description="Environment of its program. SKERRY_ID and its like are set by the host. "
            "Its values may be secrets: diffs, results and logs have the names only.",
        ),
        TakesEffect("restart"),
        Secret(),
    ] = {}  # noqa: RUF012 - pydantic gives each one its own
    command: Annotated[
        list[str] | None,
        BeforeValidator(lambda value: None if value == [] else value),
        AfterValidator(check_command),
        Field(
            description="Program and arguments to run instead of the image's own. An empty list means the image's own."
        ),
        TakesEffect("restart"),
    ] = None
    user: Annotated[
        str | None,
        AfterValidator(check_user),
        Field(
            description="User that its program runs as: a name of the image's or a number, and after a colon a group. "
            "Without it, the image's own, else root."
        ),
        TakesEffect("restart"),
    ] = None
    groups: Annotated[
        tuple[str, ...],
        AfterValidator(check_groups),
        Field(max_length=32, description="Further groups of that user: names of the image's, or numbers."),
        TakesEffect("restart"),
    ] = ()
    workdir: Annotated[
        str | None,
        AfterValidator(check_path),
        Field(description="Folder that its program starts in. Without it, the image's own, else /."),
        TakesEffect("restart"),
    ] = None
    capabilities: Annotated[
        tuple[Capability, ...],
        AfterValidator(check_capabilities),
        Field(
            max_length=8,
            description="What root of the container may do besides, over the container's own files and processes. "
            "Programs that start as root and become another user need chown, setgid and setuid. setuid brings kill.",
        ),
        TakesEffect("restart"),
    ] = ()
    restart: Annotated[
        Restart,
        Field(
            description="When its program is started again after it ended by itself: with any exit code, with another one "
            "than 0, or never. The pauses before it grow from 0.1 to 60 seconds, and begin anew after it ran for 10."
        ),
        TakesEffect("restart"),
    ] = "on-failure"
    grace: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            allow_inf_nan=False,
            description="Seconds its program has to end by itself when it is stopped, and when the host shuts down.",
        ),
        TakesEffect("restart"),
    ] = 10.0
    stop_signal: Annotated[
        str | None,
        AfterValidator(check_signal),
        Field(
            description="Signal that asks its program to end, such as SIGQUIT or SIGRTMIN+3. "
            f"By default the image's own, else {DEFAULT_SIGNAL}; of profile system {SYSTEM_SIGNAL}.",
        ),
        TakesEffect("restart"),
    ] = None
    health: Annotated[
        Health | None,
        Field(
            description="How to find out whether its program does its work. An empty one means: no check. "
            "By default the image's own, if it has one."
        ),
        TakesEffect("live"),
    ] = None
    after: Annotated[
        list[Name],
        Field(
            max_length=32,
            description="Containers of its project that come before it when the host starts: it waits until they run, "
            "or are healthy where they have a health check.",
        ),
        TakesEffect("live"),
    ] = []  # noqa: RUF012
    labels: Annotated[
        dict[str, str],
        AfterValidator(check_labels),
        Field(
            description="What it is marked with, keys and values. They are shown, and make groups of an inventory; "
            "Skerry itself does nothing with them. At most 64."
        ),
        TakesEffect("live"),
    ] = {}  # noqa: RUF012
    snapshot_every: Annotated[SnapshotEvery, TakesEffect("live")] = ""
    snapshot_keep: Annotated[SnapshotKeep, TakesEffect("live")] = KEPT
    reaches: Annotated[Reaches, TakesEffect("live")] = ()
    reachable_from: Annotated[ReachableFrom, TakesEffect("live")] = ()
    publish: Annotated[Publish, TakesEffect("live")] = ()
    ttl: Annotated[Ttl, TakesEffect("live")] = ""

    _of_its_profile = model_validator(mode="before")(with_defaults)

    @model_validator(mode="after")
    def _checked(self) -> "Spec":
        check_profile(self)
        check_schedule(self.snapshot_every, self.snapshot_keep)
        return self

    def ports(self) -> tuple[int, ...]:
        """Every port that the proxy may reach, sorted."""
        if self.profile == "build":
            return ()
        behind = {one.port for one in by_tls(self.publish)}
        return tuple(sorted({self.port, *(service.port for service in self.services)} | behind))


def takes_effect(option: str) -> TakesEffect:
    """How a change of ``option`` reaches a running container."""
    return next(m for m in Spec.model_fields[option].metadata if isinstance(m, TakesEffect))


class ContainerKey(InProject):
    """How a person names a container: realm (tenant), project, name."""

    in_words: ClassVar[str] = "a realm, a project and a name"
    realm: Annotated[Name, Field(description="Tenant that owns the container.")] = "default"
    project: Annotated[
        Name, Field(description="Project of the realm, or REALM/PROJECT; the first half of the URL.")
    ] = "default"
    name: Annotated[Name, Field(description="Name of the container, unique in its project.")]

    def __str__(self) -> str:
        return f"{self.realm}/{self.project}/{self.name}"


Desired = Literal["started", "frozen", "stopped"]


@dataclasses.dataclass(frozen=True)
class Container:
    """One container as the store knows it: the user's :class:`Spec` and everything derived when it was created.

    Attributes:
        data: of each volume in the spec, the name of its subvolume; none where the volume is gone.
        ended: how its program ended by itself since somebody started it, and what it does now.
        health: what its last checks say: ``starting``, ``healthy``, or ``unhealthy: `` and why; empty without a check.
        root: the number of its root: it rises with each fresh one.
        kept: earlier roots, the last one first.
        values: of each secret in the spec, its id, the version of its value, and how many bytes that has.
        neighbours: what it calls each container that it may reach, with that one's slot.
        snapshots: those that a plan makes of it. What it has else is in the store.
        followers: the ids of those whose options name it, of a plan that renames it.
        merge_memory: whether equal memory of its realm is kept once, from its next start on.
    """

    id: str
    realm_id: str
    project_id: str
    key: ContainerKey
    slot: int
    image: Image
    spec: Spec
    desired: Desired
    version: int = 1
    created: str = ""
    data: dict[str, str] = dataclasses.field(default_factory=dict)
    root: int = 1
    kept: tuple[KeptRoot, ...] = ()
    values: dict[str, tuple[str, int, int]] = dataclasses.field(default_factory=dict)
    neighbours: dict[str, int] = dataclasses.field(default_factory=dict)
    ended: End | None = None
    health: str = ""
    snapshots: tuple[Snapshot, ...] = ()
    followers: tuple[str, ...] = ()
    locked_as: str = ""  # of a plan that copies a container: the id of that one, whose policy it gets
    merge_memory: bool = False

    @property
    def down(self) -> bool:
        """Whether it is to run and does not, since its program ended by itself."""
        return self.ended is not None and self.ended.now != "running"

    @property
    def stop_signal(self) -> str:
        """The name of the signal that asks its program to end."""
        own = SYSTEM_SIGNAL if self.spec.profile == "system" else self.image.stop_signal
        return self.spec.stop_signal or own or DEFAULT_SIGNAL

    @property
    def health_check(self) -> Health | None:
        """How its health is checked; None where it is not."""
        found = self.spec.health if self.spec.health is not None else Health.model_validate(self.image.health)
        return found if found.checks and self.spec.profile != "build" else None

    def host_names(self, domain: str) -> dict[str, int]:
        """The host name of each of its URLs, with the port behind it; of a build none."""
        ports = {"": self.spec.port} | {f"-{one.name}": one.port for one in self.spec.services}
        names = {f"{self.project_id}-{self.id}{end}.{domain}": port for end, port in ports.items()}
        return {} if self.spec.profile == "build" else names

    def view(self) -> dict[str, Any]:
        """The container as JSON, for a list or an answer. Of its environment it has the names only."""
        return {
            "id": self.id,
            **self.key.model_dump(),
            "image_digest": self.image.digest,
            "desired": self.desired,
            "version": self.version,
            "created": self.created,
            **self.spec.model_dump(mode="json"),
            "env": list(self.spec.env),
            "kept_roots": [dataclasses.asdict(one) for one in self.kept],
        }
