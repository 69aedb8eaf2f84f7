"""What a Debian image is made of, and how mmdebstrap makes its tarball.

Standard library only and on its own, so that an Ansible module can carry it: the same recipe gives the same tarball on a
host and on a controller.
"""

import dataclasses
import hashlib
import io
import json
import os
import re
import shlex
import stat
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Every file made while building gets this date, Debian 13's own, so that the same packages give the same bytes on any day.
# Compiled Python modules do not mind: with SOURCE_DATE_EPOCH set they name their sources' hashes instead of dates.
EPOCH = 1_754_697_600
# What a container's program does not read. Copyright notices stay: licences ask for them.
_LEFT_OUT = ("doc", "man", "info", "locale", "lintian", "bug")
_HOOKS = (
    # The host gives a container its resolver. What it is laid over must be a file, and not a link.
    'rm -f "$1/etc/resolv.conf" && : >"$1/etc/resolv.conf"',
    ': >"$1/etc/machine-id"',
    'rm -rf "$1"/var/log/apt "$1"/var/log/*.log "$1"/var/cache/ldconfig/aux-cache',
)
_KEYS = {"suite", "components", "packages", "without", "files", "command", "env"}
_SUITE, _PACKAGE = re.compile(r"[a-z]+"), re.compile(r"[a-z0-9][a-z0-9+.-]*")
_PATTERN = re.compile(r"(/[\w.*+-]*[\w*][\w.*+-]*)+")
_COMPONENT = re.compile(r"[a-z]+(-[a-z]+)*")
_TARGET = re.compile(r"(/[^/\0]+)+")


class RecipeError(Exception):
    """An image.toml that says something wrong; the message names the file and the key."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file to add: its path in the image, its permissions, its bytes.

    Attributes:
        kind: as tarfile names it: a plain file, a link with the path that it leads to as its bytes, or an empty folder.
    """

    target: str
    mode: int
    data: bytes
    kind: bytes = tarfile.REGTYPE

    def digest(self) -> str:
        """SHA-256 of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A Debian release, packages on top of the smallest one, and files.

    Attributes:
        components: parts of Debian's archive besides main, such as non-free-firmware.
        without: what packages make that no copy of this root shall have, such as host keys: patterns of whole paths.
    """

    suite: str
    packages: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    components: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def digest(self) -> str:
        """SHA-256 of all that decides what is built, but for the packages' versions."""
        files = [[file.target, file.mode, file.digest(), *_other_kind(file.kind)] for file in self.files]
        how = [EPOCH, _LEFT_OUT, _HOOKS, *(x for x in (self.components, self.without) if x)]
        return hashlib.sha256(json.dumps([self.suite, self.packages, files, how]).encode()).hexdigest()

    def pack(self, path: Path) -> None:
        """Write the files as a tarball, root's each.

        A file's date follows from its bytes: a web server that marks files by date and size sees every change.
        """
        with tarfile.open(path, "w") as tar:
            for file in self.files:
                member = tarfile.TarInfo(file.target.lstrip("/"))
                member.mode, member.type = file.mode, file.kind
                if file.kind == tarfile.SYMTYPE:
                    member.linkname = os.fsdecode(file.data)
                else:
                    member.size = len(file.data)
                member.mtime = EPOCH - int(file.digest()[:6], 16)
                tar.addfile(member, io.BytesIO(file.data))

    def arguments(self, extra: str, target: str, mode: str) -> list[str]:
        """What mmdebstrap is told: it makes the tarball ``target`` and adds the files in the tarball ``extra``.

        Args:
            extra: what :meth:`pack` made.
            target: the tarball; its name says how it is packed. ``-`` is standard output, not packed.
            mode: mmdebstrap's: ``root``, or ``unshare`` for a user.
        """
        left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
        return [
            "--quiet",
            "--variant=essential",
            f"--mode={mode}",
            "--format=tar",
            *([f"--include={','.join(self.packages)}"] if self.packages else []),
            *([f"--components={','.join(('main', *self.components))}"] if self.components else []),
            '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=force-unsafe-io",
            *left_out,
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            "--skip=output/mknod",
            f"--customize-hook=tar-in {shlex.quote(extra)} /",
            *(f"--customize-hook={hook}" for hook in _HOOKS),
            *(f'--customize-hook=rm -rf "$1"{pattern}' for pattern in self.without),
            self.suite,
            target,
        ]


def from_folder(folder: Path) -> tuple[Recipe, dict[str, Any]]:
    """The recipe in ``folder``/image.toml, and what else it says of the image: its command and env.

    Raises:
        RecipeError: it is missing or says something wrong, or a file that it names is missing.
    """
    path = folder / "image.toml"
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        recipe = from_mapping(said, folder)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: {error}") from error
    return recipe, {"command": said.get("command", []), "env": said.get("env", {})}


