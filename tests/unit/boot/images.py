"""Initramfs images made by hand: cpio archives in the format newc."""

import stat

FILE, PROGRAM, LINK, FOLDER = (
    stat.S_IFREG | 0o600,
    stat.S_IFREG | 0o755,
    stat.S_IFLNK | 0o777,
    stat.S_IFDIR | 0o755,
)


def entry(path, content=b"", mode=FILE, uid=0):
    name = path.encode() + b"\0"
    numbers = [1, mode, uid, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)


def archive(*entries):
    whole = b"".join(entries) + entry("TRAILER!!!")
    return whole + b"\0" * (-len(whole) % 512)
