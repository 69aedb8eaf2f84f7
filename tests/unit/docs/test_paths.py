"""Every path that the pages for contributors name is there, so that a move can't leave them behind."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.files import ROOT

PAGES = ("CONTRIBUTING.md", "SECURITY.md", "docs/explanation/house.md", "docs/explanation/testing.md")
# Roles have a folder meta/ as well.
TOPS = tuple({path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."} - {"meta"})
# Written with a name of the reader's in it, or a choice.
OPEN = re.compile(r"[A-Z]{4,}|[*{<]")


def paths(text: str) -> Iterator[str]:
    """What stands in code and begins with a folder of the repository."""
    for word in re.findall(r"`([^`\s]+)`", text):
        if word.startswith(tuple(f"{top}/" for top in TOPS)) and not OPEN.search(word.replace("README", "")):
            yield word


@pytest.mark.parametrize("page", PAGES)
def test_named_paths_exist(page: str) -> None:
    named = sorted(set(paths((ROOT / page).read_text())))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_paths_are_told_from_other_words() -> None:
    text = (
        "`src/a.py` `src/KIND/a.py` `*/b` `make docs` `skerry list` `roles/x/README.md` src/c.py `meta/{a,b}`"
    )
    assert list(paths(text)) == ["src/a.py", "roles/x/README.md"]


def test_the_page_for_contributors_names_many() -> None:
    assert len(set(paths((Path(ROOT) / "CONTRIBUTING.md").read_text()))) > 40
