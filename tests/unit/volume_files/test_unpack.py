"""An archive's members in a volume: each as it was, hostile ones refused by name, and nothing written elsewhere."""

import errno
import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.model.errors import SkerryError
from skerry.volume_files.unpack import unpack

Change = Callable[[tarfile.TarInfo], Any]


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: Any
) -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.type, found.size, found.mode = kind, len(data), 0o644
    for field, value in fields.items():
        setattr(found, field, value)
    return found, data


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


class Pipe(io.RawIOBase):
    """A stream that cannot seek and gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._left = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), 700, len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder; who owns what is written down, since not everybody may give files away."""
    owners: dict[str, tuple[int, int]] = {}

    def fchown(opened: int, uid: int, gid: int) -> None:
        owners[os.readlink(f"/proc/self/fd/{opened}").removeprefix(f"{tmp_path}/volume")] = (uid, gid)

    monkeypatch.setattr(os, "fchown", fchown)
    monkeypatch.setattr(os, "chown", lambda *_args, **_more: None)
    (tmp_path / "volume").mkdir()
    yield tmp_path / "volume"
    (tmp_path / "volume").chmod(0o755)


def into(top: Path, data: bytes) -> int:
    opened = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return unpack(io.BufferedReader(Pipe(data), 1024), opened)
    finally:
        os.close(opened)


def test_each_kind_arrives_as_it_was(top: Path) -> None:
    count = into(
        top,
        archive(
            member(".", kind=tarfile.DIRTYPE, mode=0o750, mtime=5),
            member("./sub", kind=tarfile.DIRTYPE, mode=0o2755, mtime=6),
            member("./sub/file", b"x" * 5000, mode=0o4711, mtime=7),
            member("./hard", kind=tarfile.LNKTYPE, linkname="./sub/file"),
            member("./soft", kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
            member("./pipe", kind=tarfile.FIFOTYPE, mode=0o600),
            member("./without/a/folder/of/its/own", b"y"),
            member("./empty"),
        ),
    )
    assert count == 8
    assert (top / "sub/file").read_bytes() == b"x" * 5000
    assert stat.S_IMODE((top / "sub/file").stat().st_mode) == 0o4711
    assert (top / "hard").stat().st_ino == (top / "sub/file").stat().st_ino
    assert os.readlink(top / "soft") == "/etc/passwd"
    assert stat.S_ISFIFO((top / "pipe").stat().st_mode)
    assert (top / "without/a/folder/of/its/own").read_bytes() == b"y"
    assert [(top / name).stat().st_mtime for name in (".", "sub", "sub/file")] == [5, 6, 7]
    assert stat.S_IMODE(top.stat().st_mode) == 0o750
    assert stat.S_IMODE((top / "sub").stat().st_mode) == 0o2755


def test_a_sparse_file_stays_one(top: Path) -> None:
    """As GNU tar writes it (pax, version 1.0): the map in decimal numbers, then the pieces."""
    pieces, size = [(4096, b"a" * 512), (1 << 20, b"b" * 100)], 2 << 20
    numbers = "".join(f"{n}\n" for n in (len(pieces), *(n for at, data in pieces for n in (at, len(data)))))
    data = numbers.encode().ljust(512, b"\0") + b"".join(data for _, data in pieces)
    sparse, _ = member("./GNUSparseFile.0/sparse", data)
    sparse.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "./sparse",
        "GNU.sparse.realsize": str(size),
    }
    into(top, archive((sparse, data), member("./after", b"z")))
    found = (top / "sparse").read_bytes()
    assert (len(found), found[4096:4608], found[1 << 20 : (1 << 20) + 100]) == (size, b"a" * 512, b"b" * 100)
    assert found.count(b"\0") == size - 612
    assert (top / "after").read_bytes() == b"z"


def sparse(pieces: str) -> tuple[tarfile.TarInfo, bytes]:
    """A sparse file of 20 bytes."""
    headers = {
        "GNU.sparse.map": pieces,
        "GNU.sparse.size": "20",
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
    }
    return member("x", b"z" * 20, pax_headers=headers)


