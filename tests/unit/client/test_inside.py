"""What a file of a container shall be; all else of it needs a container."""

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from skerry import inside

BASE = 1_000_000
PLACE = {"id": "c" * 24, "pid": 1, "uid_base": BASE, "path": "/etc/x", "owner": None, "mode": None}


def there(mode: int, uid: int = BASE + 33, gid: int = BASE + 34) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("before", "given", "wanted"),
    [
        (None, {}, (0, 0, 0o644)),
        (None, {"owner": "5", "mode": "0600"}, (5, 5, 0o600)),
        (None, {"owner": "5:6"}, (5, 6, 0o644)),
        (there(0o100640), {}, (33, 34, 0o640)),
        (there(0o104755), {"owner": "1"}, (1, 1, 0o755)),
        (there(0o120777), {}, (0, 0, 0o644)),
        (there(0o100600, uid=0, gid=0), {}, (0, 0, 0o644)),
    ],
)
def test_owner_and_permissions(before: Any, given: dict[str, str], wanted: tuple[int, int, int]) -> None:
    uid, gid, mode = inside._wanted({**PLACE, **given}, before)
    assert (uid - BASE, gid - BASE, mode) == wanted


def test_an_id_that_is_none_of_a_container_is_refused() -> None:
    with pytest.raises(
        inside.InsideError, match="owner: 65536 is no id of a container; give one below 65536"
    ):
        inside._wanted({**PLACE, "owner": "65536"}, None)


@pytest.mark.parametrize("path", ["/", "//", "/etc/..", "/etc/."])
def test_a_path_must_name_a_file(path: str) -> None:
    with pytest.raises(inside.InsideError, match="names no file"):
        inside.put({**PLACE, "path": path}, io.BytesIO(b""))


def test_a_process_of_another_is_no_container() -> None:
    with pytest.raises(inside.InsideError, match="the container ended"):
        inside.get({**PLACE, "pid": os.getpid()}, io.BytesIO())


def test_an_archive_gets_as_many_bytes_as_it_was_promised() -> None:
    grown, shrunk = inside._Exactly(io.BytesIO(b"abcdef"), 4), inside._Exactly(io.BytesIO(b"ab"), 4)
    assert (grown.read(3), grown.read(3), shrunk.read(10)) == (b"abc", b"d", b"ab\0\0")


def archive_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(inside, "_checked", os.fstat)  # a test's folder may lie anywhere
    opened, target = os.open(folder, os.O_PATH), io.BytesIO()
    inside._write_archive(opened, "top", target, {**PLACE, "uid_base": 0})
    os.close(opened)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        return tar.getnames()


def test_no_link_is_followed_while_an_archive_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, host, opens, really = tmp_path / "top", tmp_path / "host", [], os.open
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "file").write_text("x")
    host.mkdir()
    (host / "shadow").write_text("x")
    (top / "link").symlink_to(host)

    def spy(path, flags, *args, **names):
        if names.get("dir_fd") is not None:
            opens.append((path, bool(flags & os.O_NOFOLLOW)))
        return really(path, flags, *args, **names)

    monkeypatch.setattr(os, "open", spy)
    assert archive_of(top, monkeypatch) == ["top", "top/a", "top/a/b", "top/a/file", "top/link"]
    assert all(safe for _path, safe in opens), f"a container could have put a link there: {opens}"


def test_a_folder_that_became_a_link_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "was").symlink_to("/etc")
    folder = os.stat(tmp_path)
    monkeypatch.setattr(inside, "_stat", lambda _folder, _name: folder)
    assert archive_of(tmp_path / "top", monkeypatch) == ["top"]


def test_a_tree_made_to_be_endless_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "/".join(["d"] * 210)).mkdir(parents=True)
    with pytest.raises(inside.InsideError, match="deep"):
        archive_of(tmp_path, monkeypatch)
