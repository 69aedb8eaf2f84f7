"""Which members of an archive may be in a volume, and which in the root of a container."""

import dataclasses
import tarfile
from collections.abc import Sequence
from typing import cast

from skerry.host.overlay import NOTES, OPAQUE, UPPER
from skerry.model.errors import Code, SkerryError
from skerry.resources.images import tar_fields, tarball
from skerry.volume_files.copy import is_kept

LARGEST_ATTRIBUTE = 16_228  # bytes of one, with its name: what a leaf of btrfs has room for


@dataclasses.dataclass(frozen=True)
class Rules:
    """What an archive may hold.

    Attributes:
        folder: what every member's path begins with, which is not written; empty for none.
        overlay: whether it is the upper layer of an overlay, with whiteouts and opaque folders.
        most: members that it may have at most; 0 for any number.
        writer: the verb that writes such an archive.
        room: what to do where its files have no room.
    """

    folder: str
    overlay: bool
    most: int
    writer: str
    room: str


VOLUME = Rules("", overlay=False, most=0, writer="backup", room="Make the volume larger")
ROOT = Rules(UPPER, overlay=True, most=1_000_000, writer="export", room="Give the container a larger disk")


def refusal(found: str, right: str) -> SkerryError:
    """The error for what was found, with what would be right."""
    return SkerryError(Code.INVALID, f"archive: {found}", f"Right would be: {right}")


def is_whiteout(member: tarfile.TarInfo) -> bool:
    """Whether it says that a file of the image is deleted: the device 0:0, which leads nowhere."""
    return member.ischr() and (member.devmajor, member.devminor) == (0, 0)


def place(what: str, name: str, rules: Rules) -> str:
    """Where a path of the archive lies below the folder that is written to.

    Raises:
        SkerryError: it leads out of that, or lies beside it.
    """
    path = tarball.path_of(what, name)
    if not rules.folder or path == rules.folder:
        return path.removeprefix(rules.folder)
    if not path.startswith(f"{rules.folder}/"):
        right = f"the manifest once, as the first member, and all else below {rules.folder}/"
        raise refusal(f"{what} {name!r} is not below {rules.folder}/", right)
    return path.removeprefix(f"{rules.folder}/")


def checked(member: tarfile.TarInfo, rules: Rules) -> tuple[str, bool]:
    """The path of a member that may be there, and whether it is an opaque folder. Of trusted attributes it has none then.

    Raises:
        SkerryError: it may not; names the member and the rule.
    """
    name = place("member", member.name, rules)
    if (member.ischr() or member.isblk()) and not (rules.overlay and is_whiteout(member)):
        more = ", and whiteouts (0:0)" if rules.overlay else ""
        raise refusal(f"member {member.name!r} is a device", f"files, folders, links and pipes{more}")
    if rules.overlay and name in tarball.MOUNTED_UPON:
        _check_mounted_upon(member)
    opaque = rules.overlay and _is_opaque(member)
    kind, sparse = member.type, member.sparse
    _check_pieces(member)
    member.sparse = None  # a tarball of an image may have none, an archive may
    if member.ischr():
        member.type = tarfile.FIFOTYPE  # the same rules hold for it
    tarball.check_member(member, name)
    member.type, member.sparse = kind, sparse
    for attribute, text in tar_fields.attributes(member).items():
        if not is_kept(attribute):
            raise _attribute(member, attribute, rules)
        size = len(f"{attribute}{text}".encode(errors="surrogateescape"))
        if size > LARGEST_ATTRIBUTE:
            raise refusal(
                f"member {member.name!r} carries the attribute {attribute[:80]!r} of {size} bytes with its name",
                f"at most {LARGEST_ATTRIBUTE}, as btrfs keeps them",
            )
    return name, opaque


def _check_mounted_upon(member: tarfile.TarInfo) -> None:
    """Refuse what no container could start with: the host mounts there."""
    if not (tar_fields.is_folder(member) or is_whiteout(member)):
        to = f" to {member.linkname!r}" if member.issym() or member.islnk() else ""
        raise refusal(
            f"member {member.name!r} is {tarball.KINDS.get(member.type, 'no folder')}{to}",
            f"a folder: the host mounts there when a container starts, as in {', '.join(tarball.MOUNTED_UPON)}",
        )


def _check_pieces(member: tarfile.TarInfo) -> None:
    """Refuse a sparse file whose pieces do not follow one another within it."""
    end, pieces = 0, cast("Sequence[tuple[int, int]] | None", member.sparse)
    for offset, size in pieces or ():
        if offset < end or size < 0 or offset + size > member.size:
            raise refusal(
                f"member {member.name!r} is sparse, with {size} bytes at {offset} of {member.size}, after byte {end}",
                "pieces that follow one another within the file",
            )
        end = offset + size


def _is_opaque(member: tarfile.TarInfo) -> bool:
    """Whether it is an opaque folder; takes what an overlay notes away from its attributes.

    Raises:
        SkerryError: it has another trusted attribute, or that one means something else.
    """
    try:
        found = tar_fields.attributes(member)
    except ValueError:
        return False  # the check of all attributes says what is wrong
    trusted = {name: value for name, value in found.items() if name.startswith("trusted.")}
    for name, value in trusted.items():
        if name == OPAQUE and (value != "y" or not tar_fields.is_folder(member)):
            raise refusal(
                f"member {member.name!r} carries the attribute {name!r} with {value[:40]!r}",
                "'y', of a folder",
            )
        if name not in NOTES | {OPAQUE}:
            raise _attribute(member, name, ROOT)
    member.pax_headers = {
        key: value for key, value in member.pax_headers.items() if tar_fields.attribute(key) not in trusted
    }
    return OPAQUE in trusted


def _attribute(member: tarfile.TarInfo, name: str, rules: Rules) -> SkerryError:
    right = "user attributes, capabilities and ACLs"
    return refusal(
        f"member {member.name!r} carries the attribute {name!r}",
        f"{right}; of folders {OPAQUE!r} as well" if rules.overlay else right,
    )
