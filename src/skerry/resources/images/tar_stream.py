"""Write a tarball anew from what was read of it: each path once, a folder before what is in it, every field in one form.

mkfs.erofs 1.8.6 drops members of kinds that it does not know, reads the mtime ``1.5`` as 1 s and 5 ns, and has rules of
its own for members that share a path. Nothing of that is left to chance in what it gets from here.
"""

import tarfile
from collections.abc import Callable, Mapping
from typing import BinaryIO

from skerry.resources.images import tar_fields
from skerry.resources.images.tar_tree import IMPLIED, Entry, Tree

END = bytes(2 * tarfile.BLOCKSIZE)
"""What a tarball ends with."""
_CHUNK = 1 << 20  # bytes copied at once
_KINDS = {tarfile.AREGTYPE: tarfile.REGTYPE, tarfile.CONTTYPE: tarfile.REGTYPE}


def write(tree: Tree, source: BinaryIO, target: BinaryIO, watch: Callable[[int], None]) -> None:
    """Write the tree that was read of a tarball.

    Args:
        tree: what was read.
        source: the same tarball.
        target: the new one, as pax.
        watch: is told the bytes written, often.
    """
    with open_headers(source) as tar:
        for entry in tree:
            member = _found(tar, source, entry)
            target.write(header(entry.path, entry.same_as, member, tar_fields.attributes(member)))
            if member.isreg() and not entry.same_as:
                copy(source, target, member)
            watch(target.tell())
    target.write(END)


def open_headers(file: BinaryIO) -> tarfile.TarFile:
    """A tarball whose headers are read; names are bytes, with UTF-8 and surrogate escapes."""
    return tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape")


def member_at(tar: tarfile.TarFile, source: BinaryIO, place: int) -> tarfile.TarInfo:
    """The member whose header begins at byte ``place``."""
    source.seek(place)
    return tarfile.TarInfo.fromtarfile(tar)


def _found(tar: tarfile.TarFile, source: BinaryIO, entry: Entry) -> tarfile.TarInfo:
    return implied(entry.path) if entry.place == IMPLIED else member_at(tar, source, entry.place)


def implied(path: str) -> tarfile.TarInfo:
    """A folder that has no member of its own: root's."""
    folder = tarfile.TarInfo(path)
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    return folder


def header(path: str, same_as: str, member: tarfile.TarInfo, attributes: Mapping[str, str]) -> bytes:
    """A member's header, in the one form that every reader of tarballs takes alike.

    Args:
        path: where it lies; the root itself is the empty one.
        same_as: the earlier path of the same inode; empty where this one is the first.
        member: as it was read.
        attributes: its extended attributes.
    """
    new = tarfile.TarInfo(path or ".")
    new.mode, new.uid, new.gid = member.mode & 0o7777, member.uid, member.gid
    seconds, nanoseconds = tar_fields.date(member)
    new.mtime = seconds
    if same_as:
        new.type, new.linkname = tarfile.LNKTYPE, same_as
        return new.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    new.pax_headers = {f"SCHILY.xattr.{name}": value for name, value in attributes.items()}
    if nanoseconds:
        new.pax_headers["mtime"] = f"{seconds}.{nanoseconds:09}"
    new.type = tarfile.DIRTYPE if tar_fields.is_folder(member) else _KINDS.get(member.type, member.type)
    new.size = member.size if new.isreg() else 0
    new.linkname = member.linkname if new.issym() else ""
    new.devmajor, new.devminor = member.devmajor, member.devminor
    return new.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def copy(source: BinaryIO, target: BinaryIO, member: tarfile.TarInfo) -> None:
    """Copy the bytes of a file that the tarball ``source`` has."""
    source.seek(member.offset_data)
    left = member.size
    while left:
        block = source.read(min(left, _CHUNK))
        if not block:
            raise ValueError(f"{member.name!r} is cut off")
        target.write(block)
        left -= len(block)
    target.write(bytes(-member.size % tarfile.BLOCKSIZE))
