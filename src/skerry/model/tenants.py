"""What realms and projects are: who owns containers, volumes and secrets, and how much of the host they may promise."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from skerry.model.base import DEFAULT, Frozen, Name, with_realm
from skerry.model.size import format_size, parse_size

NONE = "none"  # what is written for a quota that is not there
_SMALLEST = 16 * 1024**2


class RealmKey(Frozen):
    """How a person names a realm."""

    in_words: ClassVar[str] = "a name"
    name: Annotated[Name, Field(description="Name of the realm (tenant), unique on the host.")]

    def __str__(self) -> str:
        return self.name


class ProjectKey(Frozen):
    """How a person names a project: realm (tenant) and name."""

    in_words: ClassVar[str] = "a realm and a name"
    realm: Annotated[Name, Field(description="Tenant that owns the project.")] = DEFAULT
    name: Annotated[Name, Field(description="Name of the project, unique in its realm, or REALM/PROJECT.")]

    @model_validator(mode="before")
    @classmethod
    def _with_realm(cls, value: Any) -> Any:
        return with_realm(value, "name")

    def __str__(self) -> str:
        return f"{self.realm}/{self.name}"


def _unset(value: Any) -> Any:
    return None if value == NONE else value


def _size(value: Any) -> int | None:
    return None if value is None or value == NONE else parse_size(value)


Count = Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_unset)]
Processors = Annotated[
    Annotated[float, Field(ge=0.05, le=65_536, allow_inf_nan=False)] | None, BeforeValidator(_unset)
]
Processes = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_unset)]
Memory = Annotated[
    Annotated[int, Field(ge=_SMALLEST)] | None,
    BeforeValidator(_size),
    PlainSerializer(format_size, when_used="unless-none"),
]
Disk = Annotated[
    Annotated[int, Field(ge=0)] | None,
    BeforeValidator(_size),
    PlainSerializer(format_size, when_used="unless-none"),
]


class Quota(Frozen):
    """How much a realm or a project may have at most; None is no quota. What is promised counts, used or not."""

    in_words: ClassVar[str] = "quotas with their values"
    containers: Annotated[Count, Field(description="Containers, running or not.")] = None
    memory: Annotated[
        Memory,
        Field(description="Sum of its containers' memory, such as 8G. The kernel holds them to it too."),
    ] = None
    cpu: Annotated[
        Processors, Field(description="Sum of its containers' cpu. The kernel holds them to it too.")
    ] = None
    pids: Annotated[
        Processes, Field(description="Sum of its containers' pids. The kernel holds them to it too.")
    ] = None
    disk: Annotated[
        Disk, Field(description="Sum of its containers' disk and its volumes' size, such as 40G.")
    ] = None
    volumes: Annotated[Count, Field(description="Volumes.")] = None

    def told(self) -> dict[str, Any]:
        """Those that are set, as an answer shows them."""
        return self.model_dump(mode="json", exclude_none=True)


SIZES = frozenset({"memory", "disk"})
Use = Mapping[str, float]
"""What is promised, by the name of the quota that it counts for."""


def shown(name: str, value: float | None) -> str:
    """A quota, or what is promised of it, as people write it."""
    if value is None:
        return NONE
    return format_size(int(value)) if name in SIZES else f"{value:g}" if name == "cpu" else str(int(value))


@dataclasses.dataclass(frozen=True)
class Realm:
    """One realm as the store knows it.

    Attributes:
        merge_memory: whether equal memory of its containers is kept once.
    """

    word: ClassVar[str] = "realm"
    id: str
    key: RealmKey
    quota: Quota = dataclasses.field(default_factory=Quota)
    merge_memory: bool = False
    created: str = ""


@dataclasses.dataclass(frozen=True)
class Project:
    """One project as the store knows it."""

    word: ClassVar[str] = "project"
    id: str
    realm_id: str
    key: ProjectKey
    quota: Quota = dataclasses.field(default_factory=Quota)
    created: str = ""


def titled(owner: Realm | Project) -> str:
    """A realm or project, as a message names it."""
    return f"{owner.word} {owner.key}"
