"""Read an initramfs: archives one after the other, the first ones (microcode, modules) plain, the last one compressed."""

from __future__ import annotations

import lzma
import posixpath
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from ...core.errors import SkerryError
from .unpack import unpacked

_CPIO = (b"070701", b"070702")
_HEADER, _END = 110, "TRAILER!!!"
# Scripts, configuration and keys are kept whole; programs, modules and firmware only by name and size.
_KEPT_BYTES = 65536
_LINKS_FOLLOWED = 16


@dataclass(frozen=True)
class Entry:
    """One path of the image; ``content`` is None where it was not kept, a symbolic link's is its target."""

    path: str
    mode: int
    uid: int
    size: int
    content: bytes | None

    @property
    def is_file(self) -> bool:
        """A file, not a folder, link or device."""
        return stat.S_ISREG(self.mode)

    @property
    def text(self) -> str:
        """The content as text; bytes that are none are replaced."""
        return (self.content or b"").decode(errors="replace")


@dataclass(frozen=True)
class Image:
    """An initramfs.

    Attributes:
        path: the file.
        mode: its permission bits.
        uid: its owner.
        size: bytes.
        entries: what is in it, by path, without a leading slash.
    """

    path: str
    mode: int
    uid: int
    size: int
    entries: Mapping[str, Entry]

    def find(self, path: str) -> Entry | None:
        """What a path leads to, through the symbolic links on its way; None where that is nothing."""
        rest, done, links = path.strip("/").split("/"), "", 0
        while rest:
            here = posixpath.join(done, rest.pop(0))
            entry = self.entries.get(here)
            if entry is None or not stat.S_ISLNK(entry.mode):
                done = here
                continue
            if (links := links + 1) > _LINKS_FOLLOWED:
                return None
            target = posixpath.normpath(posixpath.join("/", done, entry.text)).strip("/")
            rest, done = [*target.split("/"), *rest], ""
        return self.entries.get(done)

    def executable(self, *paths: str) -> bool:
        """Whether one of these paths is a program."""
        found = [entry for path in paths if (entry := self.find(path))]
        return any(entry.is_file and entry.mode & 0o100 for entry in found)

    def files(self, *patterns: str) -> Iterator[Entry]:
        """The files whose path matches one of these shell patterns (``*`` matches slashes, too)."""
        for path, entry in self.entries.items():
            if entry.is_file and any(fnmatchcase(path, pattern) for pattern in patterns):
                yield entry


def read_image(path: Path) -> Image:
    """Read an initramfs.

    Raises:
        SkerryError: it is not there, or it is damaged.
    """
    try:
        with path.open("rb", buffering=0) as file:
            state = path.stat()
            entries = {entry.path: entry for entry in _segments(file, state.st_size)}
    except FileNotFoundError as error:
        raise SkerryError(
            f"{path}: there is no such image", "Make it: update-initramfs -c -k VERSION."
        ) from error
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    if not entries:
        raise _damaged(path, "it is empty")
    return Image(str(path), stat.S_IMODE(state.st_mode), state.st_uid, state.st_size, entries)


def _damaged(path: Path, why: str) -> SkerryError:
    hint = "Make it again: update-initramfs -u. If /boot was full: make room there first."
    return SkerryError(f"{path}: the image is damaged ({why})", hint)


def _segments(file: IO[bytes], size: int) -> Iterator[Entry]:
    """The entries of all archives. Plain ones are read in place; a compressed one is the last."""
    while (start := _skip_zeros(file, size)) < size:
        magic = file.read(6)
        file.seek(start)
        if magic not in _CPIO:
            with unpacked(file) as stream:
                yield from _archives(stream)
            return
        yield from _archive(file)


def _skip_zeros(file: IO[bytes], size: int) -> int:
    """Step over the zeros between two archives; returns where the next one begins."""
    while block := file.read(4096):
        if stripped := block.lstrip(b"\0"):
            return file.seek(-len(stripped), 1)
    return size


def _archives(stream: IO[bytes]) -> Iterator[Entry]:
    """The entries of archives in a stream that can't be rewound."""
    pending = _next_header(stream)
    while pending:
        yield from _archive(stream, pending)
        pending = _next_header(stream)


def _next_header(stream: IO[bytes]) -> bytes:
    # Between archives lie zeros, in fours: archives begin where the number of bytes before is divisible by four.
    while (word := stream.read(4)) == b"\0\0\0\0":
        pass
    return word


def _archive(stream: IO[bytes], begun: bytes = b"") -> Iterator[Entry]:
    """The entries of one cpio archive in the format newc, up to its end mark."""
    while True:
        header = begun + _exactly(stream, _HEADER - len(begun))
        begun = b""
        if header[:6] not in _CPIO:
            raise ValueError("an archive's entry does not begin with 070701")
        mode, uid, size, name_size = (int(header[at : at + 8], 16) for at in (14, 22, 54, 94))
        name = _exactly(stream, name_size + -(_HEADER + name_size) % 4)[: name_size - 1].decode(
            errors="replace"
        )
        if name == _END:
            return
        path = posixpath.normpath(name).lstrip("/")
        yield Entry(path, mode, uid, size, _content(stream, size, kept=_is_kept(path, size)))


def _is_kept(path: str, size: int) -> bool:
    return size <= _KEPT_BYTES and not path.endswith((".ko", ".ko.xz", ".ko.zst", ".ko.gz"))


def _content(stream: IO[bytes], size: int, *, kept: bool) -> bytes | None:
    padded = size + -size % 4
    if kept:
        return _exactly(stream, padded)[:size]
    while padded:
        padded -= len(_exactly(stream, min(padded, 1 << 20)))
    return None


def _exactly(stream: IO[bytes], count: int) -> bytes:
    """So many bytes; a pipe or an unbuffered file may give them in pieces."""
    parts = []
    while count:
        part = stream.read(count)
        if not part:
            raise EOFError("it ends in the middle of an entry")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
