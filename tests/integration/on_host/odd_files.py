"""Files of every kind: ``make FOLDER`` makes them, ``tell FOLDER`` prints all about what is there."""

import hashlib
import json
import os
import struct
import sys
from pathlib import Path

ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in (
        (1, 7, 0xFFFFFFFF),
        (2, 4, 1234),
        (4, 5, 0xFFFFFFFF),
        (16, 5, 0xFFFFFFFF),
        (32, 1, 0xFFFFFFFF),
    )
)
CAN_BIND = bytes.fromhex("0100000200040000000000000000000000000000")


def make(top: Path) -> None:
    sub, file = top / "sub", top / "sub/file"
    sub.mkdir()
    file.write_text("x" * 5000)
    os.chown(file, 1000, 1001)
    file.chmod(0o4751)
    os.link(file, top / "hard")
    (top / "soft").symlink_to("../../etc/passwd")
    os.chown(top / "soft", 7, 8, follow_symlinks=False)
    os.mkfifo(top / "pipe")
    os.chown(sub, 5, 6)
    sub.chmod(0o2775)
    os.setxattr(file, "user.note", bytes(range(256)))
    os.setxattr(file, "security.capability", CAN_BIND)
    os.setxattr(file, "system.posix_acl_access", ACL)
    os.setxattr(sub, "system.posix_acl_default", ACL)
    with (top / "sparse").open("wb") as sparse:
        sparse.seek(9 << 20)
        sparse.write(b"y")
        sparse.truncate(20 << 20)
    (top / os.fsdecode(b"\xff odd \n name")).mkdir()
    os.utime(file, ns=(1, 1_600_000_000_123_456_789))
    os.utime(top / "soft", ns=(1, 1_500_000_000_987_654_321), follow_symlinks=False)


def told(path: Path) -> list[object]:
    found, folder = path.lstat(), path.is_dir() and not path.is_symlink()
    attributes = os.listxattr(path, follow_symlinks=False)
    return [
        oct(found.st_mode),
        found.st_uid,
        found.st_gid,
        found.st_mtime_ns,
        0 if folder else found.st_size,
        0 if folder else found.st_nlink,
        os.readlink(path) if path.is_symlink() else "",
        {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in sorted(attributes)},
        hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else "",
        found.st_blocks < 200,  # of a sparse file of 20 MiB
    ]


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    if sys.argv[1] == "make":
        make(folder)
    else:
        print(json.dumps({str(one.relative_to(folder)): told(one) for one in [folder, *folder.rglob("*")]}))
