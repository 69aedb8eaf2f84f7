"""A folder's files, copied into another one; and an image's, as the first ones of a volume."""

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20
_KEPT = {"system.posix_acl_access", "system.posix_acl_default", "security.capability"}


def is_kept(attribute: str) -> bool:
    """Whether an extended attribute of that name belongs to a file of a volume."""
    return attribute.startswith("user.") or attribute in _KEPT


def _names(folder: int) -> list[str]:
    """What is in a folder now. An open folder of btrfs may not show what was made since it was last read to its end."""
    again = os.open(".", FOLDER, dir_fd=folder)
    try:
        return os.listdir(again)
    finally:
        os.close(again)


def copy(source: int, target: int) -> None:
    """Copy what is in a folder, and the folder's own owner and permissions, over what is in another one.

    Args:
        source: descriptor of the folder.
        target: descriptor of the other.

    Raises:
        OSError: there is no room, or the host failed.
    """
    _copy_folder(source, target, target, {})


def _copy_folder(
    source: int, target: int, top: int, linked: dict[tuple[int, int], str], path: str = ""
) -> None:
    for entry in sorted(_names(source)):
        found = os.stat(entry, dir_fd=source, follow_symlinks=False)
        if not (stat.S_ISDIR(found.st_mode) and _is_folder(entry, target)):
            _remove(entry, target)
        here, own = f"{path}{entry}", (found.st_dev, found.st_ino)
        if stat.S_ISDIR(found.st_mode):
            with contextlib.suppress(FileExistsError):
                os.mkdir(entry, 0o700, dir_fd=target)
            below, made = os.open(entry, FOLDER, dir_fd=source), os.open(entry, FOLDER, dir_fd=target)
            _copy_folder(below, made, top, linked, f"{here}/")
            os.close(below)
            os.close(made)
        elif own in linked:
            os.link(linked[own], entry, src_dir_fd=top, dst_dir_fd=target, follow_symlinks=False)
        else:
            _copy_other(source, target, entry, found)
            if found.st_nlink > 1:
                linked[own] = here
    _take_over(source, target, os.fstat(source))


def _is_folder(name: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _remove(name: str, folder: int) -> None:
    """Take away what an image below has there: one above has something else, or says that nothing is there."""
    if _is_folder(name, folder):
        shutil.rmtree(name, dir_fd=folder)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _copy_other(source: int, target: int, name: str, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        os.chown(name, found.st_uid, found.st_gid, dir_fd=target, follow_symlinks=False)
        os.utime(name, ns=(found.st_mtime_ns,) * 2, dir_fd=target, follow_symlinks=False)
        return
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
        return  # devices and sockets: the container has its own, and nobody listens
    if stat.S_ISFIFO(found.st_mode):
        os.mkfifo(name, 0o600, dir_fd=target)
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    old = os.open(name, os.O_RDONLY | flags, dir_fd=source)
    new = os.open(
        name,
        (os.O_RDONLY if stat.S_ISFIFO(found.st_mode) else os.O_WRONLY | os.O_CREAT) | flags,
        0o600,
        dir_fd=target,
    )
    if stat.S_ISREG(found.st_mode):
        while os.sendfile(new, old, None, _CHUNK):
            pass
    _take_over(old, new, found)
    os.close(old)
    os.close(new)


def _take_over(old: int, new: int, found: os.stat_result) -> None:
    os.fchown(new, found.st_uid, found.st_gid)
    os.fchmod(new, stat.S_IMODE(found.st_mode))
    for name in os.listxattr(old):
        if is_kept(name):
            os.setxattr(new, name, os.getxattr(old, name))
    os.utime(new, ns=(found.st_mtime_ns,) * 2)


# What an image has in a folder goes into a volume that is empty, and that another container may have mounted already: it
# is made aside and moved in when it is whole, so that what a crash leaves is finished or taken away.
_MAKING, _READY = ".skerry-new", ".skerry-ready"


def fill(sources: Sequence[int], top: int) -> None:
    """Copy what is in a folder of images into a volume that is empty; where that is not empty, nothing happens.

    Args:
        sources: descriptors of the folder in each image that has it, the topmost first.
        top: descriptor of the volume's.

    Raises:
        OSError: there is no room, or the host failed.
    """
    settle(top)
    if _names(top):
        return
    os.mkdir(_MAKING, 0o700, dir_fd=top)
    made = os.open(_MAKING, FOLDER, dir_fd=top)
    try:
        for source in reversed(sources):
            copy(source, made)
    except OSError:
        settle(top)
        raise
    finally:
        os.close(made)
    os.rename(_MAKING, _READY, src_dir_fd=top, dst_dir_fd=top)
    settle(top)


def settle(top: int) -> None:
    """Finish what is whole, and take away what is not."""
    names = _names(top)
    if _MAKING in names:
        shutil.rmtree(_MAKING, dir_fd=top)
    if _READY in names:
        ready = os.open(_READY, FOLDER, dir_fd=top)
        for name in sorted(set(_names(ready)) - set(names)):
            os.rename(name, name, src_dir_fd=ready, dst_dir_fd=top)
        found = os.fstat(ready)
        _take_over(ready, top, found)
        os.close(ready)
        shutil.rmtree(_READY, dir_fd=top)
        os.utime(top, ns=(found.st_mtime_ns,) * 2)
