"""The members of a tar archive, written into a folder.

The archive is read once, from a pipe as well, and each member is checked before anything of it is written. Paths are
walked folder by folder, and a link on the way is refused: nothing is written elsewhere.
"""

import contextlib
import errno
import os
import stat
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from skerry.host import inside
from skerry.model.errors import Code, SkerryError
from skerry.resources.images import tar_fields, tar_stream, tarball
from skerry.volume_files.copy import FOLDER
from skerry.volume_files.rules import VOLUME, Rules, checked, is_whiteout, place, refusal

_CHUNK = 1 << 20
_CANNOT_BE = frozenset(
    {
        errno.ELOOP,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ENOENT,
        errno.EISDIR,
        errno.EPERM,
        errno.EINVAL,
        errno.EFBIG,
    }
)


class _Forward:
    """A stream as tarfile reads headers from it: forward only, and no header of any size."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at = file, 0

    def tell(self) -> int:
        """Bytes read so far."""
        return self._at

    def read(self, size: int) -> bytes:
        """The next bytes of a header.

        Raises:
            SkerryError: more than a header may have.
        """
        if size > tarball.LARGEST_HEADER:
            raise refusal(
                f"a header at byte {self._at} has {size} bytes", f"at most {tarball.LARGEST_HEADER}"
            )
        return self.take(size)

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        found = self._file.read(size)
        self._at += len(found)
        return found

    def seek(self, place: int) -> int:
        """Go on to a later place.

        Raises:
            SkerryError: the stream ends before it.
        """
        while self._at < place:
            if not self.take(min(_CHUNK, place - self._at)):
                raise _cut_off(self._at)
        return self._at


def _cut_off(place: int) -> SkerryError:
    return refusal(f"it is cut off at byte {place}", "a whole tar archive, with its end mark")


def unpack(source: BinaryIO, top: int, rules: Rules = VOLUME, opaque: list[str] | None = None) -> int:
    """Write the members of a plain tar archive below an empty folder; returns how many there were.

    Args:
        source: the archive.
        top: descriptor of the folder.
        rules: what it may hold.
        opaque: gets the path of each folder that is to be opaque, which only the host's root can make it.

    Raises:
        SkerryError: a member is refused, or the archive is none; it names the member and the rule.
        OSError: there is no room, or the host failed.
    """
    stream, count, folders = _Forward(source), 0, list[tuple[str, tarfile.TarInfo]]()
    for member in _members(stream, rules):
        count += 1
        if rules.most and count > rules.most:
            raise refusal(f"it has more than {rules.most} members, with {member.name!r}", "fewer files")
        name, hides = checked(member, rules)
        if hides and opaque is not None:
            opaque.append(name)
        with _named(member, rules):
            if tar_fields.is_folder(member):
                _make_folder(top, name)
                folders.append((name, member))
            else:
                _make_other(top, name, member, stream, rules)
    for name, member in reversed(
        folders
    ):  # the innermost first: what is written in a folder changes its date
        with _named(member, rules):
            folder = inside.below(top, name)
            _give(folder, member)
            os.close(folder)
    return count


def _members(stream: _Forward, rules: Rules) -> Iterator[tarfile.TarInfo]:
    """Each member; the stream stands at its data. What is damaged is no end."""
    where = "its first member"
    try:
        tar = tar_stream.open_headers(cast("BinaryIO", stream))
        member, tar.firstmember = tar.firstmember, None  # type: ignore[attr-defined]
        while member is not None:
            where = f"what follows member {member.name!r}"
            if tar.pax_headers.keys() - {"comment"}:
                raise refusal("a global header speaks for every member", "headers of each member's own")
            yield member
            # Not tar.offset: of a sparse file beyond 8 GiB tarfile computes a wrong one.
            stream.seek(-(-stream.tell() // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE)
            member = _next(tar)
        _check_end(stream)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise refusal(
            f"it is not a plain tar archive, or a damaged one: {where} cannot be read ({error})",
            f"one that '{rules.writer}' wrote",
        ) from error


def _check_end(stream: _Forward) -> None:
    """A header of zeros is the end only where nothing follows: else members would be missing without a word.

    Raises:
        SkerryError: something follows.
    """
    end = stream.tell()
    while block := stream.take(_CHUNK):
        if block.strip(b"\0"):
            raise refusal(
                f"it is damaged: something follows its end mark at byte {end}", "a whole tar archive"
            )


def _next(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        return tarfile.TarInfo.fromtarfile(tar)
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
        return None


@contextlib.contextmanager
def _named(member: tarfile.TarInfo, rules: Rules) -> Iterator[None]:
    """Name the member in what the host says of it."""
    try:
        yield
    except OSError as error:
        if error.errno in _CANNOT_BE:
            raise refusal(
                f"member {member.name!r} cannot be there ({error.strerror})",
                "each path once, below folders only, and hard links to earlier files",
            ) from error
        if error.errno in {errno.EDQUOT, errno.ENOSPC}:
            raise SkerryError(
                Code.INVALID,
                f"archive: there is no room for member {member.name!r}",
                rules.room,
            ) from error
        raise


@contextlib.contextmanager
def _above(top: int, path: str) -> Iterator[tuple[int, str]]:
    """The folder that a path lies in, which is made where it has no member of its own, and its name there."""
    folder, _, name = path.rpartition("/")
    try:
        opened = inside.below(top, folder)
    except FileNotFoundError:
        opened = _made(top, folder)
    try:
        yield opened, name
    finally:
        os.close(opened)


def _made(top: int, path: str) -> int:
    """The folder at a path, with those above it that have no member of their own."""
    opened = os.dup(top)
    for name in path.split("/"):
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=opened)
            inner = os.open(name, FOLDER, dir_fd=opened)
        finally:
            os.close(opened)
        opened = inner
    return opened


def _make_folder(top: int, path: str) -> None:
    if path:
        with _above(top, path) as (folder, name):
            try:
                os.mkdir(name, 0o755, dir_fd=folder)
            except FileExistsError:
                os.close(os.open(name, FOLDER, dir_fd=folder))


def _make_other(top: int, path: str, member: tarfile.TarInfo, stream: _Forward, rules: Rules) -> None:
    with _above(top, path) as (folder, name):
        if member.islnk():
            with _above(top, place("the hard link to", member.linkname, rules)) as (there, target):
                os.link(target, name, src_dir_fd=there, dst_dir_fd=folder, follow_symlinks=False)
            return
        if member.issym() or is_whiteout(member):
            if member.issym():
                os.symlink(member.linkname, name, dir_fd=folder)
            else:
                os.mknod(name, stat.S_IFCHR | (member.mode & 0o777), dir_fd=folder)
            os.chown(name, member.uid, member.gid, dir_fd=folder, follow_symlinks=False)
            os.utime(name, ns=_dates(member), dir_fd=folder, follow_symlinks=False)
            return
        if member.isfifo():
            os.mkfifo(name, 0o600, dir_fd=folder)
            made = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        else:
            made = os.open(
                name,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
                dir_fd=folder,
            )
            _copy(member, stream, made)
        _give(made, member)
        os.close(made)


def _copy(member: tarfile.TarInfo, stream: _Forward, target: int) -> None:
    pieces = cast("list[tuple[int, int]] | None", member.sparse)
    for offset, size in pieces or [(0, member.size)]:
        os.lseek(target, offset, os.SEEK_SET)
        left = size
        while left:
            block = stream.take(min(left, _CHUNK))
            if not block:
                raise _cut_off(stream.tell())
            left -= len(block)
            while block:
                block = block[os.write(target, block) :]
    os.ftruncate(target, member.size)


def _dates(member: tarfile.TarInfo) -> tuple[int, int]:
    return (tar_fields.changed(member),) * 2


def _attach(opened: int, member: tarfile.TarInfo, name: str, value: str) -> None:
    try:
        os.setxattr(opened, name, value.encode("utf-8", "surrogateescape"))
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.E2BIG, errno.ERANGE, errno.EOPNOTSUPP}:
            raise
        raise refusal(
            f"member {member.name!r} carries the attribute {name!r} with a value that means nothing here "
            f"({error.strerror})",
            "an attribute as this host's kernel writes it",
        ) from error


def _give(opened: int, member: tarfile.TarInfo) -> None:
    """Owner, permissions, attributes, date: in this order, since each takes away something of the one after."""
    os.fchown(opened, member.uid, member.gid)
    os.fchmod(opened, member.mode & 0o7777)
    for name, value in tar_fields.attributes(member).items():
        _attach(opened, member, name, value)
    os.utime(opened, ns=_dates(member))
