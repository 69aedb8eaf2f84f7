"""Linux as Debian signed it, unpacked, with what of ours the build needs beside it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.files import digest
from skerry_base.core.run import run_here
from skerry_kernel.archive import Archive, Package, unpack

_HERE = Path(__file__).parent
_UNPACK_S = 1800
# The seed of the structures' layout is given, so that a build can go on, or be repeated.
_SEED_SCRIPT = """\
#!/bin/sh
SEED=$(cat /private/randstruct.seed)
echo "$SEED" > "$1"
HASH=$(echo -n "$SEED" | sha256sum | cut -d" " -f1)
echo "#define RANDSTRUCT_HASHED_SEED \\"$HASH\\"" > "$2"
"""
# Host programs only: the kernel is Debian's.
_EXPLAIN_RULES = """
hostprogs += explain
explain-objs := explain.o $(common-objs)
PHONY += explainconfig
explainconfig: $(obj)/explain
	$(Q)$< $(Kconfig)
"""


@dataclass(frozen=True)
class Source:
    """An unpacked source."""

    tree: Path
    epoch: int
    """When Debian made it, in seconds: the build's only clock."""


def version(package: Package) -> str:
    """Linux's version, without Debian's revision: `6.12.118`."""
    return package.version.split("-", maxsplit=1)[0].split("~", maxsplit=1)[0]


def source(cache: Cache, archive: Archive, package: Package) -> Source:
    """The source, fetched and unpacked if it is not there yet.

    Raises:
        SkerryError: the package can't be had, or is not the one that Debian signed.
    """
    explain = (_HERE / "explain.c").read_text(encoding="utf-8")
    key = digest([package.sha256, _SEED_SCRIPT, _EXPLAIN_RULES, explain])

    def build(place: Path) -> None:
        with cache.progress.stage(f"source: {package.name} {package.version}"):
            _unpack(archive.fetch(package), place)
            tree = place / "src"
            (tree / "scripts/gen-randstruct-seed.sh").write_text(_SEED_SCRIPT, encoding="utf-8")
            (tree / "scripts/kconfig/explain.c").write_text(explain, encoding="utf-8")
            with (tree / "scripts/kconfig/Makefile").open("a", encoding="utf-8") as rules:
                rules.write(_EXPLAIN_RULES)

    place = cache.entry("kernel-source", key, build)
    epoch = int((place / "epoch").read_text(encoding="ascii"))
    return Source(place / "src", epoch)


def _unpack(package: Path, place: Path) -> None:
    unpack(package, place / "package")
    tarballs = sorted((place / "package/usr/src").glob("linux-source-*.tar.xz"))
    if len(tarballs) != 1:
        raise SkerryError(
            f"{package.name} holds no Linux source: expected one /usr/src/linux-source-VERSION.tar.xz"
        )
    (place / "epoch").write_text(str(int(tarballs[0].stat().st_mtime)), encoding="ascii")
    (place / "src").mkdir()
    options = ["--strip-components=1", "--no-same-owner", f"--directory={place / 'src'}"]
    run_here(["tar", "--extract", f"--file={tarballs[0]}", *options], timeout=_UNPACK_S)
    shutil.rmtree(place / "package")
