"""Debian roots: made by mmdebstrap, kept in the cache."""

import shlex
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.debian import UNSAFE_BUT_FAST, WITHOUT_TRANSLATIONS, TreeRecipe, mmdebstrap
from skerry_base.core.run import run_logged
from skerry_lab.recipe import CUSTOMISE, RESCUE, Flavour, Kind, rescue_recipe, tree_recipe

_BUILD_S = 1800
_KEYS = ("login.pub", "host", "host.pub")
# What no test reads, left out: a third of the files.
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")


def tree(cache: Cache, flavour: Flavour) -> Path:
    """The folder that holds a fast lab's root."""
    recipe = tree_recipe(Kind.FAST, flavour)
    name = f"tree-{flavour}"

    def build(place: Path) -> None:
        with cache.progress.stage(f"image {name}: mmdebstrap ({len(recipe.packages)} packages)"):
            _run(cache, name, build_command(recipe, place / "root"))

    return cache.entry(name, recipe.digest(), build) / "root"


def tarball(cache: Cache, name: str, recipe: TreeRecipe, target: Path, *, keys: Path) -> None:
    """Make a recipe's root as a tar archive, with the keys `login` and `host` of a folder in it."""
    with cache.progress.stage(f"image {name}: mmdebstrap ({len(recipe.packages)} packages)"):
        _run(cache, name, build_command(recipe, target, keys))


def rescue_tarball(cache: Cache, target: Path) -> None:
    """Make the rescue system's root as a tar archive."""
    recipe = rescue_recipe()
    with cache.progress.stage(f"image rescue: mmdebstrap ({len(recipe.packages)} packages)"):
        _run(cache, "rescue", build_command(recipe, target, script=RESCUE))


def _run(cache: Cache, name: str, argv: list[str]) -> None:
    log = cache.home / f"{name}.log"
    log.unlink(missing_ok=True)
    # Debian's hook would make an initial RAM disk for every kernel; the lab has one of its own.
    run_logged(argv, log, timeout=_BUILD_S, env={"INITRD": "No"})


def _hooks(script: Path, keys: Path | None) -> list[str]:
    """Run the finishing script inside the root, where it works without real root rights as well."""
    uploads = [script] if keys is None else [script, *(keys / name for name in _KEYS)]
    words = [f"upload {shlex.quote(str(path))} /lab/{path.name}" for path in uploads]
    words = ['mkdir "$1/lab"', *words, f'chroot "$1" sh /lab/{script.name}', 'rm -r "$1/lab"']
    return [f"--customize-hook={word}" for word in words]


def build_command(
    recipe: TreeRecipe, target: Path, keys: Path | None = None, script: Path = CUSTOMISE
) -> list[str]:
    """The command that makes a recipe's root.

    Args:
        recipe: what it is made of.
        target: an archive if its name ends in .tar, else a folder.
        keys: a folder with the key pairs `login` and `host`, to be put into it.
        script: finishes the root, from inside it.
    """
    options = [
        "--variant=minbase",
        f"--format={'tar' if target.suffix == '.tar' else 'directory'}",
        WITHOUT_TRANSLATIONS,
        UNSAFE_BUT_FAST,
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        *_hooks(script, keys),
    ]
    return mmdebstrap(recipe, target, options)
