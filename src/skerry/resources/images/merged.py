"""The tarball of a container: its image and what it has written, as it sees them, in one moment.

The kernel merges them, as for the container itself, and a program of the sandbox reads that. Nothing is written there.
"""

import dataclasses
import hashlib
import os
from pathlib import Path

from skerry.host import btrfs, sandbox, systemd
from skerry.host.overlay import UPPER
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts import archive, storage
from skerry.resources.images import factory
from skerry.resources.images.factory import BuildDir

# Sparse files are whole in it: what makes images knows no others.
_TAR = (
    *archive.TAR,
    *(f"--xattrs-include={one}" for one in archive.ATTRIBUTES),
    f"--directory={sandbox.IMAGES}/0",
    ".",
)


@dataclasses.dataclass(frozen=True)
class Merged:
    """Whose files, over which image.

    Attributes:
        source: what a person calls it.
        place: where the files lie in the pool.
        root: the number of the root that these are.
        lowers: the files of the image, the topmost first.
        machine: whether it is a whole Debian, whose machine id stays its own.
    """

    source: str
    place: str
    root: int
    lowers: tuple[str, ...]
    machine: bool


def bring(host: HostConfig, files: Merged) -> None:
    """Write the tarball into a new build directory.

    Raises:
        SkerryError: the container is gone or has another root by now, or it is too large.
    """
    build = BuildDir(host)
    build.make()
    merged = _mounted(build, files)
    _write(build, merged, files.source)
    systemd.unmount(merged)
    btrfs.delete(f"{build.folder}/{factory.KEPT}")
    with open(build.tar, "rb") as file:
        build.tell_digest(hashlib.file_digest(file, "sha256").hexdigest())


def _mounted(build: BuildDir, files: Merged) -> str:
    """Keep the container's files of now, and mount them over its image; where."""
    host, kept, merged = build.host, f"{build.folder}/{factory.KEPT}", f"{build.folder}/{factory.MERGED}"
    try:
        btrfs.snapshot(f"{host.pool}/{files.place}", kept, writable=True)
    except FileNotFoundError as error:
        raise SkerryError(
            Code.NOT_FOUND, f"{files.source} has been deleted meanwhile", "Name one that is there"
        ) from error
    number = Path(kept, storage.NUMBER)
    if files.root and files.root != int(number.read_text(encoding="ascii") if number.exists() else 1):
        raise SkerryError(Code.BUSY, f"{files.source} has got another root meanwhile", "Publish it again")
    if files.machine:
        storage.forget_machine(f"{kept}/{UPPER}")
    for digest in files.lowers:
        factory.mount(host, digest)
    lower = ":".join([f"{kept}/{UPPER}", *(factory.mount_point(host, digest) for digest in files.lowers)])
    systemd.mount(
        "overlay", merged, "overlay", f"ro,nodev,nosuid,noexec,redirect_dir=follow,lowerdir={lower}"
    )
    return merged


def _write(build: BuildDir, merged: str, source: str) -> None:
    room = build.room()
    limit = min(factory.MOST_UNPACKED, room)
    job = sandbox.Job(_TAR, stdout=build.tar, images=[merged], files=True, largest_file=limit)
    try:
        build.run(job, "read", lambda: os.stat(build.tar).st_size if os.path.exists(build.tar) else 0)
    except sandbox.JobError as error:
        if not os.path.exists(build.tar) or os.stat(build.tar).st_size < limit:
            raise
        raise (factory.no_room(build.host) if limit == room else factory.too_large(source)) from error
