"""Look up a path as a program inside an image would: whatever links are on the way, it does not leave that image.

For what nobody changes meanwhile: images are read-only. The kernel's own call for it, openat2, is shut for the engine by
systemd's ``RestrictSUIDSGID=``.
"""

import os
import stat

_MOST_LINKS = 40  # path_resolution(7)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def folder(root: str, path: str) -> int | None:
    """A descriptor of the folder at ``path`` inside ``root``, None where there is none."""
    done: list[str] = []
    left, links = path.split("/"), 0
    while left:
        name = left.pop(0)
        if name in {"", "."}:
            continue
        if name == "..":
            done = done[:-1]
            continue
        here = os.path.join(root, *done, name)
        try:
            found = os.lstat(here)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISLNK(found.st_mode):
            done.append(name)
            continue
        links += 1
        target = os.readlink(here)
        if links > _MOST_LINKS:
            return None
        done = [] if target.startswith("/") else done
        left = target.split("/") + left
    try:
        return os.open(os.path.join(root, *done), _FOLDER)
    except NotADirectoryError:
        return None


def below(top: int, path: str) -> int:
    """A descriptor of the folder at ``path`` below an open one, which no link on the way leads out of.

    Raises:
        OSError: there is none, or a link is on the way.
    """
    at = os.dup(top)
    for name in filter(None, path.split("/")):
        try:
            inner = os.open(name, _FOLDER, dir_fd=at)
        finally:
            os.close(at)
        at = inner
    return at
