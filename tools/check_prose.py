"""Sentences of pages have at most 25 words, and cells of their tables less than three sentences.

Decisions and proofs are dated records and stay as they were written; what `make docs` writes has its text in the code.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.files import ROOT, report, repository_files

MOST_WORDS = 25
MOST_SENTENCES = 2
RECORDS = ("docs/decisions/", "docs/proofs/")
WRITTEN = "<!-- Written by `make docs`"
FENCED = re.compile(r"^ *(```|~~~).*?^ *\1[^\n]*$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`]*`")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
ITEM = re.compile(r"([-*+]|\d+\.)\s+")
CELL = re.compile(r"(?<!\\)\|")
# The next sentence begins with anything but a small letter. Closing marks belong to the one before.
END = re.compile(r"(?<=[.!?])[\"')*_]*\s+(?=[^a-z\s])")


@dataclass(frozen=True)
class Block:
    """A paragraph, an item of a list or a cell: its first line, and its text without line feeds."""

    line: int
    text: str
    cell: bool = False


def plain(text: str) -> str:
    """A text with code as one word and links as their texts."""
    return LINK.sub(r"\1", INLINE.sub("Code", text))


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, headings and code left out."""
    # Code is blanked, not cut, so that line numbers stay right.
    blanked = FENCED.sub(lambda match: "\n" * match.group().count("\n"), text)
    first, lines = 0, list[str]()
    for number, raw in enumerate([*blanked.split("\n"), ""], 1):
        line = raw.strip().lstrip("> ")
        item = ITEM.match(line)
        if lines and (item or not line or line.startswith(("#", "|", "<"))):
            yield Block(first, " ".join(lines))
            lines = []
        if line.startswith("|"):
            yield from (Block(number, cell.strip(), cell=True) for cell in CELL.split(line.strip("|")))
        elif line and not line.startswith(("#", "<")):
            first = number if not lines else first
            lines.append(line[item.end() :] if item else line)


def sentences(block: Block) -> list[str]:
    """The sentences of a block."""
    return END.split(plain(block.text))


def words(sentence: str) -> int:
    """How many words a sentence has; a dash is none."""
    return sum(1 for word in sentence.split() if re.search(r"\w", word))


def check_block(block: Block) -> Iterator[str]:
    """What is wrong with a block, a text each."""
    found = sentences(block)
    if block.cell and len(found) > MOST_SENTENCES:
        yield f"a cell of {len(found)} sentences, and may have {MOST_SENTENCES}: {found[0]}"
    for sentence in found:
        if (count := words(sentence)) > MOST_WORDS:
            yield f"a sentence of {count} words, and may have {MOST_WORDS}: {sentence}"


def is_page(place: str, text: str) -> bool:
    """Whether a file is a page that is written by hand and kept up to date."""
    belongs = place.startswith("docs/") or place.rpartition("/")[2] == "README.md"
    return belongs and place.endswith(".md") and not place.startswith(RECORDS) and WRITTEN not in text


def main(root: Path = ROOT) -> int:
    """Check every page; the exit code."""
    texts = {
        path.relative_to(root).as_posix(): path.read_text()
        for path in repository_files(root)
        if path.suffix == ".md"
    }
    return report(
        f"{place}:{block.line}: {problem}"
        for place, text in texts.items()
        if is_page(place, text)
        for block in blocks(text)
        for problem in check_block(block)
    )


if __name__ == "__main__":
    sys.exit(main())
