"""What a file of a container shall be; all else of it needs a container."""

import io
import os
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
