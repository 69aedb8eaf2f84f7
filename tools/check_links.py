"""Links in Markdown pages lead somewhere: files of this repository, and headings in them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from tools.files import ROOT, report, repository_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.MULTILINE)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"^(https?|mailto):")


def slug(heading: str) -> str:
    """A heading's anchor, as Markdown viewers make it."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings; a heading that comes again is numbered."""
    seen: dict[str, int] = {}
    found: set[str] = set()
    fenced = re.sub(r"^(```|~~~).*?^\1", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for heading in HEADING.findall(fenced):
        anchor = slug(heading)
        count = seen[anchor] = seen.get(anchor, -1) + 1
        found.add(f"{anchor}-{count}" if count else anchor)
    return found


def check_link(link: str, page: Path) -> str | None:
    """Why a link of a page leads nowhere; None if it leads somewhere."""
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"no such file: {link}"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"no heading #{anchor} in {target.name}"
    return None


def check_page(page: Path, root: Path) -> Iterator[str]:
    """A page's links that lead nowhere, a line each."""
    text = page.read_text()
    # Code is blanked, not cut, so that line numbers stay right.
    prose = CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for match in LINK.finditer(prose):
        # The text as written: a file's name may have stood in backticks beside the link.
        if ELSEWHERE.match(match[1]):
            continue
        if problem := check_link(match[1], page):
            yield f"{page.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}: {problem}"


def main(root: Path = ROOT) -> int:
    """Check every page; the exit code."""
    pages = [path for path in repository_files(root) if path.suffix == ".md"]
    return report(problem for page in pages for problem in check_page(page, root))


if __name__ == "__main__":
    sys.exit(main())
