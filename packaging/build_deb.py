#!/usr/bin/env python3
"""Build the Debian package of ``src/skerry``: the same bytes and the same version for the same sources.

    python3 packaging/build_deb.py OUTPUT_FOLDER    prints the package's path

The version ends with a digest of everything in the package, so that a host is told apart from a newer or edited source
without comparing files. Needs ``dpkg-deb`` and nothing else.
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
SOURCE = HERE.parent / "src" / "skerry"
DEPENDS = (
    "btrfs-progs, catatonit, erofs-utils, iproute2, kmod, lxc, lxcfs, mmdebstrap, nftables, python3, python3-cryptography,"
    " python3-pydantic, python3-sdbus, systemd (>= 257), util-linux (>= 2.41), xz-utils, zstd"
)
CONTROL = """\
Package: skerry
Version: {version}
Architecture: all
Maintainer: Skerry <skerry@localhost>
Depends: {depends}
Section: admin
Priority: optional
Description: containers, each at a URL of its own
 The engine of a Skerry host: the only writer of its containers, their storage,
 network, firewall entries, units and routes.
"""
EPOCH = 1_735_689_600  # every file's time: 2025-01-01, so that the bytes depend on the sources alone


def stage(root: Path) -> None:
    """Lay the package's files out below ``root``."""
    shutil.copytree(HERE / "root", root, dirs_exist_ok=True)
    package = root / "usr/lib/python3/dist-packages/skerry"
    shutil.copytree(
        SOURCE, package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "data", "launch.py")
    )
    program = root / "usr/lib/skerry"
    (program / "seccomp").mkdir(parents=True)
    shutil.copy(SOURCE / "launch.py", program / "launch")
    shutil.copy(SOURCE / "data/app.seccomp", program / "seccomp/app")
    (root / "etc/apparmor.d").mkdir(parents=True)
    shutil.copy(SOURCE / "data/lxc-skerry-app.apparmor", root / "etc/apparmor.d/lxc-skerry-app")
    if (SOURCE / "cli.py").exists():
        entry = root / "usr/bin/skerry"
        entry.parent.mkdir(parents=True)
        entry.write_text(
            "#!/usr/bin/python3 -I\nimport sys\n\nfrom skerry.cli import main\n\nsys.exit(main())\n"
        )
        entry.chmod(0o755)


def digest(root: Path) -> str:
    """A short digest of names, modes and contents below ``root``, and of the package's scripts."""
    total = hashlib.sha256(DEPENDS.encode())
    for path in sorted([*root.rglob("*"), *(HERE / "control").iterdir()]):
        if path.is_file():
            total.update(f"{path.relative_to(root) if root in path.parents else path.name}\0".encode())
            total.update(f"{path.stat().st_mode & 0o111:o}\0".encode() + path.read_bytes())
    return total.hexdigest()[:12]


def finish(root: Path, version: str) -> None:
    """Add the package's own files and make modes and times independent of the builder."""
    control = root / "DEBIAN"
    shutil.copytree(HERE / "control", control)
    (control / "control").write_text(CONTROL.format(version=version, depends=DEPENDS))
    (control / "conffiles").write_text("/etc/apparmor.d/lxc-skerry-app\n")
    for path in [root, *root.rglob("*")]:
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def build(output: Path) -> Path:
    """Build the package into ``output``, unless the very same one lies there."""
    release = re.search(r'__version__ = "(.+)"', (SOURCE / "__init__.py").read_text())
    if release is None:
        raise SystemExit(f"{SOURCE}/__init__.py does not say __version__")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "root"
        stage(root)
        version = f"{release[1]}+h{digest(root)}"
        path = output / f"skerry_{version}_all.deb"
        if not path.exists():
            finish(root, version)
            output.mkdir(parents=True, exist_ok=True)
            environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}
            unfinished = path.with_suffix(".new")
            command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(unfinished)]
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
            unfinished.replace(path)
    return path


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
