"""QEMU and mke2fs of Debian 13, unpacked into the cache and run from there.

Debian 12's QEMU 7.2 can't boot Debian 13's kernel on one processor, and its mke2fs takes no tarball. The packages
are only unpacked, which needs neither root nor a change of this computer's apt sources, and started through their
own dynamic linker. So every computer runs the same version, and a saved machine fits it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from skerry_lab.cache import Cache
from skerry_lab.recipe import TreeRecipe, digest, source
from skerry_lab.run import run, run_logged

PACKAGES = ("busybox-static", "e2fsprogs", "libarchive13t64", "ovmf", "qemu-system-x86", "qemu-utils")
_FETCH_S = 900


@dataclass(frozen=True)
class Tools:
    """A folder with Debian 13's programs in it."""

    root: Path

    def program(self, path: str) -> list[str]:
        """The start of a command that runs one of them, for instance `usr/bin/qemu-img`."""
        libraries = self.root / "usr/lib/x86_64-linux-gnu"
        linker = self.root / "usr/lib64/ld-linux-x86-64.so.2"
        return [str(linker), "--library-path", str(libraries), str(self.root / path)]

    def qemu(self) -> list[str]:
        """The start of QEMU's command, with the places of its firmware."""
        firmware = [f"usr/share/{name}" for name in ("qemu", "seabios")]
        places = [word for name in firmware for word in ("-L", str(self.root / name))]
        return [*self.program("usr/bin/qemu-system-x86_64"), *places]

    def uefi(self, name: str) -> Path:
        """A part of the UEFI firmware, for instance `CODE` or `VARS`."""
        return self.root / f"usr/share/OVMF/OVMF_{name}_4M.fd"

    def qemu_version(self) -> str:
        """What QEMU says it is."""
        return run([*self.qemu(), "--version"]).splitlines()[0]


def tools(cache: Cache) -> Tools:
    """The tools, fetched if they are not there yet."""
    recipe = source(PACKAGES)

    def build(place: Path) -> None:
        with cache.progress.stage("tools: QEMU and mke2fs of Debian 13"):
            log = cache.home / "tools.log"
            log.unlink(missing_ok=True)
            tarball = place / "root.tar"
            run_logged(_fetch(recipe, tarball), log, timeout=_FETCH_S)
            _unpack(tarball, place / "root")
            tarball.unlink()

    return Tools(cache.entry("tools", digest({"unpacked": list(recipe.packages)}), build) / "root")


def _unpack(tarball: Path, target: Path) -> None:
    """Unpack as the user's own files, whoever made the archive, and without its device nodes."""
    target.mkdir()
    options = ["--no-same-owner", "--exclude=./dev", f"--directory={target}"]
    run(["tar", "--extract", f"--file={tarball}", *options], timeout=600)


def _fetch(recipe: TreeRecipe, target: Path) -> list[str]:
    mode = "root" if os.geteuid() == 0 else "unshare"
    return [
        "mmdebstrap", "--variant=extract", "--format=tar", f"--mode={mode}", f"--keyring={recipe.keyring}",
        f"--include={','.join(recipe.packages)}", recipe.suite, str(target), *recipe.mirrors,
    ]  # fmt: skip
