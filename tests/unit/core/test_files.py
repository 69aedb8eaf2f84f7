"""Files that are whole or not there, and digests."""

import os
from pathlib import Path

import pytest

from skerry_base.core.files import aside_of, digest, read_text, sha256, write_whole


def test_a_file_takes_its_name_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a.json"
    write_whole(place, "old")
    synced: list[int] = []

    def full(handle: int) -> None:
        synced.append(handle)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(place, "new")
    assert synced
    assert place.read_text() == "old"
    assert aside_of(place).name == ".a.json.new"


def test_what_a_power_cut_left_is_written_over(tmp_path: Path) -> None:
    place = tmp_path / "a"
    aside_of(place).write_text("half, and longer than what is written now")
    write_whole(place, "whole")
    assert place.read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_its_mode_is_the_one_asked_for_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "a", "x", mode)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_a_file_that_is_not_there_is_empty_and_bytes_are_no_error(tmp_path: Path) -> None:
    assert read_text(tmp_path / "none") == ""
    (tmp_path / "bytes").write_bytes(b"a\xff")
    assert read_text(tmp_path / "bytes") == "a�"


def test_digests_go_by_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert sha256(tmp_path / "a").startswith("e3b0c442")
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert len(digest([])) == 24
