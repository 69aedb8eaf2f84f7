"""The first program of a metal machine: a few lines of shell that mount the root disk, in an archive of a few files.

Debian's cloud kernel has virtio_blk as a module, so it needs an initial RAM disk; a whole one costs 45 s without KVM.
"""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

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

OWN_KERNEL_INIT = INIT.replace(b"busybox insmod /virtio_blk.ko\n", b"")
"""For a kernel that has virtio_blk built in."""

RESCUE_INIT = b"""#!/bin/busybox sh
busybox mount -t devtmpfs none /dev
busybox insmod /virtio_blk.ko
busybox mount -t proc none /proc
if busybox grep -q skerry.probe /proc/cmdline; then busybox echo skerry.probe: alive; busybox reboot -f; fi
busybox umount /proc
busybox insmod /overlay.ko
busybox mount -t ext4 -o ro /dev/vda /medium
busybox mount -t tmpfs -o mode=755 none /memory
busybox mkdir /memory/upper /memory/work
busybox cp -a /own/. /memory/upper
busybox mount -t overlay -o lowerdir=/medium,upperdir=/memory/upper,workdir=/memory/work none /root
busybox mount -o move /medium /root/rescue/medium
busybox mount -o move /memory /root/rescue/memory
exec busybox switch_root /root /usr/sbin/rescue-init
"""
"""Lays a folder in memory, with what /own of the archive holds in it, over a medium that is only read."""


@dataclass(frozen=True)
class Entry:
    """One file of a cpio archive."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def initrd(busybox: bytes, modules: Mapping[str, bytes], init: bytes = INIT) -> bytes:
    """The archive, from a static busybox, the kernel's (unpacked) modules and the first program."""
    folders = [Entry(name, _FOLDER) for name in ("bin", "dev", "medium", "memory", "own", "proc", "root")]
    return cpio(
        [
            *folders,
            Entry("bin/busybox", _PROGRAM, busybox),
            Entry("init", _PROGRAM, init),
            *(Entry(name, _FILE, content) for name, content in modules.items()),
            Entry("dev/console", _DEVICE, device=(5, 1)),
        ]
    )


def own_files(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """An archive to put behind the rescue system's: path, mode and content of files that are one machine's own."""
    entries: dict[str, Entry] = {}
    for path, mode, content in files:
        for folder in reversed(PurePosixPath(path).parents[:-1]):
            name = f"own/{folder}"
            private = folder == PurePosixPath("root") or folder.name == ".ssh"
            entries[name] = Entry(name, 0o040700 if private else _FOLDER)
        entries[f"own/{path}"] = Entry(f"own/{path}", 0o100000 | mode, content)
    return cpio(entries.values())


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
