"""What may be a container's root, and what is refused: by name, and with what would be right."""

import contextlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.model.errors import Code, SkerryError
from skerry.parts import lxc
from skerry.resources.images import tarball
from tests.unit.resources.images.tarballs import ROOT, folder, member, packed, with_root


def check(data: bytes) -> tarball.Contents:
    return tarball.read(io.BytesIO(data), lambda _bytes: None)


def refusal(data: bytes) -> str:
    with pytest.raises(SkerryError) as caught:
        check(data)
    assert caught.value.code == Code.INVALID
    assert caught.value.hint.startswith("Right would be: ")
    return caught.value.message


HOSTILE = {
    "climbs": (member("../etc/passwd"), "'../etc/passwd' has '..' in its name"),
    "climbs in the middle": (member("./usr/../../x"), "'./usr/../../x' has '..' in its name"),
    "absolute": (member("/etc/passwd"), "'/etc/passwd' begins with a slash"),
    "hard link absolute": (
        member("etc/shadow", tarfile.LNKTYPE, linkname="/etc/shadow"),
        "'etc/shadow' to '/etc/shadow' begins",
    ),
    "hard link climbs": (member("x", tarfile.LNKTYPE, linkname="../../etc/shadow"), "'..' in its name"),
    "hard link to nothing": (
        member("x", tarfile.LNKTYPE, linkname="etc/shadow"),
        "'etc/shadow', which does not come before",
    ),
    "hard link to a folder": (member("x", tarfile.LNKTYPE, linkname="etc"), "'etc', which is a folder"),
    "hard link to nothing but itself": (
        member("x", tarfile.LNKTYPE, linkname="x"),
        "'x', which does not come before",
    ),
    "file in place of a full folder": (
        member("usr"),
        "'usr' is no folder, and takes the place of the folder 'usr' that is not empty",
    ),
    "folder with bytes": (member("opt/", data=b"x"), "'opt/' has 1 bytes"),
    "link to nowhere": (member("l", tarfile.SYMTYPE), "the link 'l' leads to ''"),
    "link of too many bytes": (
        member("l", tarfile.SYMTYPE, linkname="x" * 4096),
        "the link 'l' leads to 'xxx",
    ),
    "device of no number": (member("dev/x", tarfile.CHRTYPE, devmajor=4096), "'dev/x' is the device 4096:0"),
    "block device": (member("dev/sda", tarfile.BLKTYPE, devmajor=8), "'dev/sda' is a block device"),
    "block device elsewhere": (
        member("tmp/disk", tarfile.BLKTYPE, devmajor=8),
        "'tmp/disk' is a block device",
    ),
    "character device outside dev": (
        member("tmp/mem", tarfile.CHRTYPE, devmajor=1),
        "'tmp/mem' is a character device",
    ),
    "character device at a lookalike": (
        member("device/mem", tarfile.CHRTYPE),
        "'device/mem' is a character device",
    ),
    "whiteout": (member("etc/passwd", tarfile.CHRTYPE), "'etc/passwd' is a character device"),
    "sparse": (member("big", tarfile.GNUTYPE_SPARSE), "'big' is of the kind b'S'"),
    "unknown kind": (member("odd", b"Z"), "'odd' is of the kind b'Z'"),
    "user id": (member("f", uid=65_536), "'f' belongs to user 65536"),
    "group id": (member("f", gid=4_000_000), "'f' belongs to group 4000000"),
    "negative id": (member("f", pax_headers={"uid": "-1"}), "'f' belongs to user -1"),
    "size below zero": (member("f", pax_headers={"size": "-1"}), ""),
    "size that is no number": (member("f", pax_headers={"size": "abc"}), "'f' has the size 'abc'"),
    "time that is no number": (member("f", pax_headers={"mtime": "nan"}), "'f' has the mtime 'nan'"),
    "id that is no whole number": (member("f", pax_headers={"uid": "0.5"}), "'f' has the uid '0.5'"),
    "size that is no whole number": (member("f", pax_headers={"size": "0.5"}), "'f' has the size '0.5'"),
    "endless time": (member("f", pax_headers={"mtime": "1e300"}), "'f' has the mtime '1e300'"),
    "overlay attribute": (
        member("f", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/etc"}),
        "'f' carries the attribute 'trusted.overlay.redirect'",
    ),
    "overlay attribute, as libarchive writes it": (
        member("f", pax_headers={"LIBARCHIVE.xattr.trusted%2Eoverlay.opaque": "eQ"}),
        "'f' carries the attribute 'trusted.overlay.opaque'",
    ),
    "attribute that is no base64": (
        member("f", pax_headers={"LIBARCHIVE.xattr.user.a": "*"}),
        "'f' carries an attribute that cannot be read: '*'",
    ),
    "attributes without end": (
        member("f", pax_headers={"SCHILY.xattr.user.a": "x" * 65_536}),
        "'f' carries attributes of 65542 bytes",
    ),
    "attribute with a long name": (
        member("f", pax_headers={"SCHILY.xattr.user." + "x" * 251: ""}),
        "'f' carries the attribute 'user.xxx",
    ),
    "long name": (member("x" * 256), "a name that no file can have"),
    "long path": (member("/".join(["x" * 200] * 21)), "a name that no file can have"),
    "root is a file": (member("."), "is the root itself, and not a folder"),
    "below a file": (member("usr/bin/true/x"), "'usr/bin/true/x' lies below 'usr/bin/true'"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_member_is_refused_by_name(case: str) -> None:
    bad, message = HOSTILE[case]
    assert message in refusal(with_root(bad))


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        ("./etc", tarfile.SYMTYPE, "'./etc' is a link to '/tmp'"),
        ("dev", tarfile.SYMTYPE, "'dev' is a link to '/tmp'"),
        ("proc/", tarfile.SYMTYPE, "'proc/' is a link to '/tmp'"),
        ("./sys", tarfile.REGTYPE, "'./sys' is a file"),
        ("etc", tarfile.FIFOTYPE, "'etc' is a pipe"),
    ],
)
def test_what_a_start_mounts_upon_is_a_folder(name: str, kind: bytes, what: str) -> None:
    """LXC makes what it mounts upon, and followed a link out of the root."""
    data = packed(
        folder("./"), folder("./usr"), member(name, kind, linkname="/tmp" if kind == tarfile.SYMTYPE else "")
    )
    assert what in refusal(data)


def test_it_may_be_a_link_at_first() -> None:
    assert check(packed(member("etc", tarfile.SYMTYPE, linkname="/tmp"), folder("etc"))).members == 2


def test_every_mount_of_a_start_is_upon_or_below_one_of_these() -> None:
    targets = [line.split()[1] for line in (*lxc._own_mounts("/run/c", "app"), *lxc.shared_mounts())]
    assert {target.partition("/")[0] for target in targets} <= set(tarball.MOUNTED_UPON)


def test_no_global_header_speaks_for_every_member() -> None:
    with tarfile.open(fileobj=(file := io.BytesIO()), mode="w", pax_headers={"uid": "7"}) as tar:
        tar.addfile(folder("./etc")[0])
    assert "a global header gives every member the uid '7'" in refusal(file.getvalue())


def test_a_global_comment_is_welcome() -> None:
    with tarfile.open(fileobj=(file := io.BytesIO()), mode="w", pax_headers={"comment": "1f0c6b"}) as tar:
        tar.addfile(folder("./etc")[0])
    assert check(file.getvalue()).members == 1


def test_no_file_is_written_through_a_link() -> None:
    link = member("lib", tarfile.SYMTYPE, linkname="/etc")
    assert "'lib/passwd' lies below 'lib'" in refusal(with_root(link, member("lib/passwd")))


def test_a_zero_byte_ends_no_name() -> None:
    bad = member("etc/x", pax_headers={"path": "etc/x\0y"})
    assert "a name that no file can have" in refusal(with_root(bad))


@pytest.mark.parametrize("header", ["path", "SCHILY.xattr.user.big"])
def test_a_header_is_not_read_into_memory_whatever_its_size(header: str) -> None:
    bad = member("x", pax_headers={header: "x" * (tarball.LARGEST_HEADER + 1)})
    assert "a header at byte" in refusal(with_root(bad))


def test_a_time_that_no_file_can_have() -> None:
    late = packed(*ROOT, member("f", mtime=2**63), kind=tarfile.GNU_FORMAT)
    assert "'f' has the date 9223372036854775808" in refusal(late)


def test_a_gnu_header_of_any_size_is_not_read_either() -> None:
    bad = member("x" * (tarball.LARGEST_HEADER + 1))
    assert "a header at byte" in refusal(packed(*ROOT, bad, kind=tarfile.GNU_FORMAT))


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarball, "MOST_MEMBERS", 10)
    assert "more than 10 members" in refusal(with_root(*(member(f"f{number}") for number in range(10))))


