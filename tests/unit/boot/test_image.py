import bz2
import gzip
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry_base.boot.initramfs.image import read_image
from skerry_base.core.errors import SkerryError
from tests.unit.boot.images import FOLDER, LINK, PROGRAM, archive, entry

COMPRESSIONS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "nothing": bytes,
}
MAIN = archive(
    entry("./usr/bin/tool", b"#!/bin/sh\n", PROGRAM),
    entry("bin", b"usr/bin", LINK),
    entry("usr/sbin/other", b"../bin/tool", LINK),
    entry("loop", b"loop", LINK),
    entry("etc", mode=FOLDER),
    entry("etc/big", b"x" * 100_000),
)


def image(tmp_path, data):
    path = tmp_path / "initrd.img-6.12"
    path.write_bytes(data)
    path.chmod(0o600)
    return read_image(path)


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_every_compression_behind_plain_archives(tmp_path, compress):
    early = archive(entry("kernel/x86/microcode/GenuineIntel.bin", b"code"))
    modules = archive(entry("usr/lib/modules/6.12/nvme-core.ko.xz", b"module"))
    found = image(tmp_path, early + modules + b"\0" * 1024 + compress(MAIN))
    assert found.mode == 0o600
    assert found.executable("bin/tool")
    assert found.entries["kernel/x86/microcode/GenuineIntel.bin"].content == b"code"
    # A module's content is never kept, nor is what is large.
    assert found.entries["usr/lib/modules/6.12/nvme-core.ko.xz"].content is None
    assert found.entries["etc/big"].size == 100_000


def test_paths_lead_through_links(tmp_path):
    found = image(tmp_path, MAIN)
    assert found.find("/bin/tool") == found.entries["usr/bin/tool"]
    assert found.find("usr/sbin/other") == found.entries["usr/bin/tool"]
    assert found.find("loop") is None
    assert found.find("bin/nothing") is None
    assert not found.executable("etc", "etc/big")
    assert [one.path for one in found.files("etc/*")] == ["etc/big"]


def test_a_later_archive_wins(tmp_path):
    found = image(tmp_path, archive(entry("conf", b"old")) + archive(entry("conf", b"new")))
    assert found.entries["conf"].text == "new"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\0" * 4096, "empty"),
        (MAIN[: len(MAIN) // 2], "in the middle"),
        (gzip.compress(MAIN)[:-200], "damaged"),
        (lzma.compress(MAIN)[:-20], "damaged"),
        (gzip.compress(b"no archive " * 20), "does not begin with 070701"),
        (b"MZ this is a kernel", "neither a cpio archive"),
    ],
)
def test_what_is_no_image(tmp_path, data, words):
    with pytest.raises(SkerryError, match=words):
        image(tmp_path, data)


def test_no_image_at_all(tmp_path):
    with pytest.raises(SkerryError, match="no such image"):
        read_image(tmp_path / "initrd.img-6.12")


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,9}(/[a-z]{1,9}){0,2}", fullmatch=True), st.binary(max_size=99))
)
def test_what_goes_in_comes_out(tmp_path_factory, files):
    data = archive(*(entry(path, content) for path, content in files.items()), entry("last"))
    found = image(tmp_path_factory.mktemp("image"), gzip.compress(data))
    assert {path: one.content for path, one in found.entries.items() if path != "last"} == {
        path: content for path, content in files.items() if path != "last"
    }
