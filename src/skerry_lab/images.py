"""Debian roots: made by mmdebstrap, kept in the cache."""

import os
from pathlib import Path

from skerry_lab.cache import Cache
from skerry_lab.recipe import CUSTOMISE, Flavour, Kind, TreeRecipe, tree_recipe
from skerry_lab.run import run_logged

_BUILD_S = 1800
# What no test reads, left out: a third of the files.
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")


def tree(cache: Cache, kind: Kind, flavour: Flavour) -> Path:
    """The folder that holds a root for this kind and flavour."""
    recipe = tree_recipe(kind, flavour)
    return tree_of(cache, f"tree-{kind}-{flavour}", recipe)


def tree_of(cache: Cache, name: str, recipe: TreeRecipe) -> Path:
    """The folder that holds this recipe's root."""

    def build(place: Path) -> None:
        with cache.progress.stage(f"image {name}: mmdebstrap ({len(recipe.packages)} packages)"):
            log = cache.home / f"{name}.log"
            log.unlink(missing_ok=True)
            run_logged(mmdebstrap(recipe, place / "root"), log, timeout=_BUILD_S, env={"INITRD": "No"})

    return cache.entry(name, recipe.digest(), build) / "root"


def mmdebstrap(recipe: TreeRecipe, target: Path) -> list[str]:
    """The command that makes a recipe's root."""
    options = [
        "--variant=minbase",
        "--format=directory",
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
