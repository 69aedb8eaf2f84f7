"""Who a program's user is: numbers for the name that an image gives him. Read from images only, which nobody can change."""

import os
from collections.abc import Iterator, Sequence

from skerry.host import inside

_LARGEST = 1 << 20  # bytes of a file of users; more of it is not looked at
_LAST_ID = 65_535


def owner(lowers: Sequence[str], user: str) -> tuple[int, int]:
    """The ids of a user of a container's, for what shall belong to him; root's where the images do not know him.

    Args:
        lowers: where its images are mounted, the topmost first.
        user: ``USER`` or ``USER:GROUP``, names or numbers; root where it is empty.
    """
    name, _, group = user.partition(":")
    uid, gid = _user(lowers, name)
    return uid, (_group(lowers, group) if group else gid)


def _user(lowers: Sequence[str], name: str) -> tuple[int, int]:
    uid = _number(name)
    for fields in _entries(lowers, "passwd", 4):
        if name and (name == fields[0] or (uid is not None and uid == _number(fields[2]))):
            return _number(fields[2]) or 0, _number(fields[3]) or 0
    return uid or 0, 0


def _group(lowers: Sequence[str], name: str) -> int:
    found = (_number(fields[2]) for fields in _entries(lowers, "group", 3) if fields[0] == name)
    return next(found, _number(name)) or 0


def _number(text: str) -> int | None:
    """An id as ``enter`` reads one, leading zeros and all; None where no container has it."""
    if not (text.isascii() and text.isdigit()):
        return None
    value = int(text.lstrip("0")[:6] or "0")
    return value if value <= _LAST_ID else None


def _entries(lowers: Sequence[str], file: str, fields: int) -> Iterator[list[str]]:
    """The lines of a file in /etc of the topmost image that has it."""
    for lower in lowers:
        text = _read(lower, file)
        if text is not None:
            found = (line.split(":") for line in text.splitlines())
            yield from (entry for entry in found if len(entry) >= fields)
            return


def _read(lower: str, file: str) -> str | None:
    folder = inside.folder(lower, "/etc")
    if folder is None:
        return None
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    finally:
        os.close(folder)
    with open(opened, "rb") as found:
        return found.read(_LARGEST).decode(errors="replace")
