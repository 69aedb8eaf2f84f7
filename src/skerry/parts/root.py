"""The roots of a container: the one that it has, and earlier ones that are kept for a rollback.

Each is a subvolume with the upper layer over one image. The one that it has lies where its unit looks for it. A kept one
lies aside, and nothing is written to it. To take another one is two renames, whatever they hold.
"""

import dataclasses
import os
import stat
import time
from pathlib import Path
from typing import ClassVar

from skerry.host import btrfs, files, quotas
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.ids import ID_PATTERN
from skerry.model.size import format_size
from skerry.parts import storage
from skerry.parts.base import Part

_MOST_ENTRIES, _MOST_SECONDS, _DEEPEST = 200_000, 2.0, 200
_LISTED = 5


def aside(host: HostConfig, container_id: str, number: int) -> str:
    """Where a kept root lies."""
    return f"{host.pool}/kept/{container_id}-{number}"


def _number(path: str) -> int | None:
    """The number of the root at ``path``; None where there is none, or only a part of one."""
    if not Path(path, "work").is_dir():
        return None
    found = Path(path, storage.NUMBER)
    return int(found.read_text(encoding="ascii")) if found.exists() else 1


@dataclasses.dataclass(frozen=True)
class Root(Part):
    """Container ``id`` has its root ``number``.

    Attributes:
        disk: bytes that its files may take.
        without: a root that must not be there any more; 0 for none. It is what an undo takes away.
        origin: where a snapshot lies in the pool, with whose files a new one begins; empty for none.
    """

    kind: ClassVar[str] = "root"
    in_pool: ClassVar[bool] = True
    id: str
    number: int
    disk: int
    without: int = 0
    origin: str = ""

    def __str__(self) -> str:
        return f"root of {self.id} to number {self.number} ({format_size(self.disk)})"

    def make(self, host: HostConfig) -> None:
        """Put the one that is there aside, and this one in its place: fresh where it is new."""
        place, kept = storage.folder(host, self.id), aside(host, self.id, self.number)
        there = _number(place)
        if there != self.number:
            self._prepare(host, kept)
            if there is not None:
                Path(place).rename(aside(host, self.id, there))
            Path(kept).rename(place)
            # A power cut must not take a rename back that the store counts on.
            for folder in (os.path.dirname(place), os.path.dirname(kept)):
                files.sync(folder)
        quotas.create(place, quotas.group_of(self.id), self.disk)
        if self.without:
            btrfs.delete(aside(host, self.id, self.without))

    def _prepare(self, host: HostConfig, path: str) -> None:
        """A root at ``path``, aside; one that was made in part is made whole."""
        files.make_folder(os.path.dirname(path), 0o700)
        if _number(path) == self.number:
            return
        if self.origin:
            btrfs.delete(path)  # it may have the number of the root that it was taken of
            btrfs.snapshot(f"{host.pool}/{self.origin}", path, writable=True)
        else:
            btrfs.make(path)
        Path(path, storage.NUMBER).write_text(f"{self.number}", encoding="ascii")
        for name in ("upper", "work"):
            files.make_folder(f"{path}/{name}", 0o755)

    def remove(self, host: HostConfig) -> None:
        """Delete it, where the container has it."""
        if _number(place := storage.folder(host, self.id)) == self.number:
            btrfs.delete(place)

    def exists(self, host: HostConfig) -> bool:
        """Whether the container has this one."""
        return _number(storage.folder(host, self.id)) == self.number


@dataclasses.dataclass(frozen=True)
class KeptRoot(Part):
    """Root ``number`` of container ``id`` lies aside. Only its removal is ever planned: :class:`Root` puts it there."""

    kind: ClassVar[str] = "kept_root"
    id: str
    number: int

    def __str__(self) -> str:
        return f"kept root {self.number} of {self.id}"

    def make(self, host: HostConfig) -> None:
        """What was deleted does not come back; what is there counts for its container's disk."""
        if self.exists(host):
            quotas.join(aside(host, self.id, self.number), quotas.group_of(self.id))

    def remove(self, host: HostConfig) -> None:
        """Delete it, with the space that it takes."""
        btrfs.delete(aside(host, self.id, self.number))

    def exists(self, host: HostConfig) -> bool:
        """Whether it lies there."""
        return Path(aside(host, self.id, self.number)).is_dir()


def size(host: HostConfig, container_id: str) -> int:
    """Bytes that a container has written to the root that it has, with what snapshots hold of them."""
    return quotas.written_to(storage.folder(host, container_id))


