"""What is asked about snapshots, and how it is answered."""

from typing import Annotated, Any, ClassVar, Literal, TypedDict

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints

from skerry.model.base import Frozen
from skerry.model.container import ContainerKey
from skerry.model.duration import format_duration, parse_duration
from skerry.model.snapshot import SOURCE, NewSnapshotKey, SnapshotKey
from skerry.model.volume import VolumeKey
from skerry.protocol.core import Change, Listing, Request, Resource, Seconds

Duration = Annotated[
    int | None,
    BeforeValidator(lambda value: value if value is None else parse_duration(value)),
    PlainSerializer(format_duration, when_used="unless-none"),
    Field(description="How long it is kept, such as 12h, 7d or 4w. Without that, until somebody deletes it."),
]


class _OneSnapshot(Frozen):
    snapshot: SnapshotKey


class SnapshotCreate(Change):
    """Keep the files of a container or volume as they are now. It may run meanwhile."""

    verb: Literal["snapshot_create"]
    snapshot: NewSnapshotKey
    expires: Duration = None


class SnapshotRestore(_OneSnapshot, Change):
    """Put the files of a snapshot in the place of those that a container or volume has; a container with its image."""

    answered_by: ClassVar[tuple[str, ...]] = ("container", "volume")
    verb: Literal["snapshot_restore"]
    keep: Annotated[
        bool,
        Field(
            description="Keep the files of now as a snapshot, which is called before- and the time. "
            "Otherwise what was written since is destroyed."
        ),
    ] = True
    wait: Annotated[
        Literal["running", "ready"], Field(description="What to wait for where a container runs.")
    ] = "ready"
    timeout: Annotated[Seconds, Field(description="Seconds to wait for it.")] = 30.0
    grace: Annotated[
        float | None,
        Field(
            ge=0,
            le=3600,
            allow_inf_nan=False,
            description="Seconds a container's program has to end, in place of the container's own grace.",
        ),
    ] = None

    def kind(self) -> str:
        """That of what the snapshot is of."""
        return self.snapshot.kind

    @property
    def container(self) -> ContainerKey:
        """The container that the snapshot is of."""
        key = self.snapshot
        return ContainerKey(realm=key.realm, project=key.project, name=key.owner_name)

    @property
    def volume(self) -> VolumeKey:
        """The volume that the snapshot is of."""
        key = self.snapshot
        return VolumeKey(realm=key.realm, project=key.project, name=key.owner_name)


class SnapshotDelete(_OneSnapshot, Change):
    """Delete a snapshot."""

    verb: Literal["snapshot_delete"]


class SnapshotEnsure(_OneSnapshot, Change):
    """Bring a snapshot to a state, whatever it is in now: what the Ansible module asks for."""

    verb: Literal["snapshot_ensure"]
    state: Annotated[Literal["present", "absent"], Field(description="Whether it shall be there.")]
    expires: Duration = None


class SnapshotInfo(_OneSnapshot, Request):
    """Tell all about one snapshot, and how much its deletion would free."""

    verb: Literal["snapshot_info"]


class SnapshotList(Listing):
    """Tell about every snapshot, or those of one container, volume, realm or project."""

    verb: Literal["snapshot_list"]
    source: Annotated[
        Annotated[str, StringConstraints(pattern=SOURCE, max_length=39)] | None,
        Field(description="Only those of this container, or volume/NAME."),
    ] = None


class OneSnapshot(TypedDict):
    """The answer to ``snapshot_info``: the snapshot, and what its deletion would free (bytes; null where unknown)."""

    snapshot: dict[str, Any]


class Snapshots(TypedDict):
    """The answer to ``snapshot_list``: the snapshots, and of each schedule when the next is due and what was missed."""

    snapshots: list[dict[str, Any]]
    schedules: list[dict[str, Any]]


RESOURCE = Resource(
    "snapshot",
    1,
    (SnapshotCreate, SnapshotRestore, SnapshotDelete, SnapshotEnsure, SnapshotInfo, SnapshotList),
    ("source", "name", "project", "created", "expires", "size", "image"),
)
