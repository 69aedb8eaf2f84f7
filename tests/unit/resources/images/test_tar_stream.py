"""What the maker of an image gets: the tree that every tar would unpack, in a form that every reader takes alike."""

import base64
import io
import tarfile

import pytest

from skerry.resources.images import tar_stream, tarball
from tests.unit.resources.images.tarballs import ROOT, folder, member, packed, with_root

Members = dict[str, tarfile.TarInfo]
MADE = ["dev", "proc", "sys"]  # what a start mounts upon, and ROOT lacks


def written(data: bytes) -> tuple[Members, bytes]:
    """The members of the new tarball by name, in its order, and the tarball."""
    source, target = io.BytesIO(data), io.BytesIO()
    contents = tarball.read(source, lambda _bytes: None)
    tar_stream.write(contents.tree, source, target, lambda _bytes: None)
    with tarfile.open(fileobj=io.BytesIO(target.getvalue()), mode="r:", errors="surrogateescape") as tar:
        members = tar.getmembers()
    found = {one.name: one for one in members}
    assert len(found) == len(members), "a path is there twice"
    return found, target.getvalue()


def one(name: str, *members: tuple[tarfile.TarInfo, bytes]) -> tarfile.TarInfo:
    return written(with_root(*members))[0][name]


def data_of(data: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(written(data)[1])) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read()


def typed(name: str, kind: bytes, data: bytes = b"", magic: bytes = b"ustar\x0000") -> bytes:
    """A root and a member with just this name and type, which tarfile itself would not write so."""
    whole = bytearray(with_root(member("./" + "n" * 20, data=data)))
    start = whole.index(b"./" + b"n" * 20)
    whole[start : start + 22] = name.encode().ljust(22, b"\0")
    whole[start + 156 : start + 157] = kind
    whole[start + 257 : start + 265] = magic
    whole[start + 148 : start + 156] = b" " * 8
    whole[start + 148 : start + 156] = b"%06o\0 " % sum(whole[start : start + 512])
    return bytes(whole)


def test_each_path_is_there_once_and_folders_come_first() -> None:
    mixed = (
        member("usr/bin/true", data=b"x"),
        folder("usr/bin/"),
        folder("./usr"),
        member("./usr/bin//true"),
    )
    assert list(written(packed(*mixed))[0]) == [
        ".",
        "dev",
        "etc",
        "proc",
        "sys",
        "usr",
        "usr/bin",
        "usr/bin/true",
    ]


def test_it_reads_like_itself() -> None:
    data = with_root(member("f", data=b"x" * 600, mtime=3), member("g", tarfile.LNKTYPE, linkname="f"))
    assert written(written(data)[1])[1] == written(data)[1]


def test_the_last_of_a_path_wins() -> None:
    data = with_root(member("f", data=b"old"), member("./f", data=b"newer", mode=0o600))
    assert (data_of(data, "f"), written(data)[0]["f"].mode) == (b"newer", 0o600)


def test_a_folder_again_has_the_newer_permissions_and_keeps_what_is_in_it() -> None:
    again = written(with_root(folder("./usr", mode=0o700)))[0]
    assert (again["usr"].mode, "usr/bin/true" in again) == (0o700, True)


@pytest.mark.parametrize("before", [member("x", data=b"1"), member("x", tarfile.SYMTYPE, linkname="/")])
def test_a_folder_takes_the_place_of_a_file(before: tuple[tarfile.TarInfo, bytes]) -> None:
    found = written(with_root(before, folder("x/"), member("x/y")))[0]
    assert (found["x"].isdir(), found["x/y"].isreg()) == (True, True)


def test_a_file_takes_the_place_of_an_empty_folder() -> None:
    assert one("x", folder("x"), member("./x")).isreg()


@pytest.mark.parametrize("name", ["./usr/bin/true", "usr/bin/true", "usr//bin/./true", "usr/bin"])
def test_a_hard_link_to_itself_changes_nothing(name: str) -> None:
    """GNU tar that is given a file twice writes such a one."""
    data = with_root(member(name, tarfile.LNKTYPE, linkname=f"./{name}/"))
    assert (data_of(data, "usr/bin/true"), list(written(data)[0])) == (b"ELF", list(written(with_root())[0]))


def test_a_hard_link_keeps_what_its_file_was() -> None:
    data = with_root(
        member("a", data=b"old"),
        member("b", tarfile.LNKTYPE, linkname="a"),
        member("a", data=b"new"),
        member("c", tarfile.LNKTYPE, linkname="b"),
    )
    found = written(data)[0]
    assert [data_of(data, name) for name in ("a", "b", "c")] == [b"new", b"old", b"old"]
    assert [found[name].type for name in ("a", "b", "c")] == [
        tarfile.REGTYPE,
        tarfile.REGTYPE,
        tarfile.LNKTYPE,
    ]


