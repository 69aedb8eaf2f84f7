"""What a volume is: a folder with a size of its own that outlives the containers which use it."""

import dataclasses
from typing import Annotated, ClassVar

from pydantic import Field

from skerry.model.base import InProject
from skerry.model.container import Name
from skerry.model.schedule import KEPT
from skerry.model.snapshot import Snapshot


class VolumeKey(InProject):
    """How a person names a volume: realm (tenant), project, name."""

    in_words: ClassVar[str] = "a realm, a project and a name"
    realm: Annotated[Name, Field(description="Tenant that owns the volume.")] = "default"
    project: Annotated[
        Name,
        Field(
            description="Project of the realm, or REALM/PROJECT. Only containers of the same one can have the volume."
        ),
    ] = "default"
    name: Annotated[Name, Field(description="Name of the volume, unique in its project.")]

    def __str__(self) -> str:
        return f"{self.realm}/{self.project}/{self.name}"


@dataclasses.dataclass(frozen=True)
class Volume:
    """One volume as the store knows it.

    Attributes:
        size: bytes that its files may take.
        generation: raised by each restore, which puts new files in the place of the old ones.
        snapshot_every: how often a snapshot is taken by itself; empty for never. ``snapshot_keep``: how long it is kept.
        snapshots: those that a plan makes of it, or deletes with it. What it has else is in the store.
    """

    id: str
    realm_id: str
    project_id: str
    key: VolumeKey
    size: int
    generation: int = 1
    created: str = ""
    snapshot_every: str = ""
    snapshot_keep: str = KEPT
    snapshots: tuple[Snapshot, ...] = ()

    @property
    def subvolume(self) -> str:
        """The name of the subvolume that holds its files."""
        return f"{self.id}-{self.generation}"
