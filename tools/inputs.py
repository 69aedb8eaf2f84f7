"""The files that a suite depends on, found by globs, and their digest."""

import hashlib
import re
import stat
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

# Not an input of anything: written by the runs themselves.
RECEIPTS = "tests/receipts.toml"
_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_PART = re.compile(r"\*\*/|\*\*|\*|\?")


@cache
def pattern(glob: str) -> re.Pattern[str]:
    """What a glob matches: `*` within a folder's name, `**` across folders; a folder stands for all below it."""
    text, end = "", 0
    for found in _PART.finditer(glob):
        text += re.escape(glob[end : found.start()]) + _GLOB[found[0]]
        end = found.end()
    return re.compile(f"{text}{re.escape(glob[end:])}(?:/.*)?")


def matching(globs: Iterable[str], names: Iterable[str]) -> list[str]:
    """The names that any of the globs matches, in the names' order; never the receipts."""
    patterns = [pattern(glob) for glob in globs]
    return [name for name in names if name != RECEIPTS and any(found.fullmatch(name) for found in patterns)]


def empty(globs: Iterable[str], names: Sequence[str]) -> list[str]:
    """The globs that match none of the names."""
    return [glob for glob in globs if not matching([glob], names)]


def digest(declaration: str, globs: Sequence[str], names: Sequence[str], root: Path) -> str:
    """The sha256, in hex, of a suite's declaration and of each matching file's name, mode and content.

    Args:
        declaration: of the suite, as text.
        globs: of its files.
        names: of all files, sorted and relative to `root`; those that are gone do not count.
        root: of the checkout.
    """
    whole = hashlib.sha256(declaration.encode())
    for name in matching(globs, names):
        path = root / name
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        whole.update(f"\0{name}\0{_kind(mode)}\0{hashlib.sha256(_content(path, mode)).hexdigest()}".encode())
    return whole.hexdigest()


def _kind(mode: int) -> str:
    """As git tells files apart: anything else of a mode depends on the clone's umask."""
    if stat.S_ISLNK(mode):
        return "link"
    return "program" if mode & stat.S_IXUSR else "file"


def _content(path: Path, mode: int) -> bytes:
    return str(path.readlink()).encode() if stat.S_ISLNK(mode) else path.read_bytes()
