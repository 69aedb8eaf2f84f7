"""What is asked about volumes, and how it is answered."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from skerry.model.base import Frozen
from skerry.model.container import Name, Size
from skerry.model.copies import Copied
from skerry.model.schedule import KEPT, OtherEvery, OtherKeep, SnapshotEvery, SnapshotKeep
from skerry.model.size import format_size, parse_size
from skerry.model.volume import VolumeKey
from skerry.protocol.core import Change, FifoName, Listing, Request, Resource, Stream

_SMALLEST = 16 * 1024**2
VolumeSize = Annotated[
    Size,
    Field(
        ge=_SMALLEST,
        description="Space its files may take. It can be changed while containers use the volume.",
    ),
]
OtherSize = Annotated[
    Annotated[int, Field(ge=_SMALLEST)] | None,
    BeforeValidator(lambda value: value if value is None else parse_size(value)),
    PlainSerializer(format_size, when_used="unless-none"),
]


class _OneVolume(Frozen):
    volume: VolumeKey


class VolumeCreate(_OneVolume, Change):
    """Make a volume that must not exist yet."""

    verb: Literal["volume_create"]
    size: VolumeSize = parse_size("1G")
    snapshot_every: SnapshotEvery = ""
    snapshot_keep: SnapshotKeep = KEPT


class _Copies(Frozen):
    source: Annotated[
        Copied, Field(description="What is copied: NAME, or NAME@SNAPSHOT for its files as they were then.")
    ]


class VolumeCopy(_OneVolume, _Copies, Change):
    """Make a volume with the files and options of another one. What is named is another option."""

    verb: Literal["volume_copy"]
    size: Annotated[
        OtherSize, Field(description="Space its files may take, at least 16M. By default, that of the other.")
    ] = None
    snapshot_every: OtherEvery = None
    snapshot_keep: OtherKeep = None


class VolumeRename(_OneVolume, Change):
    """Give a volume another name. Its files stay, and the containers that have it name it so."""

    verb: Literal["volume_rename"]
    new_name: Annotated[Name, Field(description="What it is to be called.")]


class VolumeUpdate(_OneVolume, Change):
    """Change options of a volume. What is not named stays as it is."""

    verb: Literal["volume_update"]
    size: Annotated[
        OtherSize,
        Field(
            description="Space its files may take, at least 16M. It can be changed while containers use the volume."
        ),
    ] = None
    snapshot_every: OtherEvery = None
    snapshot_keep: OtherKeep = None

    @model_validator(mode="after")
    def _changes_something(self) -> "VolumeUpdate":
        if (self.size, self.snapshot_every, self.snapshot_keep) == (None, None, None):
            raise ValueError("nothing is to be changed; give size, snapshot_every or snapshot_keep")
        return self


class VolumeDelete(_OneVolume, Change):
    """Delete a volume with all its files; one that a container has is refused."""

    verb: Literal["volume_delete"]


class VolumeEnsure(_OneVolume, Change):
    """Bring a volume to a state, whatever it is in now: what the Ansible module asks for."""

    verb: Literal["volume_ensure"]
    state: Annotated[
        Literal["present", "absent"],
        Field(description="Whether it shall be there. Deleting one that a container has is refused."),
    ]
    size: Annotated[
        OtherSize,
        Field(
            description="Space its files may take, at least 16M. A new volume has 1G, one that exists keeps its own. "
            "It can be changed while containers use the volume.",
        ),
    ] = None
    snapshot_every: OtherEvery = None
    snapshot_keep: OtherKeep = None
    copy_of: Annotated[
        Copied | None,
        Field(
            description="A volume of the same project, or NAME@SNAPSHOT, whose files and options it has where it is made. "
            "One that exists stays as it is."
        ),
    ] = None
    renamed_from: Annotated[
        Name | None,
        Field(
            description="What it was called before. Where none of its own name exists, that one gets the name, and keeps "
            "its files."
        ),
    ] = None


class VolumeBackup(_OneVolume, Change):
    """Write the files of a volume, as they are in one moment, into a tar archive: FILE, or standard output."""

    verb: Literal["volume_backup"]
    stream: Annotated[
        FifoName,
        Field(
            description="The archive. A file must not exist yet; without one, or with -, it is standard output."
        ),
        Stream("out"),
    ] = ""


class VolumeRestore(_OneVolume, Change):
    """Put the files of a tar archive into a volume: FILE, or standard input. A new volume is made."""

    verb: Literal["volume_restore"]
    stream: Annotated[
        FifoName,
        Field(description="The archive that 'backup' wrote; without one, or with -, it is standard input."),
        Stream("in"),
    ] = ""
    size: Annotated[VolumeSize, Field(description="Space that a new volume's files may take.")] = parse_size(
        "1G"
    )
    replace: Annotated[
        str,
        Field(
            description="Id of the volume, as 'info' shows it, where its own files shall be destroyed. A new volume, and "
            "one without files, need no such word."
        ),
    ] = ""


class VolumeInfo(_OneVolume, Request):
    """Tell all about one volume."""

    verb: Literal["volume_info"]


class VolumeList(Listing):
    """Tell about every volume, or those of one realm or project."""

    verb: Literal["volume_list"]


class OneVolume(TypedDict):
    """The answer to ``volume_info``: the volume, what it uses (bytes), and the containers that have it."""

    volume: dict[str, Any]


class Volumes(TypedDict):
    """The answer to ``volume_list``."""

    volumes: list[dict[str, Any]]


RESOURCE = Resource(
    "volume",
    1,
    (
        VolumeCreate,
        VolumeUpdate,
        VolumeCopy,
        VolumeRename,
        VolumeDelete,
        VolumeEnsure,
        VolumeBackup,
        VolumeRestore,
        VolumeInfo,
        VolumeList,
    ),
    ("name", "project", "size", "used", "containers"),
)
