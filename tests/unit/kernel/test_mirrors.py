"""Where Debian's archive is, by a computer's own sources of apt."""

from pathlib import Path

import pytest

from skerry_base.core.errors import SkerryError
from skerry_kernel.mirrors import VARIABLE, Mirror, mirror

HOST = "http://mirror.example"
STANZAS = f"""\
Types: deb-src
URIs: {HOST}/sources-only
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: {HOST}/switched-off
Suites: bookworm
Components: main

# Debian's own
Types: deb
URIs: {HOST}/debian/
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: {HOST}/secure
Suites: bookworm-security
Components: main
"""
OTHERS = f"""\
Types: deb
URIs: {HOST}/maker
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
"""


def apt(folder: Path, **files: str) -> Path:
    """A folder like /etc/apt; `__` stands for a dot."""
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        place = folder if name == "sources__list" else folder / "sources.list.d"
        (place / name.replace("__", ".")).write_text(text)
    return folder


def test_stanzas_of_debian_are_found_among_others(tmp_path: Path) -> None:
    folder = apt(tmp_path, a__sources=OTHERS, debian__sources=STANZAS)
    assert mirror(folder, {}) == Mirror(f"{HOST}/debian", f"{HOST}/secure")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (f"deb {HOST}/debian trixie main", f"{HOST}/debian"),
        (f"deb [arch=amd64] {HOST}/d/ stable main contrib # mine", f"{HOST}/d"),
        (f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {HOST}/d sid main", f"{HOST}/d"),
        (
            "deb mirror+file:/etc/apt/mirrors/debian.list trixie main",
            "mirror+file:/etc/apt/mirrors/debian.list",
        ),
    ],
)
def test_a_line_of_debian_is_found(tmp_path: Path, row: str, found: str) -> None:
    answer = mirror(apt(tmp_path, sources__list=f"# apt\n{row}\n"), {})
    assert answer == Mirror(found, f"{found}-security")


@pytest.mark.parametrize(
    "row",
    [
        f"# deb {HOST}/debian trixie main",
        f"deb-src {HOST}/debian trixie main",
        f"deb {HOST}/ubuntu noble main",
        f"deb {HOST}/linux/debian trixie stable",
        f"deb [signed-by=/etc/apt/keyrings/maker.gpg] {HOST}/maker trixie main",
        f"deb {HOST}/debian-security trixie-security main",
        "deb cdrom:[Debian]/ trixie main",
    ],
)
def test_what_is_not_debians_archive_is_none(tmp_path: Path, row: str) -> None:
    with pytest.raises(SkerryError, match=rf"no archive of Debian .*(?s:.)*export {VARIABLE}=http"):
        mirror(apt(tmp_path, sources__list=row, old__txt=STANZAS), {})


def test_without_any_sources_it_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(SkerryError, match=VARIABLE):
        mirror(tmp_path / "none", {})


def test_a_variable_goes_before_them(tmp_path: Path) -> None:
    folder = apt(tmp_path, debian__sources=STANZAS)
    assert mirror(folder, {VARIABLE: f"{HOST}/x/"}) == Mirror(f"{HOST}/x", f"{HOST}/x-security")
    assert mirror(folder, {VARIABLE: f"{HOST}/x {HOST}/y"}) == Mirror(f"{HOST}/x", f"{HOST}/y")


def test_all_parts_of_a_suite_are_asked(tmp_path: Path) -> None:
    assert Mirror("A", "B").lines("trixie") == (
        "A trixie main", "A trixie-updates main", "A trixie-backports main", "B trixie-security main",
    )  # fmt: skip


@pytest.mark.parametrize("given", ["nonsense", f"{HOST} {HOST} {HOST}", f"{HOST} x"])
def test_an_address_that_is_none_is_refused_by_the_variables_name(tmp_path: Path, given: str) -> None:
    with pytest.raises(SkerryError, match=f"{VARIABLE}={given}: expected the archive's address"):
        mirror(tmp_path, {VARIABLE: given})
