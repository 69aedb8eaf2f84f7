"""Image files on the pool: made of a tarball, mounted for everybody, taken away.

One image is made at a time, in one build directory. It holds the tarball as it came (``packed``), the plain one (``tar``),
and ``digest``, which tells the digest of what came or was built.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from skerry.host import btrfs, sandbox, systemd
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.size import format_size
from skerry.parts import storage
from skerry.parts.base import tell
from skerry.resources.images import debian, tar_stream, tarball
from skerry.resources.images.recipe import Recipe

_CHUNK = 1 << 20
_MEBI = 1024**2
MOST_UNPACKED = 8 * 1024 * _MEBI  # bytes that an image may unpack to
KEPT, MERGED = (
    "kept",
    "merged",
)  # in the build directory: a container's files of one moment; these over its image
LOOK, CREDENTIAL = "look-", "registry-"  # begin the names of what lies on the pool and on tmpfs for moments
# 32 KiB a cluster against the 4 of its default: a tenth smaller, and what does not compress takes a seventh of the time.
_COMPRESSION = ("-zlz4hc", "-C32768")
# Debian installs no bzip2 by itself, but the engine's Python reads it.
_BUNZIP = (
    "import bz2, shutil, sys; shutil.copyfileobj(bz2.open(sys.stdin.buffer), sys.stdout.buffer, 1 << 20)"
)
_PACKERS = {
    b"\x1f\x8b": ("gzip", "/usr/bin/gzip", "-dc"),
    b"BZh": ("bzip2", "/usr/bin/python3", "-I", "-S", "-c", _BUNZIP),
    b"\xfd7zXZ\x00": ("xz", "/usr/bin/xz", "-dc", "--memlimit-decompress=256MiB"),
    b"\x28\xb5\x2f\xfd": ("zstd", "/usr/bin/zstd", "-dcq"),
}


def file_path(host: HostConfig, digest: str) -> str:
    """Where the file of an image lies."""
    return storage.image_file(host, digest)


def mount_point(host: HostConfig, digest: str) -> str:
    """Where an image is mounted."""
    return f"{host.run}/images/{digest}"


def mount(host: HostConfig, digest: str) -> None:
    """Mount an image where it is not mounted: by systemd, so that every unit sees it, whoever runs first.

    Raises:
        SkerryError: its file is missing, or cannot be mounted.
    """
    source, target = file_path(host, digest), mount_point(host, digest)
    if os.path.ismount(target):
        return
    if not os.path.exists(source):
        raise SkerryError(
            Code.HOST, f"{source} is missing", "Bring the image again; 'skerry state info' says how"
        )
    systemd.mount(source, target, "erofs", "ro,nodev,nosuid")


def unmount(host: HostConfig, digest: str) -> None:
    """Unmount an image; nothing happens where it is not mounted."""
    systemd.unmount(mount_point(host, digest))
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(mount_point(host, digest))


def delete_file(host: HostConfig, digest: str) -> None:
    """Delete the file of an image; nothing happens where there is none."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(file_path(host, digest))


def size(host: HostConfig, digest: str) -> int:
    """Bytes of the file of an image."""
    return os.stat(file_path(host, digest)).st_size


def clear(host: HostConfig) -> bool:
    """End what makes an image, and take its build directory away; whether there was one."""
    sandbox.end_all()
    folder = _folder(host)
    found = os.path.lexists(folder)
    if found:
        if os.path.lexists(f"{folder}/{MERGED}"):
            systemd.unmount(f"{folder}/{MERGED}")
        btrfs.delete(f"{folder}/{KEPT}")
        shutil.rmtree(folder)
    return found


def forget_looks(host: HostConfig) -> None:
    """Take away what an engine that was killed left while it only looked at an image."""
    for path in Path(host.pool, "images").glob(f"{LOOK}*"):
        shutil.rmtree(path)
    for path in Path(host.run).glob(f"{CREDENTIAL}*"):
        path.unlink()


def has_tarball(host: HostConfig) -> bool:
    """Whether the build directory has a whole tarball."""
    return os.path.exists(f"{_folder(host)}/digest")


def tarball_digest(host: HostConfig) -> str:
    """The digest of the tarball in the build directory."""
    return Path(_folder(host), "digest").read_text(encoding="ascii")


def digests(host: HostConfig) -> set[str]:
    """The digests of which there is a file or a mount."""
    files = {path.stem for path in Path(host.pool, "images").glob("*.erofs")}
    return files | {path.name for path in Path(host.run, "images").glob("*")}


def _folder(host: HostConfig) -> str:
    return f"{host.pool}/images/work"


