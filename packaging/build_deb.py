#!/usr/bin/env python3
"""Build a Debian package of this repository: the same bytes and the same version for the same sources.

    python3 packaging/build_deb.py OUTPUT_FOLDER [PACKAGE]    prints the package's path; skerry unless named

A folder beside this file, named like the package, holds what Debian wants to know of it (``debian/``) and its files
(``root/``); its Python packages come from ``src/``. The version ends with a digest of everything in the package, so that
a host is told apart from a newer or edited source without comparing files. Needs ``dpkg-deb`` and nothing else.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "src"
EPOCH = 1_735_689_600  # every file's time: 2025-01-01, so that the bytes depend on the sources alone
# The Python packages of each, or the parts of one.
PACKAGES = {
    "skerry": ("skerry",),
    "skerry-boot": ("skerry_base/core", "skerry_base/storage", "skerry_base/boot"),
}
# What of a Python package lies elsewhere on a machine, below its root.
ELSEWHERE = {
    "skerry": {
        "skerry/data/app.seccomp": "usr/lib/skerry/seccomp/app",
        "skerry/data/lxc-skerry-app.apparmor": "etc/apparmor.d/lxc-skerry-app",
    },
    "skerry-boot": {},
}


def stage(package: str, root: Path) -> None:
    """Lay the package's files out below ``root``."""
    shutil.copytree(HERE / package / "root", root, dirs_exist_ok=True)
    elsewhere = ELSEWHERE[package]
    # A folder of which a part lies elsewhere does so whole.
    left_out = {name.split("/")[1] for name in elsewhere}
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", *left_out)
    modules = root / "usr/lib/python3/dist-packages"
    for part in PACKAGES[package]:
        shutil.copytree(SOURCES / part, modules / part, ignore=ignored)
        for parent in Path(part).parents[:-1]:
            shutil.copy(SOURCES / parent / "__init__.py", modules / parent)
    for name, place in elsewhere.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCES / name, root / place)


def digest(root: Path, debian: Path) -> str:
    """A short digest of names, modes and contents below ``root``, and of what Debian is told."""
    total = hashlib.sha256()
    for path in sorted([*root.rglob("*"), *debian.iterdir()]):
        if path.is_file():
            total.update(f"{path.relative_to(root) if root in path.parents else path.name}\0".encode())
            total.update(f"{path.stat().st_mode & 0o111:o}\0".encode() + path.read_bytes())
    return total.hexdigest()[:12]


def finish(root: Path, debian: Path, version: str) -> None:
    """Add what Debian is told and make modes and times independent of the builder."""
    control = root / "DEBIAN" / "control"
    shutil.copytree(debian, control.parent)
    control.write_text(control.read_text().replace("@VERSION@", version))
    for path in [root, *root.rglob("*")]:
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def pack(root: Path, path: Path) -> None:
    """Make the package of what :func:`finish` left below ``root``. Two at once do not see each other's half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as aside:
        unfinished = Path(aside) / path.name
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(unfinished)]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        unfinished.replace(path)


def build(output: Path, package: str = "skerry") -> Path:
    """Build a package into ``output``, unless the very same one lies there."""
    release = re.search(r'__version__ = "(.+)"', (SOURCES / "skerry/__init__.py").read_text())
    if release is None:
        raise SystemExit(f"{SOURCES}/skerry/__init__.py does not say __version__")
    debian = HERE / package / "debian"
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "root"
        stage(package, root)
        version = f"{release[1]}+h{digest(root, debian)}"
        path = output / f"{package}_{version}_all.deb"
        if not path.exists():
            finish(root, debian, version)
            pack(root, path)
    return path


if __name__ == "__main__":
    print(build(Path(sys.argv[1]), *sys.argv[2:3]))
