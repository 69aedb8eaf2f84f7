"""What lies where once the layers of an OCI image are laid over one another. Nothing is unpacked.

A layer is applied as Docker and containerd do it: its whiteouts hide what older layers have, a folder is merged with a
folder, everything else takes the place of what was there. A path below a link of the image ends where that link leads
*inside* the image, as it would in a container.
"""

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from skerry.resources.images.tar_tree import IMPLIED, MisplacedError

WHITEOUT = ".wh."
DEEPEST = 250  # folders above a file
_MOST_LINKS = 40  # followed on the way to one path, as Linux does
_MOST_STEPS = 30_000_000  # folders passed on the way to all paths of an image; a large one takes 5 million


@dataclasses.dataclass(frozen=True, slots=True)
class Inode:
    """A file, link or pipe: the layer that has its header, at which byte; where it leads to, if it is a link."""

    layer: int
    place: int
    link: str = ""


@dataclasses.dataclass(slots=True)
class Folder:
    """A folder: the layer whose header tells its owner, and what is in it."""

    layer: int = IMPLIED
    place: int = IMPLIED
    children: "dict[str, Folder | Inode]" = dataclasses.field(default_factory=dict)

    def copy(self) -> "Folder":
        """The folder and all below it, for itself."""
        children = {
            name: one.copy() if isinstance(one, Folder) else one for name, one in self.children.items()
        }
        return Folder(self.layer, self.place, children)


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What a layer has at a path; ``same_as`` is the path that a hard link names."""

    path: str
    node: Folder | Inode | None = None
    same_as: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Laid:
    """A path of what is to be written: its node, or None for a whiteout; ``same_as`` is an earlier path of its inode."""

    path: str
    node: Folder | Inode | None
    same_as: str = ""


class Tree:
    """The layers applied so far."""

    def __init__(self, root: Folder | None = None, linked: Iterable[tuple[int, int]] = ()) -> None:
        self.root = root or Folder()
        self._linked = set(linked)
        self._steps = 0

    def copy(self) -> "Tree":
        """A tree of its own, of the same."""
        return Tree(self.root.copy(), self._linked)

    def hide(self, path: str) -> None:
        """Apply a whiteout: what older layers have at ``path`` is gone."""
        above, name = self._place(path, make=False)
        if above is not None:
            above.children.pop(name, None)

    def hide_below(self, path: str) -> None:
        """Apply an opaque whiteout: what older layers have in the folder ``path`` is gone."""
        folder = self._walk(path, make=False)
        if folder is not None:
            folder.children.clear()

    def put(self, found: Found) -> None:
        """Lay one member of a layer over what is there.

        Raises:
            MisplacedError: something above it is no folder, or a hard link leads nowhere.
        """
        if not found.path:
            self._put_root(found.node)
            return
        node = self._linked_to(found.same_as) if found.node is None else found.node
        above, name = self._place(found.path, make=True)
        there = above.children.get(name) if above else None
        if isinstance(node, Folder) and isinstance(there, Folder):
            there.layer, there.place = node.layer, node.place
        elif above is not None:
            above.children[name] = node

    def imply(self, names: Iterable[str]) -> None:
        """Have folders at the top, where there is nothing."""
        for name in names:
            self.root.children.setdefault(name, Folder())

    def everything(self) -> Iterator[Laid]:
        """Each path once, a folder before what is in it."""
        yield from self._first_paths(_below("", self.root))

    def beyond(self, base: "Tree") -> Iterator[Laid]:
        """What has to lie over ``base`` so that this tree is seen; whiteouts hide what only ``base`` has."""
        yield from self._first_paths(_difference("", base.root, self.root))

    def _first_paths(self, found: Iterable[Laid]) -> Iterator[Laid]:
        first: dict[tuple[int, int], str] = {}
        for one in found:
            node = one.node
            if isinstance(node, Inode) and (node.layer, node.place) in self._linked:
                same_as = first.setdefault((node.layer, node.place), one.path)
                yield Laid(one.path, node, same_as if same_as != one.path else "")
            else:
                yield one

    def _put_root(self, node: Folder | Inode | None) -> None:
        if not isinstance(node, Folder):
            raise MisplacedError("is the root itself, and not a folder", "a folder")
        self.root.layer, self.root.place = node.layer, node.place

    def _linked_to(self, target: str) -> Inode:
        above, name = self._place(target, make=False)
        node = above.children.get(name) if above else None
        if not isinstance(node, Inode):
            what = "is a folder" if node else "does not come before it"
            raise MisplacedError(
                f"is a hard link to {target!r}, which {what}", "a link to an earlier file of the image"
            )
        self._linked.add((node.layer, node.place))
        return node

    def _place(self, path: str, *, make: bool) -> tuple[Folder | None, str]:
        above, _slash, name = path.rpartition("/")
        return self._walk(above, make=make), name

    def _walk(self, path: str, *, make: bool) -> Folder | None:
        """The folder at ``path``, links on the way followed inside the image; made, or None, where it is missing."""
        left, way, links = deque(path.split("/")), [self.root], 0
        while left:
            self._steps += 1
            part = left.popleft()
            if part == "..":
                way = way[:-1] or way
                continue
            if part in {"", "."}:
                continue
            there = way[-1].children.get(part)
            if there is None and not make:
                return None
            if there is None:
                there = way[-1].children[part] = Folder()
            if isinstance(there, Folder):
                way.append(there)
                self._check(path, len(way), links)
                continue
            if not there.link:
                if not make:
                    return None
                raise MisplacedError(
                    f"lies below {part!r}, which is not a folder", "folders only above a file"
                )
            links += 1
            self._check(path, len(way), links)
            left.extendleft(reversed(there.link.split("/")))
            way = [self.root] if there.link.startswith("/") else way
        return way[-1]

    def _check(self, path: str, depth: int, links: int) -> None:
        if depth > DEEPEST:
            raise MisplacedError(f"lies deeper than {DEEPEST} folders", "fewer folders above a file")
        if links > _MOST_LINKS:
            raise MisplacedError(
                f"lies behind more than {_MOST_LINKS} links ({path[:80]!r})", "no link to itself"
            )
        if self._steps > _MOST_STEPS:
            raise MisplacedError(
                "lies behind too many folders and links, with those before it", "shorter paths"
            )


def _below(path: str, folder: Folder) -> Iterator[Laid]:
    yield Laid(path, folder)
    for name in sorted(folder.children):
        node, inner = folder.children[name], f"{path}/{name}" if path else name
        if isinstance(node, Folder):
            yield from _below(inner, node)
        else:
            yield Laid(inner, node)


def _difference(path: str, old: Folder, new: Folder) -> Iterator[Laid]:
    """The folder itself where it differs or something in it does: an overlay shows the owner of the topmost one."""
    inside = _contents(path, old, new)
    first = next(inside, None)
    if first is None and (old.layer, old.place) == (new.layer, new.place):
        return
    yield Laid(path, new)
    if first is not None:
        yield first
    yield from inside


def _contents(path: str, old: Folder, new: Folder) -> Iterator[Laid]:
    for name in sorted(old.children.keys() | new.children.keys()):
        before, after = old.children.get(name), new.children.get(name)
        inner = f"{path}/{name}" if path else name
        if after is None:
            yield Laid(f"{path}/{WHITEOUT}{name}" if path else f"{WHITEOUT}{name}", None)
        elif isinstance(after, Folder):
            yield from (
                _difference(inner, before, after) if isinstance(before, Folder) else _below(inner, after)
            )
        elif after != before:
            yield Laid(inner, after)


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many layers two chains begin with alike."""
    return next(
        (number for number, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
