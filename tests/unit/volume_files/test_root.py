"""An archive of a container: whiteouts and opaque folders arrive, hostile ones are refused by name, before and inside."""

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry import streams
from skerry.host.overlay import LIST
from skerry.model.errors import SkerryError
from skerry.volume_files import rules
from skerry.volume_files.root import unpack_root
from tests.unit.volume_files.test_unpack import Pipe, archive, member

Member = tuple[tarfile.TarInfo, bytes]
OPAQUE, ORIGIN = "SCHILY.xattr.trusted.overlay.opaque", "SCHILY.xattr.trusted.overlay.origin"


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new root: an empty upper layer."""
    monkeypatch.setattr(os, "fchown", lambda *_args: None)
    monkeypatch.setattr(os, "chown", lambda *_args, **_more: None)
    (tmp_path / "root/upper").mkdir(parents=True)
    yield tmp_path / "root"
    (tmp_path / "root/upper").chmod(0o755)


def into(top: Path, data: bytes) -> None:
    opened = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        unpack_root(io.BufferedReader(Pipe(data), 1024), opened)
    finally:
        os.close(opened)


def folder(name: str, **fields: Any) -> Member:
    return member(name, kind=tarfile.DIRTYPE, **fields)


def whiteout(name: str, **fields: Any) -> Member:
    return member(name, kind=tarfile.CHRTYPE, **fields)


def test_whiteouts_and_opaque_folders_arrive(top: Path) -> None:
    into(
        top,
        archive(
            folder("upper", mode=0o711, mtime=3),
            folder("upper/etc", pax_headers={OPAQUE: "y", ORIGIN: "\0\1"}),
            folder("upper/etc/deep", pax_headers={OPAQUE: "y"}),
            folder("upper/usr", pax_headers={ORIGIN: "x", "SCHILY.xattr.trusted.overlay.impure": "y"}),
            whiteout("upper/usr/gone", mode=0, mtime=5),
            member("upper/usr/again", kind=tarfile.LNKTYPE, linkname="upper/usr/gone"),
            member("upper/file", b"x" * 3000, mode=0o4711, mtime=7),
        ),
    )
    assert (top / LIST).read_bytes() == b"etc\0etc/deep\0"
    gone = (top / "upper/usr/gone").lstat()
    assert (stat.S_ISCHR(gone.st_mode), gone.st_rdev, gone.st_nlink, gone.st_mtime) == (True, 0, 2, 5)
    assert (top / "upper/file").read_bytes() == b"x" * 3000
    assert stat.S_IMODE((top / "upper").stat().st_mode) == 0o711
    assert (top / "upper").stat().st_mtime == 3
    assert [one for one in os.listxattr(top / "upper/usr") if one.startswith("trusted")] == []


def test_one_without_changes_is_an_empty_root(top: Path) -> None:
    into(top, archive(folder("upper", mode=0o755)))
    assert (top / LIST).read_bytes() == b""


HOSTILE = {
    "above": (member("upper/../../x"), r"member 'upper/\.\./\.\./x' has '\.\.' in its name"),
    "beside": (member("work/x"), "member 'work/x' is not below upper/"),
    "a second manifest": (member(streams.HEAD, b"{}"), "'skerry.json' is not below upper/"),
    "a file for the root": (member("upper", b"x"), "member 'upper' cannot be there"),
    "absolute": (member("/etc/x"), "member '/etc/x' begins with a slash"),
    "below a link": (member("upper/link/x"), "member 'upper/link/x' cannot be there"),
    "below a whiteout": (member("upper/gone/x"), "member 'upper/gone/x' cannot be there"),
    "a folder for a whiteout": (folder("upper/gone"), "member 'upper/gone' cannot be there"),
    "a hard link outside": (
        member("upper/x", kind=tarfile.LNKTYPE, linkname="../../etc/passwd"),
        r"the hard link to '\.\./\.\./etc/passwd' has '\.\.'",
    ),
    "a hard link beside": (
        member("upper/x", kind=tarfile.LNKTYPE, linkname="opaque"),
        "the hard link to 'opaque' is not below upper/",
    ),
    "a hard link below a link": (
        member("upper/x", kind=tarfile.LNKTYPE, linkname="upper/link/passwd"),
        "member 'upper/x' cannot be there",
    ),
    "a character device": (
        whiteout("upper/dev/null", devmajor=1, devminor=3),
        "member 'upper/dev/null' is a device",
    ),
    "nearly a whiteout": (whiteout("upper/x", devminor=1), "member 'upper/x' is a device"),
    "a block device": (member("upper/sda", kind=tarfile.BLKTYPE), "member 'upper/sda' is a device"),
    "a whiteout of another's": (whiteout("upper/x", uid=70_000), "member 'upper/x' belongs to user 70000"),
    "a link that the host mounts upon": (
        member("upper/etc", kind=tarfile.SYMTYPE, linkname="/tmp"),
        "member 'upper/etc' is a link to '/tmp'",
    ),
    "a file that the host mounts upon": (member("upper/proc", b"x"), "member 'upper/proc' is a file"),
    "a hard link that the host mounts upon": (
        member("upper/sys", kind=tarfile.LNKTYPE, linkname="upper/there"),
        "member 'upper/sys' is a hard link to 'upper/there'",
    ),
    "twice": (member("upper/there"), "member 'upper/there' cannot be there"),
    "an opaque folder of another kind": (
        folder("upper/x", pax_headers={OPAQUE: "x"}),
        "member 'upper/x' carries the attribute 'trusted.overlay.opaque' with 'x'",
    ),
    "an opaque file": (
        member("upper/x", pax_headers={OPAQUE: "y"}),
        "'upper/x' carries the attribute 'trusted.overlay.opaque'",
    ),
    "a folder renamed": (
        folder("upper/x", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/etc"}),
        "'upper/x' carries the attribute 'trusted.overlay.redirect'",
    ),
    "a file without its data": (
        member("upper/x", pax_headers={"SCHILY.xattr.trusted.overlay.metacopy": ""}),
        "'upper/x' carries the attribute 'trusted.overlay.metacopy'",
    ),
    "another spelling": (
        folder("upper/x", pax_headers={"LIBARCHIVE.xattr.trusted%2Eoverlay%2Eredirect": "L2V0Yw"}),
        "'upper/x' carries the attribute 'trusted.overlay.redirect'",
    ),
    "another overlay's": (
        folder("upper/x", pax_headers={"SCHILY.xattr.trusted.other": "y"}),
        "'upper/x' carries the attribute 'trusted.other'",
    ),
    "a label": (
        member("upper/x", pax_headers={"SCHILY.xattr.security.selinux": "y"}),
        "'upper/x' carries the attribute 'security.selinux'",
    ),
    "another kind": (member("upper/x", kind=b"V"), "is of the kind b'V'"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused_by_name(top: Path, name: str) -> None:
    hostile, said = HOSTILE[name]
    before = (
        folder("upper", mode=0o755),
        member("upper/there", b"1"),
        whiteout("upper/gone"),
        member("upper/link", kind=tarfile.SYMTYPE, linkname=str(top.parent)),
    )
    with pytest.raises(SkerryError, match=said):
        into(top, archive(*before, hostile))
    assert sorted(path.name for path in top.parent.iterdir()) == ["root"]
    assert [path.name for path in top.iterdir()] == ["upper"]


def test_a_global_header_is_refused(top: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT, pax_headers={OPAQUE: "y"}) as tar:
        tar.addfile(folder("upper")[0])
    with pytest.raises(SkerryError, match="a global header speaks for every member"):
        into(top, made.getvalue())


def test_too_many_files_are_refused(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = rules.Rules("upper", overlay=True, most=3, writer="export", room="")
    monkeypatch.setattr("skerry.volume_files.root.ROOT", few)
    with pytest.raises(SkerryError, match="more than 3 members, with 'upper/3'"):
        into(top, archive(*(member(f"upper/{number}") for number in range(5))))


GOOD = archive(folder("upper"), member("upper/a", b"x" * 2000))


@pytest.mark.parametrize("cut", [0, 1, 512, 600, 1600, 3000])
def test_one_that_is_cut_off_is_refused(top: Path, cut: int) -> None:
    with pytest.raises(SkerryError, match=r"cut off|damaged"):
        into(top, GOOD[:cut])
    assert not (top / LIST).exists()


def test_the_head_is_read_and_nothing_behind_it() -> None:
    file = io.BytesIO(archive(member(streams.HEAD, b'{"version": 1}'), member("upper/x", b"y")))
    assert streams.head(file) == '{"version": 1}'
    assert file.tell() == 1024


HEADS = {
    "packed": (b"\x28\xb5\x2f\xfd" + bytes(1000), "packed one. Unpack it first, such as by zstd -dc"),
    "empty": (b"", "it is empty. What was to write it has failed"),
    "reordered": (
        archive(member("upper/x"), member(streams.HEAD, b"{}")),
        "its first member is 'upper/x', not skerry.json",
    ),
    "a link": (
        archive(member(streams.HEAD, kind=tarfile.SYMTYPE, linkname="/etc/shadow")),
        "its first member is 'skerry.json', not",
    ),
    "long": (
        archive(member(streams.HEAD, b"x" * (streams.LARGEST_HEAD + 1))),
        "has 262145 bytes, and 262144 is the most",
    ),
    "cut": (archive(member(streams.HEAD, b"x" * 2000))[:1000], "it is cut off in skerry.json"),
    "bytes": (archive(member(streams.HEAD, b"\xff\xfe")), "is no text in UTF-8"),
}


@pytest.mark.parametrize("name", HEADS)
def test_what_begins_otherwise_is_refused(name: str) -> None:
    data, said = HEADS[name]
    with pytest.raises(streams.HeadError, match=said):
        streams.head(io.BytesIO(data))
