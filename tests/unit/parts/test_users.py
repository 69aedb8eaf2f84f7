"""Whose a secret or a new volume is: the numbers that enter.c would find for a user's name."""

from pathlib import Path

import pytest

from skerry.parts import users

PASSWD = f"""root:x:0:0:root:/root:/bin/sh
odd:x:007:0000000000000000033:::
far:x:00000000001234567:70000:::
long:x:{"0" * 5000}:{"1" * 5000}:::
letters:x:x:٣:::
app:x:1000:1001:::
"""


@pytest.fixture
def image(tmp_path: Path) -> str:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text(PASSWD)
    (tmp_path / "etc" / "group").write_text(f"staff:x:50:\nfar:x:{'9' * 5000}:\n")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("user", "ids"),
    [
        ("", (0, 0)),
        ("app", (1000, 1001)),
        ("1000", (1000, 1001)),
        ("01000:staff", (1000, 50)),
        ("odd", (7, 33)),
        ("7", (7, 33)),
        ("65535", (65535, 0)),
        ("65536", (0, 0)),
        ("0" * 5000 + "7", (7, 33)),
        ("far", (0, 0)),
        ("long", (0, 0)),
        ("letters:far", (0, 0)),
        ("nobody-knows", (0, 0)),
    ],
)
def test_an_id_is_read_as_the_programs_start_reads_it(image: str, user: str, ids: tuple[int, int]) -> None:
    assert users.owner([image], user) == ids
