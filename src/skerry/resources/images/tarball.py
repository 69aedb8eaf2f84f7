"""Read a tarball's headers and refuse what may not become a container's root. Nothing is ever extracted.

What a hostile tarball could do to who unpacks it, it cannot do here: the image is made by a program without privileges,
and is mounted without devices and set-uid. So the rules below are about what a container could not use or should not
have, and about saying so by name before anything else happens.

This is the only reader of a tarball. What makes the image gets a stream written anew from what was read here
(:mod:`skerry.resources.images.tar_stream`): two readers of one file differ in what they see.
"""

import dataclasses
import tarfile
from collections.abc import Callable
from typing import BinaryIO, cast

from skerry.model.errors import Code, SkerryError
from skerry.resources.images import tar_fields, tar_stream
from skerry.resources.images.tar_tree import MisplacedError, Tree

MOST_MEMBERS = 500_000  # folders that only a longer path implies count as well
MOST_CHARACTERS = 1 << 27  # of all paths together: they are kept in memory until the image is made
LARGEST_HEADER = 1 << 20  # bytes; GNU and pax put long names and attributes into headers of any size
# A start mounts upon or into these. A link there would lead to somewhere else; where they are missing, they are made.
MOUNTED_UPON = ("dev", "etc", "proc", "sys")
_LAST_ID = 65_535  # user_namespaces(7): a container has the ids 0 to 65535
_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # NAME_MAX, PATH_MAX
_LONGEST_ATTRIBUTE_NAME, _MOST_ATTRIBUTES = (
    255,
    65_535,
)  # bytes: XATTR_NAME_MAX; of all of a file, as EROFS keeps them
_LAST_DATE = 2**63 - 1  # seconds
_LAST_MAJOR, _LAST_MINOR = 2**12 - 1, 2**20 - 1
_ROOT_FOLDERS = frozenset({"bin", "sbin", "usr", "etc"})
KINDS = {
    tarfile.REGTYPE: "a file",
    tarfile.AREGTYPE: "a file",
    tarfile.CONTTYPE: "a file",
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a link",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
}


@dataclasses.dataclass
class Contents:
    """What a tarball holds.

    Attributes:
        tree: what lies where.
        members: how many there are.
        size: bytes of the files.
    """

    tree: Tree
    members: int = 0
    size: int = 0


class Headers:
    """A file that is read by headers only: a single large read is a header that nobody needs."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes.

        Raises:
            SkerryError: more than a header may have.
        """
        if size > LARGEST_HEADER:
            raise refusal(
                f"a header at byte {self._file.tell()} has {size} bytes", f"at most {LARGEST_HEADER}"
            )
        return self._file.read(size)


def read(file: BinaryIO, watch: Callable[[int], None]) -> Contents:
    """Look at every member.

    Args:
        file: an unpacked tarball.
        watch: is told the bytes passed, often.

    Raises:
        SkerryError: what it holds cannot be the root of a container; names the member and the rule.
    """
    contents, end = Contents(Tree()), 0
    try:
        with tar_stream.open_headers(cast("BinaryIO", Headers(file))) as tar:
            while (member := tar.next()) is not None:
                check_global(tar)
                _take_in(contents, member)
                tar.members.clear()  # type: ignore[attr-defined] # or else it remembers every one
                watch(member.offset)
                end = tar.offset
            check_end(file, end)  # not tar.offset, which lies behind a member that the reader dropped
            _check_root(contents)
            _check_mounted_upon(contents.tree, tar, file)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise refusal(
            f"it is not a tarball, or a damaged one ({error})", "a tar archive, pax, GNU, ustar or v7"
        ) from error
    return contents


def check_end(file: BinaryIO, end: int) -> None:
    """The reader takes a damaged header for the end; what comes after it would be missing in the image without a word."""
    file.seek(end)
    length = 0
    while block := file.read(LARGEST_HEADER):
        length += len(block)
        if block.strip(b"\0"):
            raise refusal(f"it is damaged: at byte {end} there is no header", "a whole tar archive")
    if length < tarfile.BLOCKSIZE:
        raise refusal(f"it is cut off at byte {end + length}", "a whole tar archive, with its end mark")


def refusal(found: str, right: str) -> SkerryError:
    """The error for what was found, with what would be right."""
    return SkerryError(Code.INVALID, f"tarball: {found}", f"Right would be: {right}")


def check_global(tar: tarfile.TarFile) -> None:
    """A header for all members that follow: only a comment, as git archive writes, says nothing about them."""
    for field in tar.pax_headers.keys() - {"comment"}:
        raise refusal(
            f"a global header gives every member the {field} {tar.pax_headers[field][:80]!r}",
            "headers of each member's own",
        )


def _take_in(contents: Contents, member: tarfile.TarInfo) -> None:
    """Take in one member, or refuse it."""
    contents.members += 1
    name = path_of("member", member.name)
    check_member(member, name)
    contents.size += member.size if member.isreg() else 0
    try:
        _put(contents.tree, name, member)
    except MisplacedError as error:
        raise refusal(f"member {member.name!r} {error.found}", error.right) from error
    if max(contents.members, contents.tree.entries) > MOST_MEMBERS:
        raise refusal(f"it has more than {MOST_MEMBERS} members and folders", "fewer files")
    if contents.tree.characters > MOST_CHARACTERS:
        raise refusal(f"its paths have more than {MOST_CHARACTERS} characters together", "shorter paths")


def check_member(member: tarfile.TarInfo, name: str) -> None:
    """Refuse a member that cannot be, whatever is around it.

    Args:
        member: the member.
        name: its path, as :func:`path_of` gives it.

    Raises:
        SkerryError: it names the member and the rule.
    """
    check_kind(member, name)
    check_fields(member)
    _check_attributes(member)