def test_folders_that_only_a_path_implies_count_too(monkeypatch):
    monkeypatch.setattr(tarball, "MOST_MEMBERS", 50)
    assert "more than 50 members and folders" in refusal(with_root(member("a/" * 60 + "f")))


def test_paths_have_so_many_characters_together(monkeypatch):
    monkeypatch.setattr(tarball, "MOST_CHARACTERS", 1000)
    assert "more than 1000 characters together" in refusal(with_root(member("a/" * 40 + "f")))


@pytest.mark.parametrize("data", [b"", b"\0" * 10_240, b"hello" * 1000, b"\x7fELF" + b"\0" * 5000])
def test_what_is_no_tarball(data: bytes) -> None:
    assert any(word in refusal(data) for word in ("not a tarball", "it is empty"))


def test_cut_off() -> None:
    whole = with_root(member("big", data=b"x" * 5000))
    assert "not a tarball, or a damaged one" in refusal(whole[: whole.index(b"x" * 5000) + 600])


def test_a_header_cut_off_in_the_middle() -> None:
    whole = with_root()
    assert "it is damaged: at byte 512" in refusal(whole[:700])


def test_nothing_hides_behind_a_damaged_header() -> None:
    """Python's tarfile takes it for the end; what comes after it would reach mkfs.erofs unseen."""
    hidden = bytearray(with_root(member("etc/x"), member("../evil")))
    hidden[hidden.index(b"etc/x") + 148] ^= 1  # its checksum
    assert "it is damaged: at byte" in refusal(bytes(hidden))


