"""A clean Debian root with what compiles a kernel, and how a command runs in it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.debian import UNSAFE_BUT_FAST, WITHOUT_TRANSLATIONS, mmdebstrap, recipe_of, unpack_tree
from skerry_base.core.files import digest
from skerry_base.core.run import run_logged
from skerry_kernel.archive import Archive

PACKAGES = (
    "bc", "binutils", "bison", "build-essential", "ccache", "cpio", "dpkg-dev", "flex", "g++", "gcc",
    "gcc-14-plugin-dev", "kmod", "libelf-dev", "libssl-dev", "make", "openssl", "python3", "rsync", "xz-utils", "zstd",
)  # fmt: skip
_SANDBOX = Path(__file__).with_name("sandbox.sh")
_MAKE_S = 1800


@dataclass(frozen=True)
class Places:
    """This computer's folders that a command inside sees."""

    source: Path
    """/build/src there, and not to be written to."""
    build: Path
    """/build there."""
    ccache: Path
    """The compiler's cache."""
    private: Path
    """Its files are copied to /private there, which is in memory."""

    def words(self) -> list[str]:
        """In the order in which the script takes them."""
        return [str(place) for place in (self.source, self.build, self.ccache, self.private)]


@dataclass(frozen=True)
class Toolchain:
    """Its root."""

    root: Path

    def command(self, places: Places, argv: Sequence[str]) -> list[str]:
        """The command that runs another one inside, without a network; it dies with whoever starts it."""
        namespaces = ["--net", "--ipc", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if os.geteuid() != 0:
            namespaces = ["--user", "--map-root-user", *namespaces]
        inside = ["sh", str(_SANDBOX), str(self.root), *places.words(), *argv]
        return ["setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, *inside]


def toolchain_key(archive: Archive) -> str:
    """Changes with each version of what is in `PACKAGES`."""
    return digest({"recipe": recipe_of(PACKAGES).digest(), "versions": archive.versions(PACKAGES)})


def toolchain(cache: Cache, key: str) -> Toolchain:
    """The tool chain of the archive's present versions, made if it is not there yet."""
    recipe = recipe_of(PACKAGES)

    def build(place: Path) -> None:
        with cache.progress.stage(f"tool chain: mmdebstrap ({len(recipe.packages)} packages)"):
            log, tarball = cache.home / "kernel-tools.log", place / "root.tar"
            log.unlink(missing_ok=True)
            options = ["--variant=minbase", "--format=tar", WITHOUT_TRANSLATIONS, UNSAFE_BUT_FAST]
            run_logged(mmdebstrap(recipe, tarball, options), log, timeout=_MAKE_S)
            unpack_tree(tarball, place / "root", timeout=_MAKE_S)
            tarball.unlink()

    return Toolchain(cache.entry("kernel-tools", key, build) / "root")
