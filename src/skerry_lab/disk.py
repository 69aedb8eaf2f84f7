"""Where a metal lab's machine starts from: an image source makes a `BootImage`, and qemu.py runs it.

Today's one source is a prepared plain Debian disk. A machine that installs itself on blank disks is another source
beside it.
"""

import lzma
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from skerry_lab import images
from skerry_lab.cache import Cache
from skerry_lab.initrd import INIT, initrd
from skerry_lab.recipe import Flavour, Kind, digest, tree_recipe
from skerry_lab.run import run
from skerry_lab.ssh import make_key
from skerry_lab.tools import Tools

SIZE = "40G"
APPEND = "rw console=ttyS0 net.ifnames=0 apparmor=1 security=apparmor quiet"


@dataclass(frozen=True)
class BootImage:
    """What a machine needs to boot, and who may log in first. The files are shared: a machine runs on copies."""

    digest: str
    disk: Path
    kernel: Path
    initrd: Path
    append: str
    login_key: Path
    host_key: Path


def plain_debian(cache: Cache, tools: Tools, flavour: Flavour) -> BootImage:
    """A disk with Debian 13 on it, made without root from a tarball."""
    recipe = tree_recipe(Kind.METAL, flavour)
    key = digest([recipe.digest(), SIZE, INIT.decode()])

    def build(place: Path) -> None:
        for name in ("login", "host"):
            make_key(place / name, f"skerry-lab-image-{name}")
        tarball = place / "root.tar"
        images.tarball(cache, f"disk-{flavour}", recipe, tarball, keys=place)
        with cache.progress.stage(f"image disk-{flavour}: kernel and disk"):
            _unpack_kernel(tarball, place, (tools.root / "usr/bin/busybox").read_bytes())
            _make_disk(tools, tarball, place)
        tarball.unlink()

    place = cache.entry(f"disk-{flavour}", key, build)
    return BootImage(
        digest=key, disk=place / "disk.qcow2", kernel=place / "vmlinuz", initrd=place / "initrd", append=APPEND,
        login_key=place / "login", host_key=place / "host",
    )  # fmt: skip


def _unpack_kernel(tarball: Path, place: Path, busybox: bytes) -> None:
    with tarfile.open(tarball) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            if member.name.startswith("./boot/vmlinuz-"):
                with (place / "vmlinuz").open("wb") as out:
                    shutil.copyfileobj(content, out)
            elif member.name.endswith("/virtio_blk.ko.xz"):
                (place / "initrd").write_bytes(initrd(busybox, lzma.decompress(content.read())))


def _make_disk(tools: Tools, tarball: Path, place: Path) -> None:
    raw = place / "disk.raw"
    # No journal: a lab's disk is thrown away, and a crash of the machine takes nothing else along.
    make = ["-q", "-t", "ext4", "-O", "^has_journal", "-d", str(tarball), str(raw), SIZE]
    run([*tools.program("usr/sbin/mke2fs"), *make], timeout=600)
    convert = ["convert", "-O", "qcow2", str(raw), str(place / "disk.qcow2")]
    run([*tools.program("usr/bin/qemu-img"), *convert], timeout=600)
    raw.unlink()
