"""OCI images of Debian packages, made on a lab's host as ``FROM debian`` and ``RUN apt-get install`` make them.

``build.py NAME`` reads what NAME is from standard input (declared.py), and writes an OCI layout with two tags: ``it``, and
``next``, which differs in one variable. All images have the same first layer, a small Debian with apt.
"""

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from oci_images import Made, index, layout, written
from tarballs import folder, member, packed

WORK = Path("/run/programs")
BASE, LISTS, DEBS = WORK / "base", WORK / "lists", WORK / "archives"
OUT = Path("/var/lib/skerry/incoming")
# As in Debian's own images: nothing is started at its installation, and what no program reads is left out.
FILES = {
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    "etc/dpkg/dpkg.cfg.d/slim": "".join(
        f"path-exclude /usr/share/{one}/*\n" for one in ("doc", "man", "info", "locale", "lintian", "bug")
    ),
    "etc/apt/apt.conf.d/slim": 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n',
    "etc/resolv.conf": "",
}
# In a mount namespace of its own, which ends with the command: what packages' scripts need, and what stays out of layers.
_ENTER = f"""
mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount --bind /etc/resolv.conf "$1/etc/resolv.conf"
mount --bind {LISTS} "$1/var/lib/apt/lists"; mount --bind {DEBS} "$1/var/cache/apt/archives"
root=$1; shift; exec chroot "$root" "$@"
"""
_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
}


def run(*argv: object, inside: Path | None = None) -> None:
    """Run a program, in a root if one is given; it must succeed."""
    words = [str(word) for word in argv]
    if inside:
        words = ["unshare", "--mount", "sh", "-euc", _ENTER, "-", str(inside), *words]
    done = subprocess.run(words, env=_ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"{' '.join(map(str, argv))}: exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )


def make_base() -> bytes:
    """The first layer of all images; made once."""
    packed_base = WORK / "base.tar"
    if not packed_base.exists():
        if not os.path.ismount(WORK):
            WORK.mkdir(exist_ok=True)
            run("mount", "-t", "tmpfs", "-o", "size=4G,mode=0755", "programs", WORK)
        # In a mount namespace of its own: it makes the mounts of its own private, and nothing would reach the engine.
        run("unshare", "--mount", "mmdebstrap", "--quiet", "--variant=apt", "--mode=root",
            "--format=directory", "--skip=output/mknod", "--dpkgopt=force-unsafe-io", "trixie", BASE)  # fmt: skip
        for name, text in FILES.items():
            (BASE / name).unlink(missing_ok=True)
            (BASE / name).write_text(text)
        (BASE / "usr/sbin/policy-rc.d").chmod(0o755)
        for path in (LISTS, DEBS):
            (path / "partial").mkdir(parents=True)
        run("apt-get", "update", inside=BASE)
        aside = packed_base.with_suffix(".new")
        run("tar", "--numeric-owner", "-C", BASE, "-cf", aside, ".")
        aside.rename(packed_base)
    return packed_base.read_bytes()


@contextlib.contextmanager
def on_base(name: str) -> Iterator[tuple[Path, Path]]:
    """The base with a layer above it: where it is mounted, and the layer."""
    places = [WORK / f"{name}.{part}" for part in ("upper", "work", "root")]
    for place in places:
        place.mkdir()
    upper, work, root = places
    run("mount", "-t", "overlay", "-o", f"lowerdir={BASE},upperdir={upper},workdir={work}", "overlay", root)
    try:
        yield root, upper
    finally:
        run("umount", root)
        for place in places:
            shutil.rmtree(place)


def install(root: Path, packages: Sequence[str]) -> None:
    """Install packages in a root."""
    if packages:
        run("apt-get", "-qq", "--no-install-recommends", "install", *packages, inside=root)


def to_oci(upper: Path) -> None:
    """Say as OCI layers do what overlayfs says of names that are gone."""
    for path in sorted(upper.rglob("*")):
        found = path.lstat()
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
            path.unlink()
            path.with_name(f".wh.{path.name}").touch()
        elif stat.S_ISDIR(found.st_mode) and "trusted.overlay.opaque" in os.listxattr(path):
            (path / ".wh..wh..opq").touch()


def make_layer(name: str, said: dict[str, Any]) -> bytes:
    """What a program's image has above the base."""
    with on_base(name) as (root, upper):
        install(root, said["packages"])
        for path, text in said["files"].items():
            target = root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        for command in said["run"]:
            run("sh", "-euc", command, inside=root)
        to_oci(upper)
        tar = WORK / f"{name}.tar"
        run(
            "tar",
            "--numeric-owner",
            "--xattrs",
            "--xattrs-include=security.capability",
            "-C",
            upper,
            "-cf",
            tar,
            ".",
        )
    data = tar.read_bytes()
    tar.unlink()
    return data


def build_go(name: str, said: dict[str, Any]) -> bytes:
    """The one layer of an image that holds a static program and nothing else: ``FROM scratch``."""
    with on_base(name) as (root, _upper):
        install(root, said["packages"])
        (root / "src").mkdir()
        (root / "src/main.go").write_text(said["go"])
        environment = ["CGO_ENABLED=0", "GOCACHE=/src/cache", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod"]
        run("env", *environment, "go", "build", "-o", "/src/server", "/src/main.go", inside=root)
        program = (root / "src/server").read_bytes()
    return packed(folder("."), member("server", data=program))


def main(name: str) -> None:
    """Make the image of one program."""
    os.umask(0o022)  # a hardened host's is 027, and no user but root would get below the root of the image
    said = json.load(sys.stdin)
    base = make_base()
    layers = [build_go(name, said)] if said["go"] else [base, make_layer(name, said)]
    config = {
        "Cmd": said["command"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *said["env"]],
        "ExposedPorts": {f"{port}/tcp": {} for port in said["ports"]},
        **({"StopSignal": said["stop_signal"]} if said["stop_signal"] else {}),
        **({"User": said["user"]} if said["user"] else {}),
    }
    images = [
        Made(layers, {**config, "Env": [*config["Env"], f"VERSION={one}"]}, packed=False) for one in (1, 2)
    ]
    shutil.rmtree(OUT / f"program-{name}", ignore_errors=True)
    written(layout(index(it=images[0], next=images[1]), *images), OUT / f"program-{name}")


if __name__ == "__main__":
    main(sys.argv[1])
