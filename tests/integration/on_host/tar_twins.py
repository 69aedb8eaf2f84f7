"""Small odd tarballs, made at random: what is mounted of each image against what GNU tar unpacks of the same file.

tar_twins.py FIRST LAST    the seeds; prints as JSON how many were taken, what was refused, and where both differ
"""

import io
import json
import os
import random
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

from skerry.model.errors import SkerryError
from skerry.resources.images import factory, tar_stream, tarball

PARTS = ["a", "b", "c", "é", "x" * 101]
DATES = ["0", "7", "1.5", "1.05", "1754697600.123456789", "1754697600.1", "3.", "2.1234567899"]
# Where something took the place of a folder, GNU tar misses the folder at the end, and goes on.
_FAILED = re.compile("Cannot (?!(change|utime).*(No such file|Not a directory))")
MADE = {"dev", "proc", "sys"}


def name(pick: random.Random) -> str:
    """A path of few names, so that members meet, in one of the ways to write it."""
    parts = pick.choices(PARTS, [9, 6, 3, 1, 1], k=pick.choice([1, 1, 2, 3]))
    return pick.choice(["", "./", "./", ".//"]) + pick.choice(["/", "/", "//", "/./"]).join(parts)


def header(member: tarfile.TarInfo, shape: str) -> bytes:
    """Its header in one of the formats; v7 has no magic."""
    if shape != "v7":
        formats = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}
        return member.tobuf(formats[shape], "utf-8", "surrogateescape")
    block = bytearray(member.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape"))
    block[257:512] = bytes(255)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def made(pick: random.Random, before: list[str]) -> bytes:
    """One member with its data; ``before`` are the names of the earlier ones."""
    member, data = tarfile.TarInfo(name(pick)), b""
    kind = pick.choices(["file", "folder", "link", "hard link", "pipe"], [6, 5, 2, 4, 1])[0]
    shape = pick.choice(["pax", "pax", "gnu", "ustar", "v7"])
    member.mode, member.uid, member.gid = (
        pick.choice([0o755, 0o644, 0o4711, 0o700]),
        pick.randrange(3),
        65_535,
    )
    member.mtime = pick.randrange(2**31)
    if kind == "file":
        member.type, data = (
            pick.choice([tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE]),
            pick.randbytes(pick.choice([0, 9, 700])),
        )
        member.size = len(data)
    elif kind == "folder":
        member.type = pick.choice([tarfile.DIRTYPE, tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.AREGTYPE])
        member.name += "/" * (member.type != tarfile.DIRTYPE)
    elif kind == "link":
        member.type, member.linkname = (
            tarfile.SYMTYPE,
            pick.choice(["nowhere", "nowhere/b"]),
        )  # GNU tar follows some
    elif kind == "hard link":
        member.type, member.linkname = (
            tarfile.LNKTYPE,
            pick.choice([*before, *before, member.name]).rstrip("/"),
        )
    else:
        member.type = tarfile.FIFOTYPE
    if max(len(text.encode()) for text in (member.name, member.linkname)) > 98 and shape in {"ustar", "v7"}:
        shape = "gnu"
    if shape == "pax":
        member.pax_headers["mtime"] = pick.choice(DATES)
        if kind == "file" and pick.random() < 0.3:
            member.pax_headers["SCHILY.xattr.user.a"] = pick.choice(["", "text", "\udcff\n="])
    before.append(member.name)
    return header(member, shape) + data + bytes(-len(data) % 512)


def odd(seed: int) -> bytes:
    """The tarball of a seed."""
    pick = random.Random(seed)
    before: list[str] = []
    members = [made(pick, before) for _ in range(pick.randrange(1, 9))]
    etc = tarfile.TarInfo("etc")
    etc.type = tarfile.DIRTYPE
    members.insert(pick.randrange(len(members) + 1), header(etc, "gnu"))
    return b"".join(members) + bytes(1024)


def seen(root: Path, loose: set[str]) -> dict[str, object]:
    """All below a root: kind, content, attributes, and which paths are one inode; what is not ``loose`` also with owner,
    permissions and date.
    """
    found: dict[str, object] = {}
    inodes: dict[int, list[str]] = {}
    for path in sorted(root.rglob("*")):
        inodes.setdefault(path.lstat().st_ino, []).append(str(path.relative_to(root)))
    for paths in inodes.values():
        path = root / paths[0]
        info = path.lstat()
        content = path.read_bytes().hex() if stat.S_ISREG(info.st_mode) else ""
        link = os.readlink(path) if path.is_symlink() else ""
        attributes = {key: os.getxattr(path, key).hex() for key in os.listxattr(path, follow_symlinks=False)}
        rest = [] if loose.intersection(paths) else [info.st_uid, info.st_gid, info.st_mtime_ns]
        rest += [stat.S_IMODE(info.st_mode)] if rest and not link else []
        for own in paths:
            found[own] = [stat.filemode(info.st_mode)[0], content, link, attributes, paths, *rest]
    return found


def loose_paths(data: bytes) -> set[str]:
    """Paths whose owner and date GNU tar leaves open: folders without a member; and it gives to what took the place of a
    folder what was the folder's.
    """
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as tar:
        members = [
            (plain(one.name), one.isdir() or one.pax_headers.get("path", one.name).endswith("/"))
            for one in tar
        ]
    names = Counter(path for path, _ in members)
    above = {str(parent) for path in names for parent in Path(path).parents} - {"."}
    folders = {path for path, is_folder in members if is_folder}
    return {path for path in folders if names[path] > 1} | (above - folders)


def plain(path: str) -> str:
    """A path in the one way to write it."""
    return "/".join(part for part in path.split("/") if part not in {"", "."})


def unpacked(data: bytes, folder: Path, loose: set[str]) -> dict[str, object] | str:
    """What GNU tar makes of it, or what it says."""
    folder.mkdir()
    options = [
        "--numeric-owner",
        "--same-owner",
        "--xattrs",
        "--xattrs-include=*",
        "--delay-directory-restore",
    ]
    done = subprocess.run(
        ["tar", "-xp", *options, "-C", folder], input=data, capture_output=True, check=False
    )
    lines = [line for line in done.stderr.decode().splitlines() if _FAILED.search(line)]
    return "\n".join(lines) or seen(folder, loose)


def mounted(data: bytes, folder: Path, loose: set[str]) -> dict[str, object]:
    """What our reader and mkfs.erofs make of it.

    Raises:
        SkerryError: it is refused.
    """
    source, target = io.BytesIO(data), io.BytesIO()
    contents = tarball.read(source, lambda _bytes: None)
    tar_stream.write(contents.tree, source, target, lambda _bytes: None)
    image, place = folder / "erofs", folder / "mounted"
    argv = ["mkfs.erofs", "--quiet", *factory._COMPRESSION, "--tar=f", image]
    subprocess.run(argv, input=target.getvalue(), check=True, capture_output=True)
    place.mkdir()
    subprocess.run(["mount", "-t", "erofs", "-o", "ro", image, place], check=True)
    try:
        found = seen(place, loose)
    finally:
        subprocess.run(["umount", place], check=True)
    return {path: one for path, one in found.items() if path not in MADE}


def main(first: int, last: int) -> None:
    """Compare the tarballs of these seeds."""
    told: dict[str, dict[int, object]] = {"taken": {}, "refused": {}, "refused here only": {}, "differ": {}}
    for seed in range(first, last):
        data = odd(seed)
        loose = loose_paths(data)
        with tempfile.TemporaryDirectory(dir="/run") as place:
            theirs = unpacked(data, Path(place, "tar"), loose)
            try:
                ours = mounted(data, Path(place), loose)
            except SkerryError as error:
                told["refused" if isinstance(theirs, str) else "refused here only"][seed] = error.message
                continue
            told["taken"][seed] = len(ours)
            if ours != theirs:
                told["differ"][seed] = {"ours": ours, "theirs": theirs}
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
