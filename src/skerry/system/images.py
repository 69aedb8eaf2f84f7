"""Image files on the pool: made of a tarball, mounted for everybody, taken away."""

import contextlib
import dataclasses
import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.size import format_size
from skerry.system import debian, sandbox, systemd, tarball
from skerry.system.recipe import Recipe

Progress = Callable[[dict[str, Any]], None]
_CHUNK = 1 << 20
_MEBI = 1024**2
MOST_UNPACKED = 8 * 1024 * _MEBI  # bytes that an image may unpack to
_SPARE = 64 * _MEBI  # bytes of the pool that making an image leaves to the containers
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
    return f"{host.pool}/images/{digest}.erofs"


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
        raise SkerryError(Code.HOST, f"{source} is missing", "Delete the image and import it again")
    systemd.mount(source, target, "erofs", "ro,nodev,nosuid")


def remove(host: HostConfig, digest: str) -> None:
    """Unmount an image and delete its file; nothing happens where neither is there."""
    systemd.unmount(mount_point(host, digest))
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(mount_point(host, digest))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(file_path(host, digest))


def clear_workshop(host: HostConfig) -> bool:
    """Take away what an engine that was killed was making; whether there was anything."""
    sandbox.end_all()
    found = os.path.lexists(_work_folder(host))
    if found:
        shutil.rmtree(_work_folder(host))
    return found


def digests(host: HostConfig) -> set[str]:
    """The digests of which there is a file or a mount."""
    files = {path.stem for path in Path(host.pool, "images").glob("*.erofs")}
    return files | {path.name for path in Path(host.run, "images").glob("*")}


def _work_folder(host: HostConfig) -> str:
    return f"{host.pool}/images/work"


