"""QEMU and mke2fs of Debian 13, unpacked into the cache and run from there.

Debian 12's QEMU 7.2 can't boot Debian 13's kernel on one processor, and its mke2fs takes no tarball. The packages
are only unpacked, which needs neither root nor a change of this computer's apt sources, and started through their
own dynamic linker. So every computer runs the same version, and a saved machine fits it.
"""

from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.debian import mmdebstrap, recipe_of, unpack_tree
from skerry_base.core.files import digest
from skerry_base.core.run import run_here, run_logged

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
        return run_here([*self.qemu(), "--version"]).splitlines()[0]


def tools(cache: Cache) -> Tools:
    """The tools, fetched if they are not there yet."""
    recipe = recipe_of(PACKAGES)

    def build(place: Path) -> None:
        with cache.progress.stage("tools: QEMU and mke2fs of Debian 13"):
            log = cache.home / "tools.log"
            log.unlink(missing_ok=True)
            tarball = place / "root.tar"
            command = mmdebstrap(recipe, tarball, ["--variant=extract", "--format=tar"])
            run_logged(command, log, timeout=_FETCH_S)
            unpack_tree(tarball, place / "root", timeout=600)
            tarball.unlink()

    return Tools(cache.entry("tools", digest({"unpacked": list(recipe.packages)}), build) / "root")
