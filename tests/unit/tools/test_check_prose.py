"""Long sentences and full cells are told, with page and line; code and records are left alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import check_prose

MakeRepository = Callable[[dict[str, str]], Path]
LONG = " ".join(["Word", *["word"] * 25])
FITS = " ".join(["Word", *["word"] * 24])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"# A\n\nShort.\n{LONG}.\n", "docs/a.md:3: a sentence of 26 words"),
        (f"- One.\n- Two. {LONG}.\n", "docs/a.md:2: a sentence of 26 words"),
        (f"> {FITS}\n> word.\n", "docs/a.md:1: a sentence of 26 words"),
        (f"{FITS} `a b c`.\n", "docs/a.md:1: a sentence of 26 words"),
        (f"{FITS} [word](b.md).\n", "docs/a.md:1: a sentence of 26 words"),
        ("| a |\n|---|\n| One. Two. Three |\n", "docs/a.md:3: a cell of 3 sentences, and may have 2: One"),
        (f"```\ncode\n```\n{LONG}.\n", "docs/a.md:4: a sentence of 26 words"),
    ],
)
def test_what_is_too_long_is_told(
    repository: MakeRepository, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_prose.main(repository({"docs/a.md": text})) == 1
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        f"{FITS}. {FITS}! {FITS}?\n",
        f"{FITS}\n\n{FITS}\n",
        f"{FITS}. `a b c` {FITS[5:]}.\n",
        f"- {FITS}\n- {FITS}\n1. {FITS}\n",
        f"{FITS[5:]} — word\n",
        f"```\n{LONG}.\n```\n",
        f"# {LONG}\n",
        "| One. Two | Three. Four \\| five |\n",
    ],
)
def test_what_is_short_passes(repository: MakeRepository, text: str) -> None:
    assert check_prose.main(repository({"docs/a.md": text})) == 0


@pytest.mark.parametrize(
    "place", ["docs/decisions/1.md", "docs/proofs/a.md", "CHANGELOG.md", "roles/web/a.md"]
)
def test_other_pages_are_left_alone(repository: MakeRepository, place: str) -> None:
    assert check_prose.main(repository({place: f"{LONG}.\n"})) == 0


def test_a_written_page_is_left_alone_and_a_readme_is_not(repository: MakeRepository) -> None:
    root = repository({"docs/a.md": f"<!-- Written by `make docs` from code. -->\n\n{LONG}.\n"})
    assert check_prose.main(root) == 0
    assert check_prose.main(repository({"roles/web/README.md": f"{LONG}.\n"})) == 1
