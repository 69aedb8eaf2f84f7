"""Debian roots: made by mmdebstrap, kept in the cache."""

import os
from pathlib import Path

from skerry_lab.cache import Cache
from skerry_lab.recipe import CUSTOMISE, Flavour, Kind, TreeRecipe, tree_recipe
from skerry_lab.run import run_logged

_BUILD_S = 1800
# What no test reads, left out: a third of the files.
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")


def tree(cache: Cache, flavour: Flavour) -> Path:
    """The folder that holds a fast lab's root."""
    recipe = tree_recipe(Kind.FAST, flavour)
    name = f"tree-{flavour}"

    def build(place: Path) -> None:
        with cache.progress.stage(f"image {name}: mmdebstrap ({len(recipe.packages)} packages)"):
            _run_mmdebstrap(cache, name, recipe, place / "root", {})

    return cache.entry(name, recipe.digest(), build) / "root"


def tarball(cache: Cache, name: str, recipe: TreeRecipe, target: Path, *, keys: Path) -> None:
    """Make a recipe's root as a tar archive, with the keys `login` and `host` of a folder in it."""
    with cache.progress.stage(f"image {name}: mmdebstrap ({len(recipe.packages)} packages)"):
        _run_mmdebstrap(cache, name, recipe, target, {"SKERRY_LAB_KEYS": str(keys)})


def _run_mmdebstrap(cache: Cache, name: str, recipe: TreeRecipe, target: Path, env: dict[str, str]) -> None:
    log = cache.home / f"{name}.log"
    log.unlink(missing_ok=True)
    # Debian's hook would make an initial RAM disk for every kernel; the lab has one of its own.
    run_logged(mmdebstrap(recipe, target), log, timeout=_BUILD_S, env={"INITRD": "No", **env})


def mmdebstrap(recipe: TreeRecipe, target: Path) -> list[str]:
    """The command that makes a recipe's root, as an archive if the target ends in .tar, else as a folder."""
    options = [
        "--variant=minbase",
        f"--format={'tar' if target.suffix == '.tar' else 'directory'}",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        f"--keyring={recipe.keyring}",
        f"--include={','.join(recipe.packages)}",
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f"--customize-hook={CUSTOMISE}",
    ]
    return ["mmdebstrap", *options, recipe.suite, str(target), *recipe.mirrors]