def _put(tree: Tree, name: str, member: tarfile.TarInfo) -> None:
    if tar_fields.is_folder(member):
        tree.put_folder(name, member.offset)
    elif member.islnk():
        tree.link(name, path_of(f"the hard link {member.name!r} to", member.linkname))
    else:
        tree.put(name, member.offset)


def path_of(what: str, name: str) -> str:
    """The name without ``./``; the root itself is the empty one."""
    if name.startswith("/"):
        raise refusal(f"{what} {name!r} begins with a slash", "names relative to the root")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise refusal(f"{what} {name!r} has '..' in its name", "names that stay below the root")
    longest = max((len(part.encode(errors="surrogateescape")) for part in parts), default=0)
    if longest > _LONGEST_NAME or len(name.encode(errors="surrogateescape")) > _LONGEST_PATH or "\0" in name:
        raise refusal(
            f"{what} {name[:80]!r}… has a name that no file can have",
            f"at most {_LONGEST_NAME} bytes a folder and {_LONGEST_PATH} in all, and no zero byte",
        )
    return "/".join(parts)


def check_kind(member: tarfile.TarInfo, name: str) -> None:
    """Character devices below dev/ stay: old tarballs have them, nodev shuts them, the container's own /dev covers them."""
    if member.type not in KINDS or member.sparse is not None:
        raise refusal(
            f"member {member.name!r} is of the kind {member.type!r}, or sparse",
            "files, folders, links and pipes (for a sparse file: pack without --sparse)",
        )
    if member.isblk():
        raise refusal(
            f"member {member.name!r} is a block device", "no devices; the container has its own /dev"
        )
    if member.ischr() and not name.startswith("dev/"):
        raise refusal(f"member {member.name!r} is a character device outside dev/", "no devices outside dev/")
    if member.ischr() and not (0 <= member.devmajor <= _LAST_MAJOR and 0 <= member.devminor <= _LAST_MINOR):
        raise refusal(
            f"member {member.name!r} is the device {member.devmajor}:{member.devminor}",
            f"at most {_LAST_MAJOR}:{_LAST_MINOR}",
        )
    if member.issym() and not 0 < len(member.linkname.encode(errors="surrogateescape")) <= _LONGEST_PATH:
        raise refusal(
            f"the link {member.name!r} leads to {member.linkname[:80]!r}", f"1 to {_LONGEST_PATH} bytes"
        )
    if member.issym() and "\0" in member.linkname:
        raise refusal(f"the link {member.name!r} leads to {member.linkname[:80]!r}", "no zero byte")


def check_fields(member: tarfile.TarInfo) -> None:
    """Its numbers: those of pax headers as they were written, since tarfile reads them leniently."""
    if field := tar_fields.wrong_number(member):
        raise refusal(
            f"member {member.name!r} has the {field} {member.pax_headers[field]!r}", "a plain number"
        )
    for what, number in (("user", member.uid), ("group", member.gid)):
        if not 0 <= number <= _LAST_ID:
            raise refusal(f"member {member.name!r} belongs to {what} {number}", f"0 to {_LAST_ID}")
    if member.size < 0 or (member.size and member.isreg() and tar_fields.is_folder(member)):
        raise refusal(f"member {member.name!r} has {member.size} bytes", "a size; of a folder 0")
    if abs(tar_fields.date(member)[0]) > _LAST_DATE:
        raise refusal(
            f"member {member.name!r} has the date {tar_fields.date(member)[0]}", "seconds since 1970"
        )


def _check_attributes(member: tarfile.TarInfo) -> None:
    try:
        found = tar_fields.attributes(member)
    except ValueError as error:
        raise refusal(
            f"member {member.name!r} carries an attribute that cannot be read: {error}", "base64"
        ) from error
    for name in found:
        if name.startswith("trusted."):
            raise refusal(
                f"member {member.name!r} carries the attribute {name!r}",
                "no trusted attributes; they steer the host's overlay",
            )
        if len(name.encode(errors="surrogateescape")) > _LONGEST_ATTRIBUTE_NAME or {"=", "\0"} & set(name):
            raise refusal(
                f"member {member.name!r} carries the attribute {name[:80]!r}",
                f"a name of at most {_LONGEST_ATTRIBUTE_NAME} bytes, without '=' and zero bytes",
            )
    size = sum(len(text.encode(errors="surrogateescape")) for pair in found.items() for text in pair)
    if size > _MOST_ATTRIBUTES:
        raise refusal(
            f"member {member.name!r} carries attributes of {size} bytes", f"at most {_MOST_ATTRIBUTES}"
        )


def _check_root(contents: Contents) -> None:
    """Refuse what holds nothing, or no root file system."""
    if not contents.members:
        raise refusal("it is empty", "a root file system")
    top = contents.tree.top()
    if not _ROOT_FOLDERS.intersection(top):
        raise refusal(
            f"it does not look like a root file system: at its top is {', '.join(top[:5]) or 'nothing'},"
            " but no etc, usr, bin or sbin",
            "one packed from inside the root: tar -C ROOT -c .",
        )


def _check_mounted_upon(tree: Tree, tar: tarfile.TarFile, file: BinaryIO) -> None:
    for name in MOUNTED_UPON:
        place = tree.other(name)
        if place is not None:
            member = tar_stream.member_at(tar, file, place)
            to = f" to {member.linkname!r}" if member.issym() else ""
            raise refusal(
                f"member {member.name!r} is {KINDS[member.type]}{to}",
                f"a folder, or nothing: the host mounts there when a container starts, as in {', '.join(MOUNTED_UPON)}",
            )
        tree.imply(name)
