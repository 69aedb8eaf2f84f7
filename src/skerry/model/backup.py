"""What a backup of a host's state begins with: which host it was, and what a restored one needs besides. JSON."""

import dataclasses
import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, ValidationError

from skerry.model.base import Frozen
from skerry.model.errors import Code, SkerryError

VERSION = 1
KIND = "state"  # an archive of a container says nothing there
FILES = frozenset({"state.db", "secret", "secrets.json", "pki/ca.key", "pki/ca.crt", "pki/server.pem"})
_NEEDED = {"state.db", "secret", "secrets.json"}
_Text = Annotated[str, Field(max_length=1024)]
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class BackupImage(Frozen):
    """An image that a container, root or snapshot of the host is made of. Its files are not in the backup.

    Attributes:
        name: what it is called; ``digest`` which one it is.
        source: of an OCI image, where it came from; else empty.
        layers: the names of its EROFS files.
    """

    in_words: ClassVar[str] = "a name, a digest, a source and layers"
    name: _Text
    digest: _Digest
    source: _Text
    layers: tuple[_Digest, ...]


class Backup(Frozen):
    """The host as it was.

    Attributes:
        version: of this form.
        host: the domain of its URLs.
        created: when it was so.
        skerry: the version of Skerry that wrote it.
        tables: the version of the store's schema, and of each kind's tables.
        epoch: under which its ids were drawn.
        containers: their names: realm, project, name. So are volumes and secrets.
        images: what containers are made of.
        files: the digest of each other member.
    """

    kind: Literal["state"]
    version: Literal[1]
    host: _Text
    created: _Text
    skerry: _Text
    tables: dict[_Text, Annotated[int, Field(ge=0)]]
    epoch: Annotated[int, Field(ge=1, le=2**62)]
    containers: tuple[_Text, ...]
    volumes: tuple[_Text, ...]
    secrets: tuple[_Text, ...]
    aliases: tuple[_Text, ...]
    images: tuple[BackupImage, ...]
    files: dict[_Text, _Digest]


@dataclasses.dataclass(frozen=True)
class HostState:
    """All that a host remembers, in names.

    Attributes:
        domain: of its URLs.
        epoch: under which ids are drawn; 0 where only the doing will tell.
        containers: realm, project, name of each; so are volumes and secrets.
    """

    domain: str
    epoch: int
    containers: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    images: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would be lost with it. Images come again from where they came."""
        return not (self.containers or self.volumes or self.secrets or self.aliases)


def state_of(backup: Backup, epoch: int = 0) -> HostState:
    """What a host remembers once a backup is restored."""
    return HostState(
        backup.host,
        epoch,
        backup.containers,
        backup.volumes,
        backup.secrets,
        backup.aliases,
        tuple(one.name for one in backup.images),
    )


def read(text: str) -> Backup:
    """What a backup begins with.

    Raises:
        SkerryError: it is another version's, another kind of archive, or none; the message names the field.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("its manifest is no JSON") from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise _wrong("this is no backup of a host's state", "A container's archive goes to 'skerry import'")
    version = found.get("version")
    if version != VERSION or isinstance(version, bool):
        raise SkerryError(
            Code.INVALID,
            f"backup: its manifest is of version {json.dumps(version)[:40]}, and this Skerry reads {VERSION}",
            "Bring this host to the Skerry that wrote it, or a newer one (site.yml)",
        )
    try:
        backup = Backup.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise _wrong(f"its manifest is wrong at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    names = set(backup.files)
    if names - FILES or _NEEDED - names:
        raise _wrong(f"its manifest is wrong at files: {', '.join(sorted(names ^ _NEEDED))[:200]}")
    return backup


def check_tables(backup: Backup, known: dict[str, int]) -> None:
    """Refuse a backup whose store a newer Skerry has written.

    Args:
        backup: the backup.
        known: the versions of the tables that this Skerry has.

    Raises:
        SkerryError: names the first of them.
    """
    for kind, version in sorted(backup.tables.items()):
        if version > known.get(kind, 0):
            raise SkerryError(
                Code.INVALID,
                f"backup: Skerry {backup.skerry} wrote it, with version {version} of the tables of {kind}; "
                f"this one has {known.get(kind, 0)}",
                "Bring this host to the Skerry that wrote it, or a newer one (site.yml)",
            )


def _wrong(what: str, right: str = "Take it as 'state backup' wrote it") -> SkerryError:
    return SkerryError(Code.INVALID, f"backup: {what}", right)


def damaged(what: str) -> SkerryError:
    """The error for a backup whose members are not as it says."""
    return _wrong(what, "It is cut off or damaged: nothing of it was taken. Take another backup")


def as_text(fields: dict[str, Any]) -> str:
    """The manifest with these fields, besides its kind and version."""
    found = Backup(kind=KIND, version=VERSION, **fields)
    return f"{json.dumps(found.model_dump(mode='json'), indent=1)}\n"
