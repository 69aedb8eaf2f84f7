"""The files of a container, the upper layer of its root, as an archive: what begins it, and what tar does not see."""

import os
import resource
import sys
import tarfile
from collections.abc import Sequence
from typing import BinaryIO

from skerry import streams
from skerry.host.overlay import LIST, REDIRECT, UPPER
from skerry.model.errors import Code, SkerryError
from skerry.volume_files.copy import FOLDER
from skerry.volume_files.rules import ROOT
from skerry.volume_files.unpack import unpack


def pack(head: bytes, top: int, tar: Sequence[str]) -> None:
    """Write the archive of a container to standard output, by becoming the program ``tar``.

    Args:
        head: what it begins with.
        top: descriptor of the folder that holds the upper layer.
        tar: program and arguments.

    Raises:
        SkerryError: a folder is one that an archive cannot hold.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a container's folders may lie deep
    _refuse_renamed(top)
    member = tarfile.TarInfo(streams.HEAD)
    member.size, member.mode = len(head), 0o600
    begin = member.tobuf(tarfile.USTAR_FORMAT) + head + bytes(-len(head) % tarfile.BLOCKSIZE)
    sys.stdout.buffer.write(begin)
    sys.stdout.buffer.flush()
    os.execv(tar[0], list(tar))  # noqa: S606 - a list, and no shell


def _refuse_renamed(top: int) -> None:
    """A folder of the image's that was renamed has its files there still; only the overlay knows where."""
    for path, _names, _files, opened in os.fwalk(UPPER, dir_fd=top):
        if REDIRECT in os.listxattr(opened):
            here = path.removeprefix(UPPER)
            was = os.path.join(os.path.dirname(here), os.fsdecode(os.getxattr(opened, REDIRECT)))
            raise SkerryError(
                Code.INVALID,
                f"{here} is a folder of the image's that was renamed from {was}, which no archive can hold",
                f"In the container, make it a folder of its own: cp -a {here} {here}.own, remove {here}, and rename "
                f"{here}.own to {here}",
            )


def unpack_root(source: BinaryIO, top: int) -> None:
    """Write the archive of a container, after what it begins with, into a new upper layer.

    Args:
        source: the rest of the archive.
        top: descriptor of the folder that holds the upper layer.

    Raises:
        SkerryError: a member is refused.
        OSError: there is no room, or the host failed.
    """
    opaque: list[str] = []
    upper = os.open(UPPER, FOLDER, dir_fd=top)
    try:
        unpack(source, upper, ROOT, opaque)
    finally:
        os.close(upper)
    target = os.open(LIST, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=top)
    with open(target, "wb") as file:
        file.writelines(f"{path}\0".encode(errors="surrogateescape") for path in opaque)