def remove_orphans(host: HostConfig, known: set[tuple[str, int]]) -> list[str]:
    """Delete every kept root that is none of ``known``, each an id and a number; returns their paths."""
    removed = []
    for path in sorted(Path(host.pool, "kept").glob("*-*")):
        owner, _, number = path.name.partition("-")
        if ID_PATTERN.fullmatch(owner) and number.isdecimal() and (owner, int(number)) not in known:
            btrfs.delete(str(path))
            removed.append(str(path))
    return removed


@dataclasses.dataclass
class Written:
    """What a container has written to its root, and to no volume.

    Attributes:
        files: everything that is no folder, deleted files of the image among them. Byte code and histories are none.
        size: bytes of the files.
        names: some of them, as the container named them.
        whole: False where there is more than was counted.
    """

    files: int = 0
    size: int = 0
    names: list[str] = dataclasses.field(default_factory=list)
    whole: bool = True

    @property
    def nothing(self) -> bool:
        """Whether it is certain that there is nothing."""
        return self.files == 0 and self.whole

    def __str__(self) -> str:
        at_least = "" if self.whole else "at least "
        return f"{at_least}{self.files} file{'s' * (self.files != 1)} ({format_size(-(-self.size // 1024) * 1024)})"


def would_stay_behind(who: str, found: Written) -> SkerryError:
    """The refusal of a fresh root; ``who`` wrote to the one that is there."""
    such_as = f"; such as {', '.join(found.names)}" if found.names else ""
    return SkerryError(
        Code.INVALID,
        f"image: {who} wrote {found} to its root, and a new image begins with a fresh one",
        "Give discard_root (-e discard_root=true, --discard-root) to leave them behind, or move them to a volume "
        f"first{such_as}",
    )


# What the host itself makes in a root, so that it can be mounted over.
_OF_THE_HOST = {"etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"}
# What shells and Python leave behind by themselves, and nobody misses.
_HISTORIES = {".bash_history", ".ash_history", ".sh_history", ".python_history"}


def written(host: HostConfig, container_id: str) -> Written:
    """Count what is in a container's root."""
    return counted(Path(storage.folder(host, container_id), "upper"))


def counted(folder: Path) -> Written:
    """Count what is in a folder. No link is followed, and a tree made to be endless ends the count, not us."""
    found, deadline = Written(), time.monotonic() + _MOST_SECONDS
    if folder.is_dir():
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        _count(opened, "", found, deadline)
    return found


@dataclasses.dataclass(frozen=True)
class Unwritten(Part):
    """Container ``id`` has written nothing to its root, though its program could do so until it ended."""

    kind: ClassVar[str] = "unwritten"
    making: ClassVar[str] = "check"
    id: str

    def __str__(self) -> str:
        return f"root of {self.id}"

    def make(self, host: HostConfig) -> None:
        """Count once more."""
        found = written(host, self.id)
        if not found.nothing:
            raise would_stay_behind("as it ended, its program", found)

    def remove(self, host: HostConfig) -> None:
        """Nothing to take back: a count leaves nothing."""

    def exists(self, host: HostConfig) -> bool:
        """Whether there is nothing now."""
        return written(host, self.id).nothing


def _count(opened: int, above: str, found: Written, deadline: float) -> None:
    """Count below an open folder, and close it."""
    try:
        with os.scandir(opened) as entries:
            for entry in entries:
                if found.files >= _MOST_ENTRIES or time.monotonic() > deadline:
                    found.whole = False
                    return
                _count_one(opened, entry, above, found, deadline)
    finally:
        os.close(opened)


def _left_by_itself(name: str, above: str) -> bool:
    """Whether a file is Python's byte code or a history."""
    return name in _HISTORIES or (name.endswith(".pyc") and f"/{above}".endswith("/__pycache__/"))


def _count_one(opened: int, entry: "os.DirEntry[str]", above: str, found: Written, deadline: float) -> None:
    name = f"{above}{entry.name}"
    try:
        about = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(about.st_mode):
            if name.count("/") >= _DEEPEST:
                found.whole = False
                return
            inner = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened)
            _count(inner, f"{name}/", found, deadline)
            return
    except OSError:  # it was there a moment ago
        return
    if (name in _OF_THE_HOST and about.st_size == 0) or _left_by_itself(entry.name, above):
        return
    found.files += 1
    found.size += about.st_blocks * 512
    if len(found.names) < _LISTED:
        found.names.append(os.fsencode(f"/{name}").decode(errors="replace"))