@contextlib.contextmanager
def _room_matters(host: HostConfig) -> Iterator[None]:
    """Say it plainly where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise _no_room(host) from error


def _no_room(host: HostConfig) -> SkerryError:
    free = shutil.disk_usage(host.pool).free // _MEBI
    return SkerryError(
        Code.HOST,
        f"the pool {host.pool} has too little room to make this image: {free} MiB are free",
        "Making an image takes three times its unpacked size; delete containers or images, or grow the pool",
    )


@dataclasses.dataclass
class Workshop:
    """Where one image is made; all that is in it goes when it closes.

    Attributes:
        host: this host.
        folder: root's own folder on the pool.
        progress: is told the stage and the bytes about once a second.
    """

    host: HostConfig
    folder: str
    progress: Progress
    _told: float = 0.0

    @classmethod
    @contextlib.contextmanager
    def open(cls, host: HostConfig, progress: Progress) -> Iterator["Workshop"]:
        """Make the folder, take it away afterwards."""
        folder = _work_folder(host)
        os.makedirs(f"{host.pool}/images", mode=0o700, exist_ok=True)
        os.mkdir(folder, mode=0o700)
        try:
            os.mkdir(f"{folder}/scratch")
            os.chmod(f"{folder}/scratch", 0o777)  # noqa: S103 - only root, and the maker in its sandbox, get that far
            with _room_matters(host):
                yield cls(host, folder, progress)
        finally:
            shutil.rmtree(folder)

    @property
    def tar(self) -> str:
        """The unpacked tarball."""
        return f"{self.folder}/tar"

    @property
    def erofs(self) -> str:
        """The image as its maker leaves it, in the folder that is the maker's."""
        return f"{self.folder}/scratch/erofs"

    def tell(self, stage: str, done: int, of: int = 0) -> None:
        """Report progress, once a second at most."""
        if time.monotonic() - self._told >= 1:
            self._told = time.monotonic()
            self.progress({"event": "progress", "stage": stage, "bytes": done, "of": of})

    def _run(self, job: sandbox.Job, stage: str, written: Callable[[], int]) -> None:
        """Run a job, tell how far it is, and end it before it takes the containers' spare room."""

        def look() -> None:
            self.tell(stage, written())
            if shutil.disk_usage(self.host.pool).free < _SPARE // 2:
                raise _no_room(self.host)

        try:
            sandbox.run(job, look)
        except sandbox.JobError as error:
            if "No space left" in error.journal:
                raise _no_room(self.host) from error
            raise

    def fetch(self, path: str, sha256: str) -> str:
        """Copy the tarball in, check its digest on the way, and unpack it; returns the digest.

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
        self._unpack(packed, path)
        return found

    def _copy(self, source: BinaryIO, target: BinaryIO) -> str:
        digest, size, done = hashlib.sha256(), os.fstat(source.fileno()).st_size, 0
        if size > self._room():
            raise _no_room(self.host)
        while block := source.read(_CHUNK):
            digest.update(block)
            target.write(block)
            done += len(block)
            self.tell("verify", done, size)
        return digest.hexdigest()

    def _room(self) -> int:
        """Bytes that a tarball may have: while it becomes an image it lies on the pool up to three times."""
        return max(0, shutil.disk_usage(self.host.pool).free - _SPARE) // 3

    def _unpack(self, packed: str, path: str) -> None:
        with open(packed, "rb") as file:
            magic = file.read(6)
        packer = next((argv for start, argv in _PACKERS.items() if magic.startswith(start)), None)
        if packer is None:
            os.rename(packed, self.tar)
            return
        limit = min(MOST_UNPACKED, self._room())
        job = sandbox.Job(packer[1:], stdin=packed, stdout=self.tar, largest_file=limit)
        try:
            self._run(job, "decompress", lambda: _written(self.tar))
        except sandbox.JobError as error:
            if os.path.exists(self.tar) and os.stat(self.tar).st_size >= limit:
                raise _bomb(path) if limit == MOST_UNPACKED else _no_room(self.host) from error
            raise SkerryError(
                Code.INVALID,
                f"{path} cannot be decompressed by {packer[0]}: {error.message}",
                "Pack it again",
                error.journal,
            ) from error
        os.unlink(packed)

    def build(self, recipe: Recipe) -> str:
        """Make the tarball of a Debian; returns its digest.

        Raises:
            SkerryError: mmdebstrap failed.
        """
        folder, free = f"{self.folder}/debian", shutil.disk_usage(self.host.pool).free
        os.mkdir(folder)
        job = debian.prepare(recipe, self.tar, folder)
        self._run(job, "mmdebstrap", lambda: free - shutil.disk_usage(self.host.pool).free)
        shutil.rmtree(folder)
        with open(self.tar, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def finish(self, digest: str) -> int:
        """Check the tarball, make the image of it, put it in its place and mount it; returns its size in bytes.

        Raises:
            SkerryError: the tarball is not a root file system that a container may have, or a step failed.
        """
        with open(self.tar, "rb") as file:
            contents = tarball.check(file, lambda done: self.tell("check", done, os.stat(self.tar).st_size))
        if contents.size > MOST_UNPACKED:
            raise _bomb("the tarball")
        self._convert()
        size = self._take_over(digest)
        try:
            mount(self.host, digest)
        except BaseException:
            remove(self.host, digest)
            raise
        return size

    def _convert(self) -> None:
        argv = ["/usr/bin/mkfs.erofs", "--quiet", *_COMPRESSION, "--tar=f", f"{sandbox.SCRATCH}/erofs"]
        # No limit on its file: it keeps what it has not yet packed at the file's far end, behind a hole of 1 TiB.
        job = sandbox.Job(
            argv, stdin=self.tar, scratch=f"{self.folder}/scratch", largest_file=sandbox.UNLIMITED
        )
        self._run(job, "mkfs.erofs", lambda: _written(self.erofs))

    def _take_over(self, digest: str) -> int:
        """The maker is gone; from here on the file is root's, and nobody writes to it any more."""
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
        return found.st_size


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


def _bomb(path: str) -> SkerryError:
    return SkerryError(
        Code.INVALID,
        f"{path} unpacks to more than {format_size(MOST_UNPACKED)}, the most that an image may hold",
        "Leave out what the container's program does not need",
    )
