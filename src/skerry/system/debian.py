"""A Debian root file system, made on this host by mmdebstrap."""

import dataclasses
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from skerry.model.errors import Code, SkerryError
from skerry.system import sandbox

_DAY = 86_400
_TIMEOUT = 3600.0  # seconds; a plain one takes 20 natively and a quarter of an hour under full emulation
_MEMORY = 2 * 1024**3  # bytes; apt's and dpkg's page cache counts
LARGEST_FILE = 8 * 1024**3
# What a container's program does not read. Copyright notices stay: licences ask for them.
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/share/bug/*",
)


@dataclasses.dataclass(frozen=True)
class File:
    """A file to add: its ``content``, or the file of the host at ``path``."""

    target: str
    content: str | None
    path: str | None
    mode: int

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            SkerryError: it cannot be read.
        """
        if self.path is None:
            return (self.content or "").encode()
        try:
            return Path(self.path).read_bytes()
        except OSError as error:
            raise SkerryError(
                Code.INVALID,
                f"files: {self.path} cannot be read: {error.strerror}",
                "Give the path of a file on this host",
            ) from error


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What to build: a Debian release, packages on top of the smallest one, files."""

    suite: str
    packages: tuple[str, ...]
    files: tuple[File, ...]


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of all that the recipe says, the files' bytes included.

    Raises:
        SkerryError: one of its files cannot be read.
    """
    files = [[file.target, file.mode, hashlib.sha256(file.read()).hexdigest()] for file in recipe.files]
    text = json.dumps(
        {"suite": recipe.suite, "packages": recipe.packages, "files": files, "left_out": _LEFT_OUT}
    )
    return hashlib.sha256(text.encode()).hexdigest()


def command(recipe: Recipe, extra: str, tar: str, mode: str = "root") -> list[str]:
    """The command that makes the tarball ``tar``, with the files below the folder ``extra`` added."""
    return [
        "/usr/bin/mmdebstrap",
        "--quiet",
        "--variant=essential",
        f"--mode={mode}",
        "--format=tar",
        f"--include={','.join(recipe.packages)}",
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--skip=output/mknod",
        f"--customize-hook=sync-in {extra} /",
        # A container gets its resolver from the host; what is there when it starts must be a file, not a link.
        '--customize-hook=rm -f "$1/etc/resolv.conf" && : >"$1/etc/resolv.conf"',
        '--customize-hook=rm -rf "$1"/var/log/apt "$1"/var/log/dpkg.log "$1"/var/log/alternatives.log',
        '--customize-hook=rm -f "$1"/var/cache/ldconfig/aux-cache && : >"$1/etc/machine-id"',
        recipe.suite,
        tar,
    ]


def _lay_out(recipe: Recipe, folder: Path) -> None:
    """The recipe's files as they shall lie in the image, root's, each folder above them open to all."""
    folder.mkdir(mode=0o755)
    for file in recipe.files:
        place = folder / file.target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read())
        place.chmod(file.mode)


def build(recipe: Recipe, tar: str, folder: str, watch: Callable[[], None]) -> None:
    """Make the tarball of a recipe.

    Dates of files are cut to the start of today, so that the same packages give the same tarball all day, and those that
    packages bring keep theirs (Python's compiled modules name the dates of their sources).

    Args:
        recipe: what to build.
        tar: the file to make.
        folder: a place for what is needed meanwhile; made here, removed here.
        watch: called often.

    Raises:
        SkerryError: mmdebstrap failed; the journal says why.
    """
    os.mkdir(folder, mode=0o755)
    _lay_out(recipe, Path(folder, "extra"))
    os.mkdir(f"{folder}/scratch", mode=0o1777)
    job = sandbox.Job(
        argv=command(recipe, f"{folder}/extra", "-"),
        stdout=tar,
        scratch=f"{folder}/scratch",
        privileged=True,
        memory=_MEMORY,
        largest_file=LARGEST_FILE,
        timeout=_TIMEOUT,
        env=(f"SOURCE_DATE_EPOCH={int(time.time()) // _DAY * _DAY}",),
    )
    sandbox.run(job, watch)
    shutil.rmtree(folder)
