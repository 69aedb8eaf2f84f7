"""Whether ordinary guests really start under KVM here: found by starting one."""

import os
import tempfile
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.files import digest
from skerry_base.core.run import CommandError, run_here
from skerry_lab.process import boot_id
from skerry_lab.qemu import Hardware
from skerry_lab.tools import Tools

_DEVICE = "/dev/kvm"
_TRY_S = 10


def accelerator(cache: Cache, tools: Tools, kernel: Path, initrd: Path) -> str:
    """`kvm` where this kernel reaches its first program under it, else `tcg`; tried once a boot."""
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return "tcg"

    def build(place: Path) -> None:
        with cache.progress.stage("try whether a guest starts under KVM"):
            (place / "accelerator").write_text(
                "kvm" if _starts(tools, kernel, initrd) else "tcg", encoding="ascii"
            )

    key = digest([boot_id(), tools.qemu_version()])
    return (cache.entry("kvm", key, build) / "accelerator").read_text(encoding="ascii")


def _starts(tools: Tools, kernel: Path, initrd: Path) -> bool:
    with tempfile.NamedTemporaryFile(suffix=".raw") as blank:
        blank.truncate(1024**2)
        machine = [
            *tools.qemu(), *Hardware("kvm", 512).arguments(), "-no-reboot",
            "-drive", f"if=none,id=disk0,file={blank.name},format=raw", "-netdev", "user,id=net0",
            "-kernel", str(kernel), "-initrd", str(initrd),
            "-append", "console=ttyS0 panic=-1 skerry.probe", "-serial", "stdio",
        ]  # fmt: skip
        try:
            said = run_here(machine, timeout=_TRY_S)
        except CommandError:
            return False
    return "skerry.probe: alive" in said
