"""The first program of a metal lab: a few lines of shell that mount the root disk, in an archive of a few files.

Debian's cloud kernel has virtio_blk as a module, so it needs an initial RAM disk; a whole one costs 45 s without KVM.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass

_FOLDER, _FILE, _PROGRAM, _DEVICE = 0o040755, 0o100644, 0o100755, 0o020600

INIT = b"""#!/bin/busybox sh
busybox mount -t devtmpfs none /dev
busybox insmod /virtio_blk.ko
busybox mount -t proc none /proc
if busybox grep -q skerry.probe /proc/cmdline; then busybox echo skerry.probe: alive; busybox reboot -f; fi
busybox umount /proc
busybox mount -t ext4 -o noatime /dev/vda /root
exec busybox switch_root /root /sbin/init
"""


@dataclass(frozen=True)
class Entry:
    """One file of a cpio archive."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def initrd(busybox: bytes, virtio_blk: bytes) -> bytes:
    """The archive, from a static busybox and the kernel's (unpacked) module."""
    folders = [Entry(name, _FOLDER) for name in ("bin", "dev", "proc", "root")]
    return cpio(
        [
            *folders,
            Entry("bin/busybox", _PROGRAM, busybox),
            Entry("init", _PROGRAM, INIT),
            Entry("virtio_blk.ko", _FILE, virtio_blk),
            Entry("dev/console", _DEVICE, device=(5, 1)),
        ]
    )


def cpio(entries: Iterable[Entry]) -> bytes:
    """A cpio archive in the form the kernel reads (`newc`)."""
    out = io.BytesIO()
    for number, entry in enumerate([*entries, Entry("TRAILER!!!", 0)], start=1):
        name = entry.name.encode() + b"\0"
        fields = (number, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
        out.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        _pad(out)
        out.write(entry.data)
        _pad(out)
    return out.getvalue()


def _pad(out: io.BytesIO) -> None:
    out.write(b"\0" * (-out.tell() % 4))
