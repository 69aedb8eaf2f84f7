"""What a metal machine starts from: a prepared plain Debian disk, or the rescue system's."""

import lzma
import shutil
import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.files import digest
from skerry_base.core.run import run_here
from skerry_lab import images
from skerry_lab.initrd import INIT, OWN_KERNEL_INIT, RESCUE_INIT, initrd
from skerry_lab.recipe import Flavour, Kind, rescue_recipe, tree_recipe
from skerry_lab.ssh import make_key
from skerry_lab.tools import Tools

SIZE, RESCUE_SIZE = "40G", "2G"
# What the role hardening hands to GRUB, which does not start these machines: its table's words, held equal by a test.
HARDENED = (
    "mitigations=auto,nosmt pti=on page_alloc.shuffle=1 slab_nomerge init_on_alloc=1 init_on_free=1 "
    "hardened_usercopy=1 randomize_kstack_offset=1 vsyscall=none hash_pointers=always kfence.sample_interval=100 "
    "lockdown=confidentiality module.sig_enforce=1 debugfs=off iommu=force iommu.passthrough=0 "
    "iommu.strict=1 intel_iommu=on tsx=off ia32_emulation=0 bdev_allow_write_mounted=0 "
    "proc_mem.force_override=never"
)
# On a busy computer an emulated timer may be so late that the kernel takes it for broken, and panics. KVM turns that off.
NO_TIMER_CHECK = "no_timer_check"
APPEND = f"rw console=ttyS0 {NO_TIMER_CHECK} net.ifnames=0 apparmor=1 security=apparmor quiet"


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


def plain_debian(cache: Cache, tools: Tools, flavour: Flavour, kernel: Path | None = None) -> BootImage:
    """A disk with Debian 13 on it, made without root from a tarball.

    Args:
        cache: where it is kept.
        tools: what makes it.
        flavour: how much is on it.
        kernel: the folder of a kernel to boot instead of Debian's: `vmlinuz`, package and `manifest.json`.

    Raises:
        SkerryError: there is no kernel in the folder.
    """
    recipe = tree_recipe(Kind.METAL, flavour)
    key = digest([recipe.digest(), SIZE, INIT.decode(), *own_kernel(kernel)])

    def build(place: Path) -> None:
        for name in ("login", "host"):
            make_key(place / name, f"skerry-lab-image-{name}")
        tarball = place / "root.tar"
        images.tarball(cache, f"disk-{flavour}", recipe, tarball, keys=place)
        with cache.progress.stage(f"image disk-{flavour}: kernel and disk"):
            _unpack_kernel(tools, tarball, place, ("virtio_blk",), INIT)
            if kernel:
                _put_kernel(tools, kernel, tarball, place)
            _make_disk(tools, tarball, place, SIZE)
        tarball.unlink()

    place = cache.entry(f"disk-{flavour}", key, build)
    # A plain one is as Debian leaves it.
    append = f"{APPEND} {HARDENED}" if flavour is Flavour.HOST else APPEND
    return BootImage(
        digest=key, disk=place / "disk.qcow2", kernel=place / "vmlinuz", initrd=place / "initrd", append=append,
        login_key=place / "login", host_key=place / "host",
    )  # fmt: skip


def own_kernel(folder: Path | None) -> list[str]:
    """What tells a kernel from others; nothing for Debian's.

    Raises:
        SkerryError: there is no kernel in the folder.
    """
    if folder is None:
        return []
    try:
        return [(folder / "manifest.json").read_text(encoding="utf-8")]
    except OSError as error:
        raise SkerryError(f"{folder}: no kernel as `make kernel FLAVOUR=lab` makes it: {error}") from error


def _put_kernel(tools: Tools, folder: Path, tarball: Path, place: Path) -> None:
    """Its files, beside those of Debian's kernel. It has the way to the root disk built in."""
    files = place / "kernel"
    for package in folder.glob("linux-image-*.deb"):
        run_here(["dpkg-deb", "--extract", str(package), str(files)], timeout=600)
    owner = ["--owner=0", "--group=0", f"--directory={files}"]
    run_here(["tar", "--append", f"--file={tarball}", *owner, "./usr/lib/modules"], timeout=600)
    shutil.rmtree(files)
    shutil.copyfile(folder / "vmlinuz", place / "vmlinuz")
    busybox = (tools.root / "usr/bin/busybox").read_bytes()
    (place / "initrd").write_bytes(initrd(busybox, {}, OWN_KERNEL_INIT))


@dataclass(frozen=True)
class RescueImage:
    """A rescue system: booted by QEMU itself, as a provider's network boot does it. The files are shared."""

    disk: Path
    kernel: Path
    initrd: Path


def rescue_system(cache: Cache, tools: Tools) -> RescueImage:
    """The rescue system, made if it is not there yet."""

    def build(place: Path) -> None:
        tarball = place / "root.tar"
        images.rescue_tarball(cache, tarball)
        with cache.progress.stage("image rescue: kernel and disk"):
            _unpack_kernel(tools, tarball, place, ("virtio_blk", "overlay"), RESCUE_INIT)
            _make_disk(tools, tarball, place, RESCUE_SIZE)
        tarball.unlink()

    key = digest([rescue_recipe().digest(), RESCUE_SIZE, RESCUE_INIT.decode()])
    place = cache.entry("rescue", key, build)
    return RescueImage(place / "disk.qcow2", place / "vmlinuz", place / "initrd")


def _unpack_kernel(tools: Tools, tarball: Path, place: Path, modules: Collection[str], init: bytes) -> None:
    """The kernel, and an initial RAM disk with these modules of it."""
    busybox, found = (tools.root / "usr/bin/busybox").read_bytes(), {}
    with tarfile.open(tarball) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            name = PurePosixPath(member.name).name
            if member.name.startswith("./boot/vmlinuz-"):
                with (place / "vmlinuz").open("wb") as out:
                    shutil.copyfileobj(content, out)
            elif name.removesuffix(".ko.xz") in modules:
                found[name.removesuffix(".xz")] = lzma.decompress(content.read())
    (place / "initrd").write_bytes(initrd(busybox, found, init))


def _make_disk(tools: Tools, tarball: Path, place: Path, size: str) -> None:
    raw = place / "disk.raw"
    # No journal: a lab's disk is thrown away, and a crash of the machine takes nothing else along.
    make = ["-q", "-t", "ext4", "-O", "^has_journal", "-d", str(tarball), str(raw), size]
    run_here([*tools.program("usr/sbin/mke2fs"), *make], timeout=600)
    convert = ["convert", "-O", "qcow2", str(raw), str(place / "disk.qcow2")]
    run_here([*tools.program("usr/bin/qemu-img"), *convert], timeout=600)
    raw.unlink()
