"""Bytes between a client and a program that the engine starts, by a pipe with a name. Standard library only.

The engine's socket has one line a request; an archive of gigabytes goes beside it. The client, which is root, makes a FIFO
in :data:`FOLDER` and names it in its request.
"""

import contextlib
import os
import secrets
import select
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

FOLDER = "/run/skerry/streams"
Direction = Literal["in", "out"]
HEAD = "skerry.json"  # the member that an archive of a container begins with
LARGEST_HEAD = 256 * 1024  # bytes; it goes to the engine in a request
_CHUNK = 1 << 20
_PAUSE = 0.02  # seconds between two looks for the other end


def _open(path: Path, direction: Direction) -> int:
    """Our end of a FIFO, before anybody is at the other: it ends with us, whenever we are killed."""
    if direction == "out":
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    both = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)  # there is no other way to write first
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(both)


class _Pump(threading.Thread):
    """Copies between a file and our end of a FIFO until one of them ends, or nobody comes to the other end."""

    def __init__(self, opened: int, file: BinaryIO, direction: Direction) -> None:
        super().__init__(daemon=True)
        self._opened, self._file, self._direction = opened, file, direction
        self.over = threading.Event()
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            if self._direction == "out":
                self._read()
            else:
                self._write()
        except BrokenPipeError:
            pass  # the program has read enough; the engine's answer says why
        except OSError as error:
            self.error = error
        finally:
            os.close(self._opened)

    def _read(self) -> None:
        waiting = select.poll()
        waiting.register(self._opened, select.POLLIN)
        while True:
            # Before the first writer has come there is no POLLHUP.
            if not waiting.poll(200):
                if self.over.is_set():
                    return
                continue
            block = os.read(self._opened, _CHUNK)
            if not block:
                return
            while block:
                block = block[self._file.write(block) :]

    def _write(self) -> None:
        waiting = select.poll()
        waiting.register(self._opened, 0)
        while waiting.poll(0):  # POLLERR: nobody reads yet
            if self.over.is_set():
                return
            time.sleep(_PAUSE)
        os.set_blocking(self._opened, True)
        while block := self._file.read(_CHUNK):
            while block:
                block = block[os.write(self._opened, block) :]


def _remove_left(folder: str) -> None:
    """Take away what clients have left that were killed: a FIFO's name begins with the id of its process."""
    for path in Path(folder).iterdir():
        with contextlib.suppress(ValueError):
            if not Path(f"/proc/{int(path.name[:8], 16)}").exists():
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def stream(file: BinaryIO, direction: Direction, folder: str = FOLDER) -> Iterator[str]:
    """Within it, the bytes of ``file`` go to whoever opens the FIFO of the given name, or come from there.

    Args:
        file: what is read (``in``) or written (``out``).
        direction: into the engine's program, or out of it.
        folder: where the FIFO is made.

    Raises:
        OSError: the file could not be read or written.
    """
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_left(folder)
    name = f"{os.getpid():08x}{secrets.token_hex(4)}"
    path = Path(folder, name)
    os.mkfifo(path, 0o600)
    pump = _Pump(_open(path, direction), file, direction)
    pump.start()
    try:
        yield name
    finally:
        pump.over.set()
        if direction == "out":
            pump.join()
        else:
            pump.join(1.0)
        path.unlink(missing_ok=True)
        if pump.error is not None:
            raise pump.error


class HeadError(Exception):
    """A file does not begin as an archive of a container does."""


def head(file: BinaryIO) -> str:
    """The text that an archive of a container begins with, which says what container that was; the rest stays unread.

    Raises:
        HeadError: it begins with something else, or ends before.
    """
    block = file.read(tarfile.BLOCKSIZE)
    if not block:
        raise HeadError("it is empty. What was to write it has failed")
    if block.startswith(b"age-encryption.org/"):
        raise HeadError("this is encrypted. Decrypt it by the way: age -d -i KEY FILE | skerry …")
    try:
        member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        raise HeadError(
            "this is no archive that 'export' wrote, or a packed one. Unpack it first, such as by zstd -dc"
        ) from None
    if member.name != HEAD or member.type != tarfile.REGTYPE:
        raise HeadError(f"its first member is {member.name!r}, not {HEAD}. Take it as 'export' wrote it")
    if not 0 <= member.size <= LARGEST_HEAD:
        raise HeadError(f"its {HEAD} has {member.size} bytes, and {LARGEST_HEAD} is the most")
    length = -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    data = file.read(length)
    if len(data) < length:
        raise HeadError(f"it is cut off in {HEAD}. Take the whole archive")
    try:
        return data[: member.size].decode()
    except UnicodeDecodeError:
        raise HeadError(f"its {HEAD} is no text in UTF-8") from None