HOSTILE = {
    "above": (member("../x"), r"member '\.\./x' has '\.\.' in its name"),
    "absolute": (member("/etc/x"), "member '/etc/x' begins with a slash"),
    "below a link": (member("link/x"), "member 'link/x' cannot be there"),
    "a hard link outside": (
        member("x", kind=tarfile.LNKTYPE, linkname="../../etc/passwd"),
        r"has '\.\.' in its name",
    ),
    "a hard link below a link": (
        member("x", kind=tarfile.LNKTYPE, linkname="link/passwd"),
        "member 'x' cannot be there",
    ),
    "a hard link to nothing": (
        member("x", kind=tarfile.LNKTYPE, linkname="none"),
        "member 'x' cannot be there",
    ),
    "a character device": (member("dev/null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3), "is a device"),
    "a whiteout": (member("x", kind=tarfile.CHRTYPE), "member 'x' is a device"),
    "a block device": (member("sda", kind=tarfile.BLKTYPE, devmajor=8), "member 'sda' is a device"),
    "twice": (member("there"), "member 'there' cannot be there"),
    "a file for a folder": (member("folder"), "member 'folder' cannot be there"),
    "a folder for a link": (member("link", kind=tarfile.DIRTYPE), "member 'link' cannot be there"),
    "an owner of the host's": (member("x", uid=70_000), "member 'x' belongs to user 70000"),
    "a trusted attribute": (
        member("x", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"}),
        "carries the attribute 'trusted.overlay.opaque'",
    ),
    "a label": (
        member("x", pax_headers={"SCHILY.xattr.security.selinux": "y"}),
        "carries the attribute 'security.selinux'",
    ),
    "another kind": (member("x", kind=b"V"), "is of the kind b'V'"),
    "an attribute that no file has room for": (
        member("x", pax_headers={"SCHILY.xattr.user.x": "y" * 16_300}),
        "member 'x' carries the attribute 'user.x' of 16306 bytes with its name",
    ),
    "pieces before others": (
        sparse("4,10,0,10"),
        "member 'x' is sparse, with 10 bytes at 0 of 20, after byte 14",
    ),
    "pieces beyond the file": (
        sparse("15,10"),
        "member 'x' is sparse, with 10 bytes at 15 of 20, after byte 0",
    ),
    "pieces before the file": (sparse("-4,10"), "member 'x' is sparse, with 10 bytes at -4 of 20"),
    "pieces that are no numbers": (sparse("a,b"), "what follows member 'link' cannot be read"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused_by_name(top: Path, name: str) -> None:
    hostile, said = HOSTILE[name]
    before = (
        member("there", b"1"),
        member("folder", kind=tarfile.DIRTYPE),
        member("link", kind=tarfile.SYMTYPE, linkname=str(top.parent)),
    )
    with pytest.raises(SkerryError, match=said):
        into(top, archive(*before, hostile))
    assert sorted(path.name for path in top.parent.iterdir()) == ["volume"]


GOOD = archive(member("a", b"x" * 2000), member("b", b"y" * 2000))


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 600, 2600, 3500])
def test_one_that_is_cut_off_is_refused(top: Path, cut: int) -> None:
    with pytest.raises(SkerryError, match=r"cut off|damaged"):
        into(top, GOOD[:cut])


def test_one_that_is_damaged_in_the_middle_is_refused(top: Path) -> None:
    damaged = bytearray(GOOD)
    damaged[512 + 2048 + 10] ^= 1
    with pytest.raises(SkerryError, match="damaged"):
        into(top, bytes(damaged))


def test_a_header_of_zeros_in_the_middle_is_no_end(top: Path) -> None:
    data = bytearray(archive(member("one", b"1"), member("two", b"2"), member("three", b"3")))
    data[1024:1536] = bytes(512)
    with pytest.raises(SkerryError, match="something follows its end mark"):
        into(top, bytes(data))


def test_a_path_deeper_than_programs_nest_calls_arrives(top: Path) -> None:
    path = "/".join(["a"] * 400)
    into(top, archive(member(f"{path}/f", b"1")))
    folder = os.open(top, os.O_RDONLY)
    for _ in range(400):
        inner = os.open("a", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    assert os.listdir(folder) == ["f"]
    os.close(folder)


@pytest.mark.parametrize("data", [b"\x1f\x8b" + b"x" * 2000, b"no archive" * 100])
def test_what_is_no_plain_archive_is_refused(top: Path, data: bytes) -> None:
    with pytest.raises(SkerryError, match="it is not a plain tar archive"):
        into(top, data)


def test_an_archive_without_members_is_an_empty_volume(top: Path) -> None:
    assert into(top, archive()) == 0
    assert list(top.iterdir()) == []


def test_an_attribute_that_the_kernel_refuses_is_named(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def setxattr(*_args: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "setxattr", setxattr)
    acl = member("x", pax_headers={"SCHILY.xattr.system.posix_acl_access": "nonsense"})
    said = "member 'x' carries the attribute 'system.posix_acl_access' with a value that means nothing here"
    with pytest.raises(SkerryError, match=said):
        into(top, archive(acl))


@pytest.mark.parametrize(
    ("said", "nanoseconds"),
    [
        ("-1.5", -1_500_000_000),
        ("-0.000000001", -1),
        ("1.000000001", 1_000_000_001),
        ("-86400", -86_400 * 10**9),
    ],
)
def test_a_date_before_1970_keeps_its_fraction(top: Path, said: str, nanoseconds: int) -> None:
    into(top, archive(member("old", pax_headers={"mtime": said})))
    assert (top / "old").stat().st_mtime_ns == nanoseconds