@contextlib.contextmanager
def room_matters(host: HostConfig) -> Iterator[None]:
    """Say it plainly where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise no_room(host) from error


def no_room(host: HostConfig) -> SkerryError:
    """The error for a pool without room, of which images may not take what is reserved for containers."""
    free = shutil.disk_usage(host.pool).free // _MEBI
    return SkerryError(
        Code.HOST,
        f"the pool {host.pool} has too little room to make this image: {free} MiB are free, "
        f"and {format_size(host.reserve_disk)} of it is for containers only",
        "Making an image takes three times its unpacked size; prune images, delete containers, or grow the pool",
    )


class BuildDir:
    """Where one image is made: root's own folder on the pool."""

    def __init__(self, host: HostConfig) -> None:
        self.host, self.folder = host, _folder(host)
        self._told = 0.0

    def make(self) -> None:
        """Make the folder, empty."""
        clear(self.host)
        os.makedirs(f"{self.host.pool}/images", mode=0o700, exist_ok=True)
        os.mkdir(self.folder, mode=0o700)
        os.mkdir(f"{self.folder}/scratch")
        os.chmod(f"{self.folder}/scratch", 0o777)  # noqa: S103 - only root, and the maker in its sandbox, get that far

    @property
    def tar(self) -> str:
        """The unpacked tarball; once it is checked, the one written anew."""
        return f"{self.folder}/tar"

    @property
    def scratch(self) -> str:
        """The folder that is the maker's."""
        return f"{self.folder}/scratch"

    @property
    def erofs(self) -> str:
        """The image as its maker leaves it, in the folder that is the maker's."""
        return f"{self.folder}/scratch/erofs"

    def tell(self, stage: str, done: int, of: int = 0) -> None:
        """Report progress, once a second at most."""
        if time.monotonic() - self._told >= 1:
            self._told = time.monotonic()
            tell({"event": "progress", "stage": stage, "bytes": done, "of": of})

    def run(self, job: sandbox.Job, stage: str, written: Callable[[], int]) -> None:
        """Run a job, tell how far it is, and end it before it takes the containers' spare room."""
        try:
            sandbox.run(job, lambda: self.look(stage, written()))
        except sandbox.JobError as error:
            if "No space left" in error.journal:
                raise no_room(self.host) from error
            raise

    def fetch(self, path: str, sha256: str) -> None:
        """Copy the tarball in, check its digest on the way, and unpack it.

        The copy is what makes the digest worth something: whoever may write to ``path`` cannot change it in between.

        Raises:
            SkerryError: it cannot be read, is not what the digest says, or does not unpack within the limits.
        """
        packed = f"{self.folder}/packed"
        with _open_tarball(path) as source, open(packed, "xb") as target:
            found = self._copy(source, target)
        if found != sha256:
            raise SkerryError(
                Code.INVALID,
                f"sha256: {path} has the digest {found}, not {sha256}",
                "Copy the tarball again, or give the digest of the one that you mean",
            )
        self.unpack(packed, self.tar, path, MOST_UNPACKED)
        self.tell_digest(found)

    def tell_digest(self, digest: str) -> None:
        """Say that the tarball is whole."""
        Path(self.folder, "digest").write_text(digest, encoding="ascii")

    def _copy(self, source: BinaryIO, target: BinaryIO) -> str:
        digest, size, done = hashlib.sha256(), os.fstat(source.fileno()).st_size, 0
        if size > self.room():
            raise no_room(self.host)
        while block := source.read(_CHUNK):
            digest.update(block)
            target.write(block)
            done += len(block)
            self.tell("verify", done, size)
        return digest.hexdigest()

    def look(self, stage: str, done: int, of: int = 0) -> None:
        """Tell how far it is; give up before the containers' room is taken.

        Raises:
            SkerryError: there is no more room.
        """
        self.tell(stage, done, of)
        if shutil.disk_usage(self.host.pool).free < self.host.reserve_disk // 2:
            raise no_room(self.host)

    def room(self) -> int:
        """Bytes that a tarball may have: while it becomes an image it lies on the pool up to three times."""
        return max(0, shutil.disk_usage(self.host.pool).free - self.host.reserve_disk) // 3

    def unpack(self, packed: str, target: str, path: str, most: int) -> None:
        """Unpack a file into ``target``, which takes its place.

        Args:
            packed: the file, packed or not.
            target: the file to make.
            path: what a person calls it.
            most: bytes that it may unpack to.

        Raises:
            SkerryError: it does not unpack, or not within the limit.
        """
        limit = min(most, self.room())
        bomb = too_large(path) if limit == most else no_room(self.host)
        with open(packed, "rb") as file:
            magic = file.read(6)
        packer = next((argv for start, argv in _PACKERS.items() if magic.startswith(start)), None)
        if packer is None:
            if os.stat(packed).st_size > limit:
                raise bomb
            os.rename(packed, target)
            return
        job = sandbox.Job(packer[1:], stdin=packed, stdout=target, largest_file=limit)
        try:
            self.run(job, "decompress", lambda: _written(target))
        except sandbox.JobError as error:
            if os.path.exists(target) and os.stat(target).st_size >= limit:
                raise bomb from error
            raise SkerryError(
                Code.INVALID,
                f"{path} cannot be decompressed by {packer[0]}: {error.message}",
                "Pack it again",
                error.journal,
            ) from error
        os.unlink(packed)

    def build(self, recipe: Recipe) -> None:
        """Make the tarball of a Debian.

        Raises:
            SkerryError: mmdebstrap failed.
        """
        folder, free = f"{self.folder}/debian", shutil.disk_usage(self.host.pool).free
        os.mkdir(folder)
        job = debian.prepare(recipe, self.tar, folder)
        self.run(job, "mmdebstrap", lambda: free - shutil.disk_usage(self.host.pool).free)
        shutil.rmtree(folder)
        with open(self.tar, "rb") as file:
            self.tell_digest(hashlib.file_digest(file, "sha256").hexdigest())

    def finish(self, digest: str) -> None:
        """Check the tarball, make the image of it and put that in its place; the build directory goes.

        Raises:
            SkerryError: the tarball is not a root file system that a container may have, or its making failed.
        """
        self._check()
        self.convert()
        self.take_over(digest)
        clear(self.host)

    def _check(self) -> None:
        """Read the tarball, and write it anew from what was read; that takes its place."""
        size = os.stat(self.tar).st_size
        with open(self.tar, "rb") as source, open(f"{self.folder}/plain", "xb") as target:
            contents = tarball.read(source, lambda done: self.tell("check", done, size))
            if contents.size > MOST_UNPACKED:
                raise too_large("the tarball")
            tar_stream.write(contents.tree, source, target, lambda done: self.look("sort", done, size))
        os.rename(f"{self.folder}/plain", self.tar)

    def convert(self, *options: str) -> None:
        """Make the EROFS file of the tarball.

        Raises:
            SkerryError: mkfs.erofs failed, or the pool is full.
        """
        argv = [
            "/usr/bin/mkfs.erofs",
            "--quiet",
            *_COMPRESSION,
            *options,
            "--tar=f",
            f"{sandbox.SCRATCH}/erofs",
        ]
        # No limit on its file: it keeps what it has not yet packed at the file's far end, behind a hole of 1 TiB.
        job = sandbox.Job(
            argv, stdin=self.tar, scratch=f"{self.folder}/scratch", largest_file=sandbox.UNLIMITED
        )
        self.run(job, "mkfs.erofs", lambda: _written(self.erofs))

    def take_over(self, digest: str) -> None:
        """Put the EROFS file in its place. The maker is gone; from here on it is root's, and nobody writes to it.

        Raises:
            SkerryError: the maker left something else than a file.
        """
        descriptor = os.open(self.erofs, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                raise SkerryError(
                    Code.FAILED, "mkfs.erofs left something else than a file", "Do not trust this tarball"
                )
            os.fchown(descriptor, 0, 0)
            os.fchmod(descriptor, 0o400)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(self.erofs, file_path(self.host, digest))
        folder = os.open(f"{self.host.pool}/images", os.O_RDONLY | os.O_CLOEXEC)
        os.fsync(folder)
        os.close(folder)


def _written(path: str) -> int:
    """Bytes of a file without its holes; 0 where it is not there yet."""
    try:
        return os.stat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def _open_tarball(path: str) -> BinaryIO:
    try:
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        )  # a pipe shall not make us wait
    except (OSError, ValueError) as error:  # ValueError: a zero byte in it
        why = error.strerror if isinstance(error, OSError) else error
        raise _no_tarball(f"{path!r} cannot be read: {why}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_tarball(f"{path} is not a file")
    return open(descriptor, "rb")


def _no_tarball(found: str) -> SkerryError:
    hint = "Give the path of a tarball on this host; the engine sees nothing below /tmp and /var/tmp"
    return SkerryError(Code.INVALID, f"path: {found}", hint)


def too_large(path: str) -> SkerryError:
    """The error for what unpacks to more than an image may hold."""
    return SkerryError(
        Code.INVALID,
        f"{path} unpacks to more than {format_size(MOST_UNPACKED)}, the most that an image may hold",
        "Leave out what the container's program does not need",
    )
