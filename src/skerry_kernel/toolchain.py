"""A clean Debian root with what compiles a kernel, and how a command runs in it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skerry_kernel.archive import Archive
from skerry_lab.cache import Cache
from skerry_lab.recipe import TreeRecipe, digest, source
from skerry_lab.run import run, run_logged

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
    return digest({"recipe": source(PACKAGES).digest(), "versions": archive.versions(PACKAGES)})


def toolchain(cache: Cache, key: str) -> Toolchain:
    """The tool chain of the archive's present versions, made if it is not there yet."""
    recipe = source(PACKAGES)

    def build(place: Path) -> None:
        with cache.progress.stage(f"tool chain: mmdebstrap ({len(recipe.packages)} packages)"):
            log, tarball = cache.home / "kernel-tools.log", place / "root.tar"
            log.unlink(missing_ok=True)
            run_logged(_mmdebstrap(recipe, tarball), log, timeout=_MAKE_S)
            _unpack(tarball, place / "root")
            tarball.unlink()

    return Toolchain(cache.entry("kernel-tools", key, build) / "root")


def _mmdebstrap(recipe: TreeRecipe, target: Path) -> list[str]:
    mode = "root" if os.geteuid() == 0 else "unshare"
    return [
        "mmdebstrap", "--variant=minbase", "--format=tar", f"--mode={mode}", f"--keyring={recipe.keyring}",
        f"--include={','.join(recipe.packages)}", '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io", recipe.suite, str(target), *recipe.mirrors,
    ]  # fmt: skip


def _unpack(tarball: Path, root: Path) -> None:
    """As the user's own files, whoever made the archive, and without its device nodes."""
    root.mkdir()
    options = ["--no-same-owner", "--exclude=./dev", f"--directory={root}"]
    run(["tar", "--extract", f"--file={tarball}", *options], timeout=_MAKE_S)
