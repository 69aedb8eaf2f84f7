#!/usr/bin/env python3
"""Build the Debian package skerry-launch, which starts containers: the same bytes for the same sources and compiler.

    python3 packaging/build_launch.py OUTPUT_FOLDER    prints the package's path

The controller needs no compiler: it compiles in a Debian tree, made once and kept in the cache, of Debian's release that
hosts have. The package's version ends with a digest of the sources and of the tree's recipe, and where that very package
lies in OUTPUT_FOLDER nothing is made. Needs mmdebstrap, as labs do, and dpkg-deb.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "src"
sys.path[:0] = [str(HERE), str(SOURCES)]

from build_deb import EPOCH, finish, pack  # noqa: E402

from skerry_base.core.cache import Cache  # noqa: E402
from skerry_base.core.debian import UNSAFE_BUT_FAST, WITHOUT_TRANSLATIONS, mmdebstrap, recipe_of, unpack_tree  # noqa: E402
from skerry_base.core.paths import cache_home  # noqa: E402
from skerry_base.core.progress import Progress  # noqa: E402
from skerry_base.core.run import run_logged  # noqa: E402

PACKAGE = HERE / "skerry-launch"
POLICIES = SOURCES / "skerry/data"
PACKAGES = ("gcc", "libc6-dev", "libseccomp-dev", "lxc-dev")
_MAKE_S = 1800
# A tree that is unpacked only: no script of a package runs, and what they would have made are these links.
_MERGED = ("bin", "lib", "lib64", "sbin")

_WARNINGS = ["-Wall", "-Wextra", "-Wformat=2", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror"]
_COMMON = ["-std=gnu17", "-O2", "-s", "-fcf-protection", "-fstack-clash-protection", *_WARNINGS]
_LINK = "-Wl,-z,noexecstack,-z,separate-code,--build-id=none"
HARDENED = [
    *_COMMON,
    *["-fstack-protector-strong", "-D_FORTIFY_SOURCE=3", "-fPIE", "-pie"],
    f"{_LINK},-z,relro,-z,now",
]
BARE = [
    *_COMMON,
    *["-fno-stack-protector", "-ffreestanding", "-nostdlib", "-static", "-fno-pie", "-no-pie"],
    _LINK,
]
# Program: flags, further sources and libraries, place in the package.
PROGRAMS = {
    "start": (HARDENED, ["/mnt/places.c", "-llxc"], "usr/lib/skerry/start"),
    "connect": (HARDENED, [], "usr/lib/skerry/connect"),
    "namespaces": (HARDENED, [], "usr/lib/skerry/namespaces"),
    "enter": (BARE, [], "usr/lib/skerry/inside/enter"),
    "filter": (HARDENED, ["-lseccomp"], ""),
}
# Of each profile, the compiled filter and the policies that it comes from: what a later one names stands there alone.
FILTERS = {
    "usr/lib/skerry/inside/filter": ("app.seccomp",),
    "usr/lib/skerry/inside/filter.system": ("app.seccomp", "system.seccomp"),
}


def tree(cache: Cache) -> Path:
    """The Debian tree with the compiler."""
    recipe = recipe_of(PACKAGES)

    def build(place: Path) -> None:
        log, tarball = cache.home / "launch-tools.log", place / "root.tar"
        log.unlink(missing_ok=True)
        options = ["--variant=extract", "--format=tar", WITHOUT_TRANSLATIONS, UNSAFE_BUT_FAST]
        run_logged(mmdebstrap(recipe, tarball, options), log, timeout=_MAKE_S)
        unpack_tree(tarball, place / "root", timeout=_MAKE_S)
        tarball.unlink()
        for name in _MERGED:
            link = place / "root" / name
            if not link.exists():
                link.symlink_to(f"usr/{name}")

    return cache.entry("launch-tools", recipe.digest(), build) / "root"


def run_in(root: Path, work: Path, argv: Sequence[str], output: Path | None = None) -> None:
    """Run a program of the tree, without a network; it sees ``work`` as /mnt."""
    namespaces = ["--mount", "--net", "--ipc", "--uts"]
    if os.geteuid() != 0:
        namespaces = ["--user", "--map-root-user", *namespaces]
    script = (
        'mkdir -p "$1/mnt" && mount --bind "$2" "$1/mnt" && root=$1 && shift 2 && exec chroot "$root" "$@"'
    )
    command = ["unshare", *namespaces, "sh", "-c", script, "sh", str(root), str(work), *argv]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "SOURCE_DATE_EPOCH": str(EPOCH)}
    with (output or Path(os.devnull)).open("wb") as file:
        done = subprocess.run(
            command, env=environment, stdout=file, stderr=subprocess.PIPE, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}\n{done.stderr}")


def compile_into(root: Path, package: Path) -> None:
    """Compile the programs and the filter in the tree, and put them into the package."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for source in (PACKAGE / "src").iterdir():
            shutil.copy(source, work)
        for name, (flags, more, place) in PROGRAMS.items():
            run_in(root, work, ["/usr/bin/gcc", *flags, "-o", f"/mnt/{name}", f"/mnt/{name}.c", *more])
            if place:
                shutil.copy(work / name, package / place)
        for place, policies in FILTERS.items():
            (work / "policy").write_text(policy([(POLICIES / name).read_text() for name in policies]))
            run_in(root, work, ["/mnt/filter", "/mnt/policy"], package / place)


def policy(texts: Sequence[str]) -> str:
    """Several policies as one: all lines of the first, and of a call that a later one names the later one's alone."""
    lines: list[str] = []
    for text in texts:
        added = text.splitlines()
        named = {line.split()[0] for line in added if line[:1].isalpha()}
        lines = [line for line in lines if not (line[:1].isalpha() and line.split()[0] in named)] + added
    return "".join(f"{line}\n" for line in lines)


def digest() -> str:
    """A short digest of all that decides the package's content, but the versions of Debian's packages."""
    total = hashlib.sha256(recipe_of(PACKAGES).digest().encode())
    for path in sorted([Path(__file__), *POLICIES.glob("*.seccomp"), *PACKAGE.rglob("*")]):
        if path.is_file():
            total.update(f"{path.name}\0".encode() + path.read_bytes())
    return total.hexdigest()[:12]


def build(output: Path) -> Path:
    """Build the package into ``output``, unless the very same one lies there."""
    release = re.search(r'__version__ = "(.+)"', (SOURCES / "skerry/__init__.py").read_text())
    if release is None:
        raise SystemExit(f"{SOURCES}/skerry/__init__.py does not say __version__")
    version = f"{release[1]}+h{digest()}"
    path = output / f"skerry-launch_{version}_amd64.deb"
    if path.exists():
        return path
    if shutil.which("mmdebstrap") is None:
        raise SystemExit("this computer lacks mmdebstrap; install the package of that name")
    root = tree(Cache(cache_home(), Progress(sys.stderr)))
    with tempfile.TemporaryDirectory() as temporary:
        package = Path(temporary) / "root"
        shutil.copytree(PACKAGE / "root", package)
        for folder in ("usr/lib/skerry/inside/own",):  # git keeps no empty folder
            (package / folder).mkdir(parents=True, exist_ok=True)
        (package / "usr/lib/skerry/inside/init").touch()
        compile_into(root, package)
        finish(package, PACKAGE / "debian", version)
        pack(package, path)
    return path


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
