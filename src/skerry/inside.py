"""Read and write the files of a container that runs: the client's half. Standard library only.

The container may change every name while it is looked at. So a path is resolved by the kernel inside the container's
root (openat2, RESOLVE_IN_ROOT: no link and no ``..`` leads out, no link of /proc is followed). What is found is looked at
before it is opened, and must be a file or a folder on one of the file systems that containers keep files on: all that can
be reached is the container's own, or is mounted read-only. New files are those of its root, not of the host's. No program
of the image is needed, and none of it runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import stat
import tarfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

_SYS_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS, _RESOLVE_IN_ROOT = 0x02, 0x10
_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP = 28, 4
_O_PATH_ONLY = os.O_PATH | os.O_CLOEXEC
# Magic numbers of statfs(2): overlay, btrfs, erofs, tmpfs. /proc and /sys would take a write as the host's root's.
_FILE_SYSTEMS = {0x794C7630, 0x9123683E, 0xE0F5E1E2, 0x01021994}
_CHUNK = 1 << 20  # bytes
_NEW_MODE = 0o644
_DEEPEST = 200  # folders in an archive; each one is open meanwhile
_IDS = 65536  # of one container
_libc = ctypes.CDLL(None, use_errno=True)
Place = Mapping[str, Any]


class InsideError(Exception):
    """The file cannot be read or written: what is wrong, and what would be right."""


class _How(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


class _StatFs(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_long), ("rest", ctypes.c_char * 256)]


def get(place: Place, target: IO[bytes]) -> None:
    """Write a file of the container to ``target``; a folder as a tar archive.

    Raises:
        InsideError: it is not there, or is none that can be read.
    """
    with _root(place) as root, _explained(place):
        found = _open_in(root, place["path"], _O_PATH_ONLY)
        try:
            mode = _checked(found).st_mode
            if stat.S_ISDIR(mode):
                _write_archive(found, os.path.basename(place["path"].rstrip("/")) or "root", target, place)
            elif stat.S_ISREG(mode):
                with _reopened(found, os.O_RDONLY) as file:
                    while chunk := file.read(_CHUNK):
                        target.write(chunk)
            else:
                raise InsideError(f"{place['path']} is neither a file nor a folder; name one of these")
        finally:
            os.close(found)


def put(place: Place, source: IO[bytes], *, dry_run: bool = False) -> bool:
    """Make a file of the container have what ``source`` gives, whole or not at all; False where it has that already.

    A file that was there keeps its owner and permissions, where they are not given. A link is replaced, not followed.
    In a dry run it is compared only, and ``source`` must be a file.

    Raises:
        InsideError: its folder is not there, or it cannot be written.
    """
    folder, name = os.path.split(place["path"].rstrip("/"))
    if name in {"", ".", ".."}:
        raise InsideError(f"{place['path']} names no file; give the path of one")
    with _root(place) as root, _explained(place):
        parent = _open_in(root, folder, _O_PATH_ONLY | os.O_DIRECTORY)
        try:
            _checked(parent)
            if dry_run:
                return _differs(place, parent, name, source)
            return _replace(place, parent, name, source)
        finally:
            os.close(parent)


def exists(place: Place) -> bool:
    """Whether there is anything at the path; links are followed, inside.

    Raises:
        InsideError: that cannot be known.
    """
    with _root(place) as root, _explained(place):
        try:
            os.close(_open_in(root, place["path"], _O_PATH_ONLY))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


def _differs(place: Place, parent: int, name: str, source: IO[bytes]) -> bool:
    before = _replaceable(place, parent, name)
    source.seek(0, os.SEEK_END)
    return not _is_same(parent, name, before, source, _wanted(place, before))


def _replaceable(place: Place, parent: int, name: str) -> os.stat_result | None:
    """What is there now."""
    before = _stat(parent, name)
    if before is not None and stat.S_ISDIR(before.st_mode):
        raise InsideError(f"{place['path']} is a folder; name the file in it as well")
    if before is not None and _mount(parent) != _mount_of(
        parent, name
    ):  # replacing it would take the mount away
        raise InsideError(f"{place['path']} is mounted there by the host, and cannot be replaced")
    return before


def _replace(place: Place, parent: int, name: str, source: IO[bytes]) -> bool:
    before = _replaceable(place, parent, name)
    uid, gid, mode = _wanted(place, before)
    temporary = f".skerry-{secrets.token_hex(8)}"
    made = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=parent)
    try:
        with open(made, "w+b") as file:
            while chunk := source.read(_CHUNK):
                file.write(chunk)
            file.flush()
            if _is_same(parent, name, before, file, (uid, gid, mode)):
                return False
            os.fchown(file.fileno(), uid, gid)  # what was made here, whatever its name leads to by now
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=parent)
    return True


def _mount(descriptor: int) -> str:
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as file:
        return next(line for line in file if line.startswith("mnt_id"))


def _mount_of(parent: int, name: str) -> str:
    found = os.open(name, _O_PATH_ONLY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        return _mount(found)
    finally:
        os.close(found)


def _wanted(place: Place, before: os.stat_result | None) -> tuple[int, int, int]:
    """Owner, group and permissions, as this host counts."""
    base = place["uid_base"]
    regular = before is not None and stat.S_ISREG(before.st_mode) and before.st_uid >= base
    uid, gid, mode = (before.st_uid, before.st_gid, before.st_mode & 0o777) if before and regular else (
        base, base, _NEW_MODE)  # fmt: skip
    if place["owner"] is not None:
        user, _, group = place["owner"].partition(":")
        uid, gid = base + int(user), base + int(group or user)
    if place["mode"] is not None:
        mode = int(place["mode"], 8) & 0o777
    for number in (uid, gid):
        if not base <= number < base + _IDS:
            raise InsideError(f"owner: {number - base} is no id of a container; give one below {_IDS}")
    return uid, gid, mode


def _is_same(
    parent: int, name: str, before: os.stat_result | None, new: IO[bytes], wanted: tuple[int, int, int]
) -> bool:
    if before is None or not stat.S_ISREG(before.st_mode) or before.st_size != new.tell():
        return False
    if (before.st_uid, before.st_gid, before.st_mode & 0o7777) != wanted:
        return False
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        there = os.open(name, flags, dir_fd=parent)
    except OSError:
        return False
    new.seek(0)
    with open(there, "rb") as file:
        while chunk := new.read(_CHUNK):
            if file.read(_CHUNK) != chunk:
                return False
        return not file.read(1)


def _stat(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _root(place: Place) -> Iterator[int]:
    """The container's root; what is made within it is of the container's own root."""
    root = -1
    try:
        root = os.open(f"/proc/{place['pid']}/root", _O_PATH_ONLY | os.O_DIRECTORY)
        with open(f"/proc/{place['pid']}/cgroup", encoding="utf-8") as file:
            its_own = f"skerry-{place['id']}.service" in file.read()
        its_own = its_own and place["uid_base"] <= os.fstat(root).st_uid < place["uid_base"] + _IDS
    except (FileNotFoundError, ProcessLookupError):
        its_own = False
    if not its_own:  # its number may be another's by now, such as the launcher's, whose root is this host's
        raise InsideError("the container ended; start it and ask again")
    try:
        with _made_by(place["uid_base"]):
            yield root
    finally:
        os.close(root)


@contextlib.contextmanager
def _made_by(root: int) -> Iterator[None]:
    """Within it, what is made is of that user of this host. All other rights stay, which the kernel would take away."""
    _libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    _libc.setfsgid(root)
    _libc.setfsuid(root)
    try:
        yield
    finally:
        _libc.setfsgid(0)
        _libc.setfsuid(0)
        _libc.prctl(_PR_SET_SECUREBITS, 0, 0, 0, 0)


@contextlib.contextmanager
def _explained(place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InsideError(f"{place['path']}: {error.strerror or error}") from error


def _open_in(root: int, path: str, flags: int) -> int:
    how = _How(flags=flags, mode=0, resolve=_RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    found = _libc.syscall(
        _SYS_OPENAT2, root, os.fsencode(path or "/"), ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how))
    )
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)


def _checked(descriptor: int) -> os.stat_result:
    """What it is, if it lies on a file system that containers keep files on."""
    about = _StatFs()
    if _libc.fstatfs(descriptor, ctypes.byref(about)) or about.kind & 0xFFFFFFFF not in _FILE_SYSTEMS:
        raise OSError(errno.EOPNOTSUPP, "that is no place for files, such as /proc or /sys")
    return os.fstat(descriptor)


def _reopened(descriptor: int, flags: int) -> IO[bytes]:
    """The file that was looked at, and no other, opened to be read."""
    return open(os.open(f"/proc/self/fd/{descriptor}", flags | os.O_CLOEXEC | os.O_NONBLOCK), "rb")


def _write_archive(folder: int, name: str, target: IO[bytes], place: Place) -> None:
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        _add_folder(tar, name, _reopened_folder(folder), place)


def _add_folder(tar: tarfile.TarFile, path: str, here: int, place: Place) -> None:
    """An open folder, which is closed, and what is in it.

    Not by :func:`os.fwalk`: that opens a folder which has become a link meanwhile, and looks only then. A link of the
    container's would be followed on this host, by its root, who may open a watchdog.
    """
    try:
        if path.count("/") > _DEEPEST:
            raise InsideError(f"{place['path']} has folders more than {_DEEPEST} deep; ask for one of them")
        tar.addfile(_member(path, _checked(here), place))
        for name in sorted(os.listdir(here)):
            found = _stat(here, name)
            if found is None or not stat.S_ISDIR(found.st_mode):
                _add(tar, f"{path}/{name}", here, name, place)
                continue
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it was one a moment ago
                _add_folder(tar, f"{path}/{name}", os.open(name, flags, dir_fd=here), place)
    finally:
        os.close(here)


def _reopened_folder(descriptor: int) -> int:
    return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _add(tar: tarfile.TarFile, path: str, folder: int, name: str, place: Place) -> None:
    """Files and links; what else there is, such as sockets, no archive can give back."""
    found = _stat(folder, name)
    if found is None:
        return
    member = _member(path, found, place)
    if stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, os.readlink(name, dir_fd=folder)
        tar.addfile(member)
    elif stat.S_ISREG(found.st_mode):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(name, flags, dir_fd=folder), "rb") as file:
            member.size = _checked(file.fileno()).st_size
            tar.addfile(member, _Exactly(file, member.size))


def _member(path: str, found: os.stat_result, place: Place) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.mode, member.mtime = found.st_mode & 0o777, found.st_mtime
    member.uid, member.gid = found.st_uid - place["uid_base"], found.st_gid - place["uid_base"]
    member.type = tarfile.DIRTYPE if stat.S_ISDIR(found.st_mode) else tarfile.REGTYPE
    return member


class _Exactly:
    """A file as it was when its size was read: what it grows by is left out, what it lost is zeros."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        wanted = self._left if size < 0 else min(size, self._left)
        self._left -= wanted
        return self._file.read(wanted).ljust(wanted, b"\0")
