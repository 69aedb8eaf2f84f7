"""What a container is. Every option is declared here once: type, default, bounds, how it takes effect.

The wire format and the command are made of these declarations; `make options` writes the modules' argument specs and the
reference pages from them. What an option brings about is elsewhere: docs/explanation/house.md, "A new option".
"""

import dataclasses
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from skerry.model.size import format_size, parse_size

DEFAULT_PORT = 1071
SERVICE_NAME_MAX = 13  # 24 + 1 + 24 characters of ids and a dash leave 13 of a DNS label's 63 (RFC 1035)

_LABEL = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"
Name = Annotated[str, StringConstraints(pattern=_LABEL, max_length=32)]
ServiceName = Annotated[str, StringConstraints(pattern=_LABEL, max_length=SERVICE_NAME_MAX)]
TcpPort = Annotated[int, Field(ge=1, le=65_535)]
Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size, return_type=str)]
_LONGEST_WORD = 128 * 1024  # MAX_ARG_STRLEN
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True)
class TakesEffect:
    """How a changed option reaches a container that runs. It says so only: plan/verbs.py and parts/unit.py do it.

    Attributes:
        how: ``live`` at once, ``restart`` at its next start, ``never``: it is refused.
    """

    how: Literal["live", "restart", "never"]


def _passable(text: str) -> bool:
    """Whether a program can be given this: execve(2) takes no zero byte and 128 KiB at most, the end included."""
    try:
        return "\0" not in text and len(text.encode()) < _LONGEST_WORD
    except UnicodeEncodeError:
        return False


def check_env(value: dict[str, str]) -> dict[str, str]:
    """Refuse variables that no program could be given, and those that the host sets."""
    for name, text in value.items():
        if not _ENV_NAME.fullmatch(name) or name.startswith("SKERRY_"):
            raise ValueError(
                f"{name!r} is not a name for a variable; use letters, digits and _, and not SKERRY_…"
            )
        if "\n" in text or not _passable(f"{name}={text}"):
            raise ValueError(f"the value of {name} must be one line of text; give less than 128 KiB of UTF-8")
    return value


def check_command(value: list[str] | None) -> list[str] | None:
    """Refuse a command without a program, or one that cannot be passed on."""
    if value is not None and (not value or not value[0]):
        raise ValueError("give the program and its arguments")
    for number, word in enumerate(value or (), start=1):
        if "\n" in word or not _passable(word):
            raise ValueError(f"entry {number} must be one line of text; give less than 128 KiB of UTF-8")
    return value


class Frozen(BaseModel):
    """Base of everything here: immutable, and a field that is not declared is an error, not a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Service(Frozen):
    """A port that the proxy may reach, with a URL of its own: ``PROJECT-INSTANCE-NAME.DOMAIN``."""

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
            description="Name of an image on the host, or C(sha256:) and its digest.",
        ),
        TakesEffect("never"),
    ]
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
    env: Annotated[
        dict[str, str],
        AfterValidator(check_env),
        Field(description="Environment of its program. C(SKERRY_ID) and its like are set by the host."),
        TakesEffect("restart"),
    ] = {}
    command: Annotated[
        list[str] | None,
        AfterValidator(check_command),
        Field(description="Program and arguments to run instead of the image's own."),
        TakesEffect("restart"),
    ] = None

    def ports(self) -> tuple[int, ...]:
        """Every port that the proxy may reach, sorted."""
        return tuple(sorted({self.port, *(service.port for service in self.services)}))


def takes_effect(option: str) -> TakesEffect:
    """How a change of ``option`` reaches a running container."""
    return next(m for m in Spec.model_fields[option].metadata if isinstance(m, TakesEffect))


class ContainerKey(Frozen):
    """How a person names a container: realm (tenant), project, name."""

    realm: Annotated[Name, Field(description="Tenant that owns the container.")] = "default"
    project: Annotated[Name, Field(description="Project of the realm; the first half of the URL.")] = (
        "default"
    )
    name: Annotated[Name, Field(description="Name of the container, unique in its project.")]

    def __str__(self) -> str:
        return f"{self.realm}/{self.project}/{self.name}"


Wanted = Literal["started", "stopped"]


@dataclasses.dataclass(frozen=True)
class Image:
    """A root file system on this host: one EROFS file named by the digest of the tarball it was made from."""

    digest: str
    name: str
    size: int
    command: tuple[str, ...] = ()
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    created: str = ""


@dataclasses.dataclass(frozen=True)
class Container:
    """One container as the store knows it: the user's :class:`Spec` and everything derived when it was created."""

    id: str
    realm_id: str
    project_id: str
    key: ContainerKey
    slot: int
    image: Image
    spec: Spec
    wanted: Wanted
    version: int = 1
    created: str = ""

    def host_names(self, domain: str) -> dict[str, int]:
        """The host name of each of its URLs, with the port behind it."""
        stem = f"{self.project_id}-{self.id}"
        names = {f"{stem}.{domain}": self.spec.port}
        return names | {f"{stem}-{service.name}.{domain}": service.port for service in self.spec.services}

    def view(self) -> dict[str, Any]:
        """The container as JSON, for a list or an answer."""
        return {
            "id": self.id,
            **self.key.model_dump(),
            "image_digest": self.image.digest,
            "wanted": self.wanted,
            "version": self.version,
            "created": self.created,
            **self.spec.model_dump(mode="json"),
        }