def test_a_link_has_as_many_names_as_it_had() -> None:
    data = with_root(member("b", tarfile.SYMTYPE, linkname="x"), member("a", tarfile.LNKTYPE, linkname="b"))
    found = written(data)[0]
    assert (found["a"].linkname, found["b"].type, found["b"].linkname) == ("x", tarfile.LNKTYPE, "a")


@pytest.mark.parametrize("kind", [b"\0", b"0", b"7"])
def test_a_slash_at_the_end_makes_a_folder(kind: bytes) -> None:
    assert written(typed("./opt/", kind))[0]["opt"].isdir()


@pytest.mark.parametrize("shape", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("kind", [tarfile.AREGTYPE, tarfile.REGTYPE])
def test_a_slash_at_the_end_of_a_long_name_does_too(kind: bytes, shape: int) -> None:
    assert written(packed(*ROOT, member("x" * 110 + "/", kind), kind=shape))[0]["x" * 110].isdir()


@pytest.mark.parametrize("kind", [b"\0", b"0", b"7"])
@pytest.mark.parametrize("magic", [b"ustar\x0000", b"ustar  \0", bytes(8)], ids=["ustar", "gnu", "v7"])
def test_every_kind_of_file_is_one(kind: bytes, magic: bytes) -> None:
    data = typed("f", kind, b"text", magic)
    assert (written(data)[0]["f"].type, data_of(data, "f")) == (tarfile.REGTYPE, b"text")


@pytest.mark.parametrize(
    ("said", "seconds", "fraction"),
    [
        ("1.5", 1, "1.500000000"),
        ("1.05", 1, "1.050000000"),
        ("1.000000001", 1, "1.000000001"),
        ("1.1234567899", 1, "1.123456789"),
        ("1754697600.123456789", 1_754_697_600, "1754697600.123456789"),
        ("1.", 1, None),
        ("1.0", 1, None),
        ("7", 7, None),
        ("-1", -1, "-1"),
        ("-1.5", -2, "-2"),
    ],
)
def test_a_date_has_nine_decimals_or_none(said: str, seconds: int, fraction: str | None) -> None:
    found = one("f", member("f", pax_headers={"mtime": said}))
    assert (int(found.mtime // 1), found.pax_headers.get("mtime")) == (seconds, fraction)


def test_owners_permissions_and_attributes_stay() -> None:
    capability = b"\1\0\0\2\0 \0\0\xff\n="
    headers = {
        "SCHILY.xattr.security.capability": capability.decode(errors="surrogateescape"),
        "SCHILY.xattr.user.empty": "",
        "LIBARCHIVE.xattr.user.b%25": base64.b64encode(b"\xff\0").decode().rstrip("="),
        "SCHILY.xattr.com.apple.quarantine": "0081",
    }
    found = one("f", member("f", mode=0o104_755, uid=7, gid=65_535, pax_headers=headers, uname="a"))
    assert (found.mode, found.uid, found.gid, found.uname) == (0o4755, 7, 65_535, "")
    kept = {
        key: text.encode(errors="surrogateescape")
        for key, text in found.pax_headers.items()
        if "xattr" in key
    }
    assert kept == {
        "SCHILY.xattr.security.capability": capability,
        "SCHILY.xattr.user.empty": b"",
        "SCHILY.xattr.user.b%": b"\xff\0",
    }


@pytest.mark.parametrize("name", ["ü" * 100, "x" * 200, "\udcff\udcfe", "a\nb", "/".join(["x" * 200] * 20)])
def test_names_stay_to_the_byte(name: str) -> None:
    found = written(with_root(member(name), member("l", tarfile.SYMTYPE, linkname=name)))[0]
    assert (found[name].isreg(), found["l"].linkname) == (True, name)


def test_devices_stay() -> None:
    found = one("dev/null", member("./dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3))
    assert (found.ischr(), found.devmajor, found.devminor) == (True, 1, 3)


def test_what_a_start_mounts_upon_is_made() -> None:
    found = written(packed(*ROOT[2:]))[0]  # neither ./ nor ./etc
    for name in (".", "etc", *MADE):
        assert (found[name].isdir(), found[name].mode, found[name].uid) == (True, 0o755, 0)


def test_a_large_file_is_copied_whole() -> None:
    data = bytes(range(256)) * 10_000
    assert data_of(with_root(member("big", data=data)), "big") == data