def from_mapping(said: dict[str, Any], folder: Path) -> Recipe:
    """The recipe that a mapping with the keys of an image.toml says; its files lie in ``folder``.

    Raises:
        ValueError: it says something wrong.
        OSError: a file that it names can't be read.
    """
    _check(said)
    named = said.get("files", {}).items()
    files = [file for source, target in named for file in _files(folder / source, source, target)]
    return Recipe(
        suite=said.get("suite", "trixie"),
        packages=tuple(sorted(set(said.get("packages", [])))),
        files=tuple(sorted(files, key=lambda file: file.target)),
        components=tuple(sorted(set(said.get("components", [])) - {"main"})),
        without=tuple(sorted(set(said.get("without", [])))),
    )


def _other_kind(kind: bytes) -> list[str]:
    """What a digest says of a kind: nothing of plain files, whose digests are older than the other kinds."""
    return [] if kind == tarfile.REGTYPE else [kind.decode()]


def _files(source: Path, name: str, target: str) -> Iterator[File]:
    """A file, or everything below a folder, which image.toml calls ``name``.

    A folder that is not empty is not listed: made on the way, it leaves one that packages made as it is, such as ``/tmp``.
    """
    if not source.is_dir():
        yield _file(source, name, target)
        return
    top = os.path.realpath(source)
    for where, folders, files in os.walk(source, onerror=_fail):
        below = Path(where).relative_to(source)
        if not folders and not files:
            yield File(_joined(target, below), 0o755, b"", tarfile.DIRTYPE)
        for one in (*folders, *files):
            path, inside = Path(where, one), below / one
            if path.is_symlink():
                yield _link(path, top, f"{name}/{inside}", _joined(target, inside))
            elif one in files:
                yield _file(path, f"{name}/{inside}", _joined(target, inside))


def _fail(error: OSError) -> None:
    raise error


def _joined(target: str, below: Path) -> str:
    return str(Path(target, below))


def _file(source: Path, name: str, target: str) -> File:
    mode = source.stat().st_mode
    if not stat.S_ISREG(mode):
        raise ValueError(
            f"files: {name} is a socket, a pipe or a device; only files, folders and links can come along"
        )
    return File(target, 0o755 if mode & 0o100 else 0o644, source.read_bytes())


def _link(path: Path, top: str, name: str, target: str) -> File:
    """A link below the folder ``top``. It may lead to what comes along with it, and nowhere else."""
    to = str(path.readlink())
    ends = (os.path.normpath(f"{os.path.realpath(path.parent)}/{to}"), os.path.realpath(path))
    if to.startswith("/") or any(os.path.commonpath([top, end]) != top for end in ends):
        raise ValueError(
            f"files: {name} is a link that leads out of its folder, to {to}; put there what it leads to, or delete it"
        )
    return File(target, 0o777, os.fsencode(to), tarfile.SYMTYPE)


def is_target(path: object) -> bool:
    """Whether a file may lie there in an image: a whole path, without ``.`` and ``..``."""
    return isinstance(path, str) and bool(_TARGET.fullmatch(path)) and not {".", ".."} & set(path.split("/"))


def _check(said: dict[str, Any]) -> None:
    """Refuse what is no recipe.

    Raises:
        ValueError: what is wrong, where.
    """
    if unknown := sorted(set(said) - _KEYS):
        raise ValueError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    lists = {
        "packages": "package names", "components": "parts of the archive", "without": "paths", "command": "words"
    }  # fmt: skip
    for key, what in lists.items():
        words = said.get(key, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{key}: {words!r} is not a list of {what}")
    for key in ("files", "env"):
        _require(isinstance(said.get(key, {}), dict), key, said.get(key), f"a table [{key}]")
    suite = said.get("suite", "trixie")
    _require(
        _SUITE.fullmatch(str(suite)), "suite", suite, "the code name of a Debian release, such as trixie"
    )
    for package in said.get("packages", []):
        _require(_PACKAGE.fullmatch(package), "packages", package, "the name of a package")
    for component in said.get("components", []):
        _require(_COMPONENT.fullmatch(component), "components", component, "such as non-free-firmware")
    for pattern in said.get("without", []):
        _require(
            _PATTERN.fullmatch(pattern), "without", pattern, "a whole path, with * at most, and no spaces"
        )
    for target in said.get("files", {}).values():
        _require(is_target(target), "files", target, "a path in an image, such as /srv/app/main.py")
    for name, text in said.get("env", {}).items():
        _require(isinstance(text, str), f"env: {name}", text, "text; put it in quotes")


def _require(right: object, key: str, value: object, expected: str) -> None:
    if not right:
        raise ValueError(f"{key}: {value!r} is not {expected}")
