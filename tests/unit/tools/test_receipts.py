"""Receipts: what counts as one, what is kept, and what a merge of two branches leaves."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools import receipts
from tools.files import ROOT
from tools.receipts import Receipt, fitting, parse, read, write

MakeRepository = Callable[[dict[str, str]], Path]
ONE = Receipt("install", "a" * 64, {"passed": 36, "deselected": 2}, 1234, "2026-11-29T10:02Z", "0123456789ab")


def file_of(root: Path) -> Path:
    return root / "tests" / "receipts.toml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    return tmp_path


def test_a_receipt_is_one_line_that_is_read_as_it_was_written() -> None:
    assert "\n" not in ONE.line()
    assert parse(ONE.line()) == ONE
    named = replace(ONE, suite="of_a-scenario-2")
    assert parse(named.line()) == named


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("install", "mirror"), ("a" * 64, "b" * 64), ("passed = 36", "passed = 37"), ("1234", "1235"),
        ("2026-11-29", "2026-11-30"), ("0123456789ab", "0123456789ac"), (f'"{ONE.own}"', '"0"'),
        ("seconds = 1234", 'seconds = "1234"'), ("seconds = 1234, ", ""), (" }", ""), ("own =", "own = 1, x ="),
    ],
)  # fmt: skip
def test_an_edited_line_is_no_receipt_and_is_named(root: Path, old: str, new: str) -> None:
    file_of(root).write_text(f"# head\n\n{ONE.line().replace(old, new)}\n")
    found, notes = read(root)
    assert found == []
    (note,) = notes
    assert note.startswith("tests/receipts.toml:3: ")
    assert "counts as no receipt" in note


def test_a_receipt_for_other_inputs_does_not_fit() -> None:
    assert fitting([ONE], {"install": ONE.inputs}) == {"install": ONE}
    assert fitting([ONE], {"install": "b" * 64}) == {}
    assert fitting([ONE], {"mirror": ONE.inputs}) == {}


def test_of_two_lines_of_a_suite_either_that_fits_counts() -> None:
    other = replace(ONE, inputs="b" * 64, date="2026-12-01T00:00Z")
    for both in ([ONE, other], [other, ONE]):
        assert fitting(both, {"install": ONE.inputs}) == {"install": ONE}
        assert fitting(both, {"install": other.inputs}) == {"install": other}


def test_a_new_receipt_replaces_its_suites_and_tidies_the_rest(root: Path) -> None:
    digests = {"install": "c" * 64, "mirror": "b" * 64, "journeys": "d" * 64}
    fits = replace(ONE, suite="mirror", inputs="b" * 64)
    newer = replace(fits, inputs="e" * 64, date="2026-12-01T00:00Z")
    gone = replace(ONE, suite="gone")
    stale = replace(ONE, suite="journeys")
    lines = [receipt.line() for receipt in (stale, ONE, fits, newer, gone)]
    file_of(root).write_text("\n".join([*lines, "junk", ""]))
    new = replace(ONE, inputs="c" * 64, date="2026-12-02T00:00Z")
    write(new, digests, root)
    # The stale one still says how long the suite takes; of two, the one that fits stays.
    assert read(root) == ([new, stale, fits], [])
    assert file_of(root).read_text().startswith("# Slow suites that passed")
    assert [path.name for path in file_of(root).parent.iterdir()] == ["receipts.toml"]


def test_the_first_receipt_makes_the_file(root: Path) -> None:
    assert read(root) == ([], [])
    write(ONE, {"install": ONE.inputs}, root)
    assert read(root) == ([ONE], [])


def git(root: Path, *words: str) -> None:
    command = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
    subprocess.run(command, check=True, capture_output=True)


def test_two_branches_that_wrote_receipts_merge_by_git(repository: MakeRepository) -> None:
    digests = dict.fromkeys(("install", "journeys", "mirror"), ONE.inputs)
    old = [replace(ONE, suite=name, inputs="0" * 64) for name in digests]
    root = repository({
        ".gitattributes": (ROOT / ".gitattributes").read_text(),
        "tests/receipts.toml": receipts.HEAD + "".join(f"{receipt.line()}\n" for receipt in old),
    })  # fmt: skip
    git(root, "add", "--all")
    git(root, "commit", "--message=old")
    git(root, "branch", "other")
    write(ONE, digests, root)
    git(root, "commit", "--all", "--message=ours")
    git(root, "checkout", "other")
    theirs = [replace(ONE, inputs="b" * 64), replace(ONE, suite="mirror", date="2026-11-30T00:00Z")]
    for receipt in theirs:
        write(receipt, digests, root)
    git(root, "commit", "--all", "--message=theirs")
    git(root, "merge", "-")
    found, notes = read(root)
    assert notes == []
    assert all(receipt in found for receipt in (ONE, *theirs))
    assert fitting(found, digests) == {"install": ONE, "mirror": theirs[1]}
    assert fitting(found, {"install": "b" * 64}) == {"install": theirs[0]}
    write(replace(ONE, suite="journeys"), digests, root)
    assert [receipt.suite for receipt in read(root)[0]] == ["install", "journeys", "mirror"]
