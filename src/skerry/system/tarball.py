"""Read a tarball's headers and refuse what may not become a container's root. Nothing is ever extracted.

What a hostile tarball could do to who unpacks it, it cannot do here: the image is made by a program without privileges,
and is mounted without devices and set-uid. So the rules below are about what a container could not use or should not
have, and about saying so by name before anything else happens.
"""

import dataclasses
import re
import tarfile
from collections.abc import Callable
from typing import BinaryIO

from skerry.model.errors import Code, SkerryError

MOST_MEMBERS = 500_000
LARGEST_HEADER = 1 << 20  # bytes; GNU and pax put long names and attributes into headers of any size
_LAST_ID = 65_535  # user_namespaces(7): a container has the ids 0 to 65535
_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # NAME_MAX, PATH_MAX
_ROOT_FOLDERS = frozenset({"bin", "sbin", "usr", "etc"})
_KINDS = frozenset(
    {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE}
    | {tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE}
)
# Pax headers that tarfile reads leniently: what is no number counts as 0 there, and as something else to mkfs.erofs.
_NUMBERS = frozenset({"uid", "gid", "size", "mtime", "atime", "ctime"})
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]*)?")


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a tarball holds: how many members, and the bytes of its files."""

    members: int
    size: int


class _Headers:
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
            raise _refusal(
                f"a header at byte {self._file.tell()} has {size} bytes", f"at most {LARGEST_HEADER}"
            )
        return self._file.read(size)


def check(file: BinaryIO, watch: Callable[[int], None]) -> Contents:
    """Look at every member; ``watch`` is told the bytes passed, often.

    Args:
        file: an unpacked tarball.
        watch: progress.

    Raises:
        SkerryError: what it holds cannot be the root of a container; names the member and the rule.
    """
    scan, end = _Scan(), 0
    try:
        with tarfile.open(fileobj=_Headers(file), mode="r:", errors="surrogateescape") as tar:  # type: ignore[call-overload]
            while (member := tar.next()) is not None:
                scan.look_at(member)
                tar.members.clear()  # or else it remembers every one
                watch(member.offset)
                end = tar.offset
        _check_end(file, end)  # not tar.offset, which lies behind a member that the reader dropped
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise _refusal(
            f"it is not a tarball, or a damaged one ({error})", "a tar archive, pax, GNU or ustar"
        ) from error
    return scan.result()


def _check_end(file: BinaryIO, end: int) -> None:
    """The reader takes a damaged header for the end; who makes the image may not, and would see what nobody looked at."""
    file.seek(end)
    length = 0
    while block := file.read(LARGEST_HEADER):
        length += len(block)
        if block.strip(b"\0"):
            raise _refusal(f"it is damaged: at byte {end} there is no header", "a whole tar archive")
    if length < tarfile.BLOCKSIZE:
        raise _refusal(f"it is cut off at byte {end + length}", "a whole tar archive, with its end mark")


def _refusal(found: str, wanted: str) -> SkerryError:
    return SkerryError(Code.INVALID, f"tarball: {found}", f"Right would be: {wanted}")


class _Scan:
    """What has been seen so far."""

    def __init__(self) -> None:
        self._members, self._size = 0, 0
        self._folders: set[str] = {""}
        self._others: set[str] = set()

    def look_at(self, member: tarfile.TarInfo) -> None:
        """Take in one member, or refuse it."""
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise _refusal(f"it has more than {MOST_MEMBERS} members", "fewer files")
        name = _path("member", member.name)
        _check_kind(member, name)
        _check_owner(member)
        self._check_place(member, name)
        if member.islnk():
            self._check_hard_link(member)
        if member.size < 0:
            raise _refusal(f"member {member.name!r} has {member.size} bytes", "a size")
        self._size += member.size if member.isreg() else 0
        if member.isdir():
            self._folders.add(name)
            self._others.discard(name)
        elif name:
            self._others.add(name)
            self._folders.discard(name)

    def _check_place(self, member: tarfile.TarInfo, name: str) -> None:
        """A file below a link or a file would land somewhere else, or nowhere."""
        if not name and not member.isdir():
            raise _refusal(f"member {member.name!r} is the root itself, and not a folder", "a folder")
        above = name.rpartition("/")[0]
        while above and above not in self._folders:
            if above in self._others:
                raise _refusal(
                    f"member {member.name!r} lies below {above!r}, which is not a folder",
                    "folders only above a file",
                )
            self._folders.add(above)
            above = above.rpartition("/")[0]

    def _check_hard_link(self, member: tarfile.TarInfo) -> None:
        if _path(f"the hard link {member.name!r} to", member.linkname) not in self._others:
            raise _refusal(
                f"the hard link {member.name!r} leads to {member.linkname!r}, which does not come before it",
                "a link to an earlier file of the tarball",
            )

    def result(self) -> Contents:
        """The sum of it.

        Raises:
            SkerryError: it holds nothing, or no root file system.
        """
        if not self._members:
            raise _refusal("it is empty", "a root file system")
        top = {name.partition("/")[0] for name in self._folders | self._others} - {""}
        if not top & _ROOT_FOLDERS:
            shown = ", ".join(sorted(top)[:5]) or "nothing"
            raise _refusal(
                f"it does not look like a root file system: at its top is {shown}, but no etc, usr, bin or sbin",
                "one packed from inside the root: tar -C ROOT -c .",
            )
        return Contents(self._members, self._size)


def _path(what: str, name: str) -> str:
    """The name without ``./``; the root itself is the empty one."""
    if name.startswith("/"):
        raise _refusal(f"{what} {name!r} begins with a slash", "names relative to the root")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise _refusal(f"{what} {name!r} has '..' in its name", "names that stay below the root")
    longest = max((len(part.encode(errors="surrogateescape")) for part in parts), default=0)
    if longest > _LONGEST_NAME or len(name.encode(errors="surrogateescape")) > _LONGEST_PATH or "\0" in name:
        raise _refusal(
            f"{what} {name[:80]!r}… has a name that no file can have",
            f"at most {_LONGEST_NAME} bytes a folder and {_LONGEST_PATH} in all, and no zero byte",
        )
    return "/".join(parts)


def _check_kind(member: tarfile.TarInfo, name: str) -> None:
    """Character devices below dev/ stay: old tarballs have them, nodev shuts them, the container's own /dev covers them."""
    if member.type not in _KINDS or member.sparse is not None:
        raise _refusal(
            f"member {member.name!r} is of the kind {member.type!r}, or sparse",
            "files, folders, links and pipes (for a sparse file: pack without --sparse)",
        )
    if member.isblk():
        raise _refusal(
            f"member {member.name!r} is a block device", "no devices; the container has its own /dev"
        )
    if member.ischr() and not name.startswith("dev/"):
        raise _refusal(
            f"member {member.name!r} is a character device outside dev/", "no devices outside dev/"
        )
    for field in _NUMBERS & member.pax_headers.keys():
        if not _NUMBER.fullmatch(member.pax_headers[field]):
            raise _refusal(
                f"member {member.name!r} has the {field} {member.pax_headers[field]!r}", "a plain number"
            )
    for attribute in member.pax_headers:
        if ".xattr.trusted." in attribute:
            raise _refusal(
                f"member {member.name!r} carries the attribute {attribute.split('.xattr.')[1]!r}",
                "no trusted attributes; they steer the host's overlay",
            )


def _check_owner(member: tarfile.TarInfo) -> None:
    for what, number in (("user", member.uid), ("group", member.gid)):
        if not 0 <= number <= _LAST_ID:
            raise _refusal(f"member {member.name!r} belongs to {what} {number}", f"0 to {_LAST_ID}")
