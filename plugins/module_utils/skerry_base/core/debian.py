"""The Debian that roots and tool chains are made of, and the recipe of one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .files import digest
from .run import run_here

WITHOUT_TRANSLATIONS = '--aptopt=Acquire::Languages "none"'
UNSAFE_BUT_FAST = "--dpkgopt=force-unsafe-io"
"""For roots that are thrown away where they are not whole."""

SUITE = "trixie"
MIRRORS: tuple[str, ...] = ()
"""Lines of sources.list; none means Debian's own archive, updates and security, as mmdebstrap knows them."""
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class TreeRecipe:
    """A Debian root: everything that decides its content."""

    suite: str
    mirrors: tuple[str, ...]
    keyring: str
    packages: tuple[str, ...]
    customise: str
    """The script that finishes the root, whole: its text is part of the hash."""

    def digest(self) -> str:
        """24 hex digits that name the image; any change of the recipe changes them."""
        return digest(asdict(self))


def recipe_of(packages: Iterable[str], customise: str = "") -> TreeRecipe:
    """The recipe for these packages."""
    return TreeRecipe(SUITE, MIRRORS, KEYRING, tuple(sorted(set(packages))), customise)


def mmdebstrap(recipe: TreeRecipe, target: Path, options: Sequence[str]) -> list[str]:
    """The command that makes a recipe's root; as a plain user it works without root's rights.

    Args:
        recipe: what it is made of.
        target: a folder or an archive, as the options say.
        options: variant, format, hooks.
    """
    mode = "root" if os.geteuid() == 0 else "unshare"
    words = [f"--mode={mode}", f"--keyring={recipe.keyring}", f"--include={','.join(recipe.packages)}"]
    return ["mmdebstrap", *options, *words, recipe.suite, str(target), *recipe.mirrors]


def unpack_tree(tarball: Path, root: Path, timeout: float) -> None:
    """Unpack a root as the user's own files, whoever made the archive, and without its device nodes.

    Raises:
        CommandError: tar failed.
    """
    root.mkdir()
    options = ["--no-same-owner", "--exclude=./dev", f"--directory={root}"]
    run_here(["tar", "--extract", f"--file={tarball}", *options], timeout=timeout)
