"""The `metal` kernel built twice, in folders that share nothing, with key and seed pinned: the same package both times.

It takes two cores an hour, and 15 GiB. The figures of both flavours stand below, each compiled with an empty cache.
"""

import json
import os
import re
import resource
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skerry_base.core.cache import Cache
from skerry_base.core.paths import cache_home
from skerry_base.core.progress import Progress
from skerry_lab.disk import rescue_system
from skerry_lab.initrd import initrd
from skerry_lab.qemu import Hardware
from skerry_lab.tools import Tools, tools
from tests.kernel.keys import key_and_certificate

ROOT = Path(__file__).parents[2]
# Powers off by itself: with `-no-reboot` that is the end of QEMU.
INIT = b"""#!/bin/busybox sh
busybox mount -t proc none /proc
busybox echo "UP $(busybox uname -r)"
busybox reboot -f
"""


@dataclass(frozen=True)
class Built:
    """A kernel in its folder, and what it took."""

    folder: Path
    cpu_seconds: float

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return found

    @property
    def package(self) -> Path:
        (found,) = self.folder.glob("*.deb")
        return found


def build(cache: Path, flavour: str, *options: str) -> Built:
    """Build with a cache; the processor's seconds are those of all programs that took part."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "skerry_kernel", "build", flavour, *options]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, stdout=subprocess.PIPE, text=True, check=True
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Built(Path(done.stdout.strip()), seconds)


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A seed and a key, as the how-to makes them."""
    folder = tmp_path_factory.mktemp("pinned")
    (folder / "seed").write_text(secrets.token_hex(32))
    (folder / "pair.pem").write_text("".join(key_and_certificate(folder)))
    return ["--seed", str(folder / "seed"), "--key", str(folder / "pair.pem")]


def seconds_to_first_program(kit: Tools, kernel: Path, rescue_disk: Path, work: Path) -> float:
    """By the kernel's own clock, in QEMU without KVM, with an initramfs of one program."""
    image = work / "initrd"
    image.write_bytes(initrd((kit.root / "usr/bin/busybox").read_bytes(), {}, INIT))
    command = [*kit.qemu(), *Hardware("tcg", 1024).computer(), "-kernel", str(kernel), "-initrd", str(image)]
    command += ["-drive", f"if=virtio,file={rescue_disk},format=qcow2,snapshot=on"]
    command += ["-append", "console=ttyS0", "-serial", "stdio", "-no-reboot"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=300)
    assert "UP 6." in done.stdout, done.stdout[-3000:]
    found = re.search(r"^\[ *(\d+\.\d+)\] Run /init as init process", done.stdout, re.MULTILINE)
    assert found
    return float(found[1])


def test_two_builds_are_the_same_and_both_flavours_start(pinned: list[str], tmp_path: Path) -> None:
    one, other = (build(tmp_path / name, "metal", *pinned) for name in ("one", "other/and/deeper"))
    assert one.folder.name == other.folder.name
    assert one.manifest == other.manifest
    assert one.package.read_bytes() == other.package.read_bytes()
    assert (one.folder / "vmlinuz").read_bytes() == (other.folder / "vmlinuz").read_bytes()
    print(f"\nidentical: {one.package.name}, sha256 {one.manifest['packages'][one.package.name]}")

    cache = Cache(cache_home(), Progress())
    kit, rescue = tools(cache), rescue_system(cache, tools(cache))
    lab = build(tmp_path / "lab", "lab")
    print(f"{'':<14}{'objects':>8}{'modules':>9}{'CPU s':>7}{'.deb MB':>9}{'s to the first program':>24}")
    for name, built in (("metal", one), ("metal again", other), ("lab", lab)):
        boot = seconds_to_first_program(kit, built.folder / "vmlinuz", rescue.disk, tmp_path)
        made = built.manifest
        size = built.package.stat().st_size / 1e6
        print(
            f"{name:<14}{made['objects']:>8}{made['modules']:>9}{built.cpu_seconds:>7.0f}{size:>9.1f}{boot:>24.1f}"
        )
    stock = seconds_to_first_program(kit, rescue.kernel, rescue.disk, tmp_path)
    print(f"{'Debian cloud':<14}{'':>8}{'':>9}{'':>7}{'':>9}{stock:>24.1f}")