def test_nothing_hides_behind_an_end_mark() -> None:
    assert "it is damaged: at byte" in refusal(with_root() + with_root(member("../evil")))


def test_nothing_hides_in_a_member_that_the_reader_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer Pythons read past a member, find its pax headers wrong, and go on as if the archive had ended there."""
    read = tarfile.TarInfo.fromtarfile

    def dropping(tar: tarfile.TarFile) -> tarfile.TarInfo:
        found = read(tar)
        if found.name == "dev/sda":
            raise tarfile.InvalidHeaderError("invalid offset")  # type: ignore[attr-defined]
        return found

    monkeypatch.setattr(tarfile.TarInfo, "fromtarfile", dropping)
    assert "it is damaged: at byte" in refusal(with_root(member("dev/sda", tarfile.BLKTYPE)))


def test_an_archive_without_its_end() -> None:
    whole = with_root()
    assert "it is cut off at byte" in refusal(whole[: whole.index(b"ELF") + 512])


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ((folder("rootfs"), folder("rootfs/etc")), "rootfs"),
        ((member("README"),), "README"),
        ((folder("./"),), "nothing"),
    ],
)
def test_what_is_no_root(members: tuple[tuple[tarfile.TarInfo, bytes], ...], shown: str) -> None:
    message = refusal(packed(*members))
    assert "does not look like a root file system" in message
    assert f"at its top is {shown}" in message


def test_what_a_debian_holds_is_welcome() -> None:
    contents = check(
        with_root(
            member("./bin", tarfile.SYMTYPE, linkname="usr/bin"),
            member("./etc/mtab", tarfile.SYMTYPE, linkname="/proc/mounts"),
            member("./usr/bin/su", data=b"1234", mode=0o4755),
            member("./usr/bin/again", tarfile.LNKTYPE, linkname="./usr/bin/su"),
            folder("./dev"),
            member("./dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3),
            member("./run/fifo", tarfile.FIFOTYPE),
            member("./etc/" + "ü" * 100, data=b"12"),
            member("./usr/bin/ping", data=b"1", pax_headers={"SCHILY.xattr.security.capability": "x"}),
        )
    )
    assert (contents.members, contents.size) == (len(ROOT) + 9, 3 + 4 + 2 + 1)


def test_a_folder_may_come_after_what_is_in_it() -> None:
    assert check(packed(member("usr/bin/true"), folder("usr/bin"), folder("usr"))).members == 3


def test_a_later_member_replaces_an_earlier_one() -> None:
    again = (member("etc/x"), folder("etc/x"), member("etc/x/y"))
    assert check(with_root(*again)).members == len(ROOT) + 3


NAMES = st.text(st.sampled_from("ab./\0é"), min_size=1, max_size=12)


@given(NAMES)
def test_no_accepted_name_leaves_the_root(name: str) -> None:
    """The rule against a model of its own: what is accepted resolves, step by step, to a place below the root."""
    try:
        path = tarball.path_of("member", name)
    except SkerryError:
        escapes = name.startswith("/") or ".." in name.split("/") or "\0" in name
        assert escapes
        return
    depth = 0
    for part in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        assert depth >= 0
    assert not path.startswith("/")
    assert tarball.path_of("member", path or ".") == path


@given(st.binary(max_size=3000), st.integers(0, 4000))
def test_damage_is_refused_or_harmless_and_nothing_else(noise: bytes, place: int) -> None:
    """Whatever bytes come: an answer or a refusal in words."""
    whole = bytearray(with_root(member("etc/x", data=b"x" * 600)))
    whole[place : place + len(noise)] = noise
    with contextlib.suppress(SkerryError):
        assert check(bytes(whole)).members > 0
