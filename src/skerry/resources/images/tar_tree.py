"""What lies where once a tarball is unpacked: every tar's rules for members that share a path. Nothing is unpacked here.

The last member of a path wins. A folder stays where a folder comes again, with the newer dates and permissions; a hard
link to itself changes nothing. An inode is known by the place of its member's header in the tarball.
"""

import dataclasses
from collections.abc import Iterator

IMPLIED = -1  # the place of a folder that has no member of its own


class MisplacedError(ValueError):
    """No tar can put a member there; what was found, and what would be right."""

    def __init__(self, found: str, right: str) -> None:
        super().__init__(found)
        self.found, self.right = found, right


@dataclasses.dataclass(frozen=True)
class Entry:
    """A path of the tree.

    Attributes:
        path: relative, without ``.``; the root itself is the empty one.
        place: byte of its member's header; :data:`IMPLIED` for a folder without one.
        same_as: the earlier path of the same inode; empty where this one is the first.
    """

    path: str
    place: int
    same_as: str = ""


class Tree:
    """What has been put in so far."""

    def __init__(self) -> None:
        self._folders: dict[str, int] = {"": IMPLIED}
        self._others: dict[str, int] = {}
        self._filled: set[str] = set()  # folders with something in them
        self._linked: set[int] = set()  # inodes with more than one path, now or before
        self.entries = 0
        """Paths that were ever put in, those of implied folders as well: what a tarball costs its reader."""
        self.characters = 0
        """Of these paths together."""

    def __contains__(self, path: str) -> bool:
        return path in self._folders or path in self._others

    def put_folder(self, path: str, place: int) -> None:
        """A folder, instead of whatever was there.

        Raises:
            MisplacedError: something above it is no folder.
        """
        self._come_below(path)
        self._others.pop(path, None)
        self._enter_folder(path, place)

    def put(self, path: str, place: int) -> None:
        """Anything else, instead of whatever was there.

        Raises:
            MisplacedError: something above it is no folder, or a folder with something in it is there.
        """
        self._come_below(path)
        if not path:
            raise MisplacedError("is the root itself, and not a folder", "a folder")
        if path in self._filled:
            raise MisplacedError(
                f"is no folder, and takes the place of the folder {path!r} that is not empty",
                "one of them, or another name",
            )
        self._folders.pop(path, None)
        self._others[path] = place
        self._count(path)

    def link(self, path: str, target: str) -> None:
        """One more path of the inode at ``target``.

        Raises:
            MisplacedError: as :meth:`put`; or there is no file at ``target`` yet.
        """
        if path == target and path in self:
            return
        if target not in self._others:
            what = "is a folder" if target in self._folders else "does not come before it"
            raise MisplacedError(
                f"is a hard link to {target!r}, which {what}", "a link to an earlier file of the tarball"
            )
        self._linked.add(self._others[target])
        self.put(path, self._others[target])

    def imply(self, path: str) -> None:
        """A folder, where there is nothing."""
        if path not in self:
            self.put_folder(path, IMPLIED)

    def other(self, path: str) -> int | None:
        """The place of what is no folder at ``path``."""
        return self._others.get(path)

    def top(self) -> list[str]:
        """The names at the top, in order."""
        return sorted(path for path in (*self._folders, *self._others) if path and "/" not in path)

    def __iter__(self) -> Iterator[Entry]:
        """Each path once, a folder before what is in it."""
        first: dict[int, str] = {}
        for path in sorted((*self._folders, *self._others)):
            if path in self._folders:
                yield Entry(path, self._folders[path])
                continue
            place = self._others[path]
            yield Entry(path, place, first.get(place, ""))
            if place in self._linked:
                first.setdefault(place, path)

    def _come_below(self, path: str) -> None:
        """Have folders above ``path``; a file below a link or a file would land somewhere else, or nowhere."""
        while path:
            path = path.rpartition("/")[0]
            if path in self._others:
                raise MisplacedError(
                    f"lies below {path!r}, which is not a folder", "folders only above a file"
                )
            self._filled.add(path)
            if path in self._folders:
                return
            self._enter_folder(path, IMPLIED)

    def _enter_folder(self, path: str, place: int) -> None:
        self._folders[path] = place
        self._count(path)

    def _count(self, path: str) -> None:
        self.entries += 1
        self.characters += len(path)
