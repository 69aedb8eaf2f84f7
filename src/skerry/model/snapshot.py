"""What a snapshot is: the files of a container or of a volume, as they were in one moment."""

import dataclasses
import datetime
from collections.abc import Collection
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from skerry.model.base import InProject, Name

SOURCE = r"^(volume/)?[a-z]([a-z0-9-]*[a-z0-9])?$"
SNAPSHOT_LABEL = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
SnapshotName = Annotated[str, StringConstraints(pattern=SNAPSHOT_LABEL, max_length=48)]
_OF_VOLUME = "volume/"


class SourceKey(InProject):
    """How a person names what snapshots are of."""

    in_words: ClassVar[str] = "a realm, a project and a source"
    realm: Annotated[Name, Field(description="Tenant that owns it.")] = "default"
    project: Annotated[Name, Field(description="Project of the realm, or REALM/PROJECT.")] = "default"
    source: Annotated[
        str,
        StringConstraints(pattern=SOURCE, max_length=39),
        Field(description="What it is of: the name of a container, or volume/NAME."),
    ]

    @property
    def kind(self) -> str:
        """The kind of what it is of."""
        return "volume" if self.source.startswith(_OF_VOLUME) else "container"

    @property
    def owner_name(self) -> str:
        """The name of the container or volume."""
        return self.source.removeprefix(_OF_VOLUME)

    @property
    def owner(self) -> str:
        """The container or volume, as a person names it."""
        return f"{self.realm}/{self.project}/{self.owner_name}"

    def __str__(self) -> str:
        return f"{self.realm}/{self.project}/{self.source}"


class SnapshotKey(SourceKey):
    """How a person names a snapshot: what it is of, and its own name."""

    in_words: ClassVar[str] = "a realm, a project, a source and a name"
    name: Annotated[SnapshotName, Field(description="Name of the snapshot, unique in what it is of.")]

    def __str__(self) -> str:
        return f"{self.realm}/{self.project}/{self.source}@{self.name}"


def stamped(before: str = "", taken: Collection[str] = ()) -> str:
    """A name that says when: ``before`` and the time, in UTC; with a number where that is ``taken``."""
    name = f"{before}{datetime.datetime.now(datetime.UTC):%Y-%m-%d-%H%M%S}"
    others = (f"{name}-{number}" for number in range(2, len(taken) + 2))
    return next(one for one in (name, *others) if one not in taken)


class NewSnapshotKey(SnapshotKey):
    """As :class:`SnapshotKey`, of one that is to be taken."""

    name: Annotated[
        SnapshotName,
        Field(
            default_factory=stamped,
            description="Name of the snapshot. Without one it is called by the time, in UTC.",
        ),
    ]


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One snapshot as the store knows it.

    Attributes:
        owner_id: the id of the container or volume that it is of.
        size: bytes that the files took.
        expires: when it is deleted; empty for never.
        image: of a container, what its image was called then.
        digest: of that image.
    """

    id: str
    project_id: str
    key: SnapshotKey
    owner_id: str
    size: int
    created: str
    expires: str = ""
    image: str = ""
    digest: str = ""

    @property
    def place(self) -> str:
        """Where its subvolume lies in the pool. One of a volume that no row names is not deleted unasked."""
        return f"s/{self.key.kind}/{self.id}"

    def expired(self, at: datetime.datetime) -> bool:
        """Whether it is to be gone at a time."""
        return bool(self.expires) and datetime.datetime.fromisoformat(self.expires) <= at
