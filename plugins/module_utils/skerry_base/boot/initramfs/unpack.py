"""The bytes of a compressed archive inside an initramfs, as a stream: an image is larger than small machines' memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess  # noqa: TID251 (the seam in run.py hands a program's whole output over; this is a stream)
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, cast

from ...core.errors import SkerryError

# What the kernel itself looks at, too.
_LIBRARY: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x5d\x00\x00": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
}
_PROGRAM = {b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}


def unpacked(file: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """The content of the compressed archive that begins at ``file``'s position.

    Args:
        file: opened without a buffer of its own.

    Raises:
        SkerryError: nothing that the kernel could unpack, or the program for it is not installed.
    """
    start = file.tell()
    magic = file.read(6)
    file.seek(start)
    for known, open_stream in _LIBRARY.items():
        if magic.startswith(known):
            return cast("AbstractContextManager[IO[bytes]]", open_stream(file))
    for known, program in _PROGRAM.items():
        if magic.startswith(known):
            return _piped(program, file)
    raise SkerryError(
        f"at byte {start} lies neither a cpio archive nor one compressed with gzip, xz, lzma, bzip2, zstd or lz4",
        "Make the image again: update-initramfs -u.",
    )


@contextmanager
def _piped(program: str, file: IO[bytes]) -> Iterator[IO[bytes]]:
    try:
        process = subprocess.Popen(
            [program, "-d", "-c", "-q"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise SkerryError(f"{program} is not installed", f"apt-get install {program}") from error
    stream = cast("IO[bytes]", process.stdout)  # since it is a pipe
    try:
        yield stream
    finally:
        # Whoever stops reading early, or meets a damaged archive, leaves nothing running behind.
        stream.close()
        process.terminate()
        process.wait(timeout=30)
