"""The messages that the page on troubleshooting quotes are said somewhere, so that a reader who searches finds them."""

import re
from collections.abc import Iterator

from tools.files import ROOT

PAGE = ROOT / "docs/how-to/troubleshooting.md"
SAY = ("src/skerry/**/*.py", "plugins/**/*.py", "roles/*/tasks/*.yml", "playbooks/**/*.yml")
SHORTEST = 8  # letters of a piece between two dots that is worth a search


def said() -> str:
    """All that the code may say, with texts joined that lines cut in two."""
    paths = sorted({path for pattern in SAY for path in ROOT.glob(pattern)})
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    return " ".join(re.sub(r"[\"']\n\s*f?[\"']", "", text).split())


def quoted(page: str) -> Iterator[str]:
    """The pieces of messages in the first column, without what stands for anything."""
    for row in re.findall(r"^\| (.*?) \|", page, re.MULTILINE):
        for quote in re.findall(r"`([^`]+ [^`]+)`", row):
            yield from (
                piece.strip(" .") for piece in re.split(r"…", quote) if len(piece.strip(" .")) >= SHORTEST
            )


def test_quoted_messages_are_said() -> None:
    pieces, corpus = list(quoted(PAGE.read_text(encoding="utf-8"))), said()
    assert len(pieces) > 25
    assert [piece for piece in pieces if piece not in corpus] == []


def test_pieces_are_cut_at_dots() -> None:
    assert list(quoted("| `container … exists already` | why |\n| `restart_required` | why |\n")) == [
        "container",
        "exists already",
    ]
