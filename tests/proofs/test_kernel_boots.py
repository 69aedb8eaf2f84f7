"""The `lab` kernel, booted once: it does what Skerry needs, and refuses what it must."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from skerry_base.core.cache import Cache
from skerry_base.core.paths import cache_home
from skerry_base.core.progress import Progress
from skerry_kernel.build import Wanted, build, prepare
from skerry_kernel.fragment import Flavour
from skerry_lab import disk
from skerry_lab.initrd import initrd
from skerry_lab.qemu import Hardware
from skerry_lab.recipe import Flavour as Image
from skerry_lab.tools import Tools, tools

INIT = b"""#!/bin/busybox sh
busybox mount -t devtmpfs none /dev
busybox mount -t ext4 /dev/vda /root
busybox mount -t ext4 -o ro /dev/vdb /medium
busybox mount --bind /medium/usr/lib/modules /root/usr/lib/modules
busybox mount --bind /medium /root/mnt
busybox mount -o move /dev /root/dev
exec busybox switch_root /root /usr/bin/python3 -I /mnt/kernel_checks.py
"""
CHECKS = Path(__file__).with_name("kernel_checks.py")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the machine said on its serial line."""
    cache, work = Cache(cache_home(), Progress()), tmp_path_factory.mktemp("boot")
    kernel = build(cache, prepare(cache, Wanted(Flavour.LAB)))
    kit = tools(cache)
    _modules_disk(kit, kernel, work)
    (work / "initrd").write_bytes(initrd((kit.root / "usr/bin/busybox").read_bytes(), {}, INIT))
    for name in ("nvme", "sata"):
        with (work / name).open("wb") as blank:
            blank.truncate(1024**2)
    root, rescue = disk.plain_debian(cache, kit, Image.HOST).disk, disk.rescue_system(cache, kit).disk
    command = [*kit.qemu(), *Hardware("tcg", 1024).computer(), *_devices(root, rescue, work)]
    command += ["-kernel", str(kernel / "vmlinuz"), "-initrd", str(work / "initrd")]
    command += ["-append", "console=ttyS0 apparmor=1 security=apparmor", "-serial", "stdio", "-no-reboot"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=900)
    log = cache.home / "kernel-boot.log"
    log.write_text(done.stdout + done.stderr)
    return done.stdout


def _modules_disk(kit: Tools, kernel: Path, work: Path) -> None:
    (package,) = kernel.glob("*.deb")
    folder = work / "medium"
    subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    shutil.copy(CHECKS, folder)
    make = [*kit.program("usr/sbin/mke2fs"), "-q", "-t", "ext4", "-d", folder, work / "medium.raw", "256M"]
    subprocess.run(make, check=True)


def _devices(root: Path, rescue: Path, work: Path) -> list[str]:
    words = []
    for name, file, form in (
        ("vda", root, "qcow2"),
        ("vdb", work / "medium.raw", "raw"),
        ("vdc", rescue, "qcow2"),
    ):
        words += ["-drive", f"if=virtio,id={name},file={file},format={form},snapshot=on"]
    for name, device in (("nvme", "nvme,serial=n"), ("sata", "ide-hd,bus=sata.0")):
        words += ["-drive", f"if=none,id={name},file={work / name},format=raw"]
        if name == "sata":
            words += ["-device", "ich9-ahci,id=sata"]
        words += ["-device", f"{device},drive={name}"]
    return [
        *words, "-netdev", "user,id=a", "-device", "virtio-net-pci,netdev=a,romfile=", "-netdev", "user,id=b",
        "-device", "e1000,netdev=b,romfile=", "-device", "i6300esb", "-device", "virtio-rng-pci",
    ]  # fmt: skip


def test_the_kernel_does_what_skerry_needs_and_refuses_what_it_must(said: str) -> None:
    checks = dict(re.findall(r"^CHECK ([\w.+ -]+): (.*?)\r?$", said, re.MULTILINE))
    for name, outcome in checks.items():
        print(f"{name}: {outcome}")
    start = re.search(r"^\[ *(\d+\.\d+)\] Run /init as init process", said, re.MULTILINE)
    print(f"seconds to the first program (QEMU without KVM): {start[1] if start else '?'}")
    assert checks.get("all") == "done", said[-3000:]
    failed = {name: outcome for name, outcome in checks.items() if outcome not in {"ok", "done"}}
    assert failed == {}
    assert len(checks) >= 22
