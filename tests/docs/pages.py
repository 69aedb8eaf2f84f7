"""What a page prints: the commands that a reader types, and the files that a reader writes, in order."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

CONTROLLER, RESCUE = "controller", "rescue"
FORM = "docs/explanation/house.md has a page's blocks"
PROMPT = re.compile(r"^(?:\$|root@(?P<host>[a-z0-9-]+):~#) (?P<typed>.+)$")
INFO = re.compile(r'^(?P<kind>[a-z]+)(?: title="(?P<title>[^"]+)")?$')
KINDS = {"sh", "console", "text", "yaml", "toml", "ini", "nginx", "html", "js", "python", "sql"}


class PageError(Exception):
    """A page has a form that nobody can tell commands from: where, what, and what would be right."""


@dataclass(frozen=True)
class Command:
    """A command as it is printed."""

    page: str
    line: int
    text: str
    place: str = CONTROLLER
    """Where it is typed: the controller, the rescue system, or the name of a host."""
    answer: tuple[str, ...] = ()
    """The lines that the page prints as its answer; none: the page says nothing of it."""
    opens: str = ""
    """The host that it logs in to: the next commands are typed there."""

    @property
    def where(self) -> str:
        """Page and line, as editors open them."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class PrintedFile:
    """A file that a page prints whole, under the name that it has in the repository's folder."""

    page: str
    line: int
    name: str
    text: str


Item = Command | PrintedFile


@dataclass
class _Page:
    """A page as it is read: what came so far, and what was said before the next block."""

    name: str
    items: list[Item] = field(default_factory=list)
    said: str = ""
    in_section: bool = False
    """Whether a command stands in this section, whose answer a block of text may be."""

    def refuse(self, line: int, what: str) -> PageError:
        return PageError(f"{self.name}:{line}: {what}; {FORM}")

    def take(self, token: Token) -> None:
        """Go on by one token of Markdown."""
        line = token.map[0] + 1 if token.map else 0
        if token.type == "heading_open":
            self.in_section = False
        elif token.type == "inline":
            self.said = token.content
        elif token.type == "code_block":
            raise self.refuse(line, "a block without a fence")
        elif token.type == "fence":
            self._block(token.info.strip(), token.content, line)

    def _block(self, info: str, text: str, line: int) -> None:
        match = INFO.match(info)
        if match is None or match["kind"] not in KINDS:
            raise self.refuse(line, f"a block of the kind {info!r}")
        kind, title, first = match["kind"], match["title"], line + 1
        if title:
            self._file(kind, title, text, line)
        elif kind in {"sh", "console"}:
            found = self._script(text, first) if kind == "sh" else self._terminal(text, first)
            self.items += found
            self.in_section = True
        elif kind == "text":
            self._answer(text)
        else:
            self._parse(kind, text, line)

    def _file(self, kind: str, title: str, text: str, line: int) -> None:
        if f"`{title}`" not in self.said:
            raise self.refuse(line, f"a file {title}, which the text before it does not name")
        self._parse(kind, text, line)
        self.items.append(PrintedFile(self.name, line, title, text))

    def _parse(self, kind: str, text: str, line: int) -> None:
        try:
            if kind == "yaml":
                yaml.safe_load(text)
            elif kind == "toml":
                tomllib.loads(text)
        except (yaml.YAMLError, tomllib.TOMLDecodeError) as error:
            raise self.refuse(line, f"a block that is not {kind}: {error}") from error

    def _answer(self, text: str) -> None:
        """A block of text answers the command before it, unless that has answered already or none is there."""
        last = self.items[-1] if self.items else None
        if self.in_section and isinstance(last, Command) and not last.answer:
            self.items[-1] = replace(last, answer=tuple(text.splitlines()))

    def _script(self, text: str, first: int) -> Iterator[Command]:
        """The commands of a block ``sh``: a line each, or several up to the last quote."""
        lines: list[str] = []
        for number, line in enumerate(text.splitlines(), first):
            if not lines and (not line.strip() or line.startswith("#")):
                continue
            lines.append(line)
            if _is_whole("\n".join(lines)):
                yield Command(self.name, number - len(lines) + 1, "\n".join(lines))
                lines = []
        if lines:
            raise self.refuse(first, f"a command without an end: {lines[0]}")

    def _terminal(self, text: str, first: int) -> list[Command]:
        """The commands of a block ``console``, with their answers."""
        found: list[Command] = []
        for number, line in enumerate(text.splitlines(), first):
            if match := PROMPT.match(line):
                place = match["host"] or CONTROLLER
                if found and found[-1].place == CONTROLLER != place and not found[-1].answer:
                    found[-1] = replace(found[-1], opens=place)
                found.append(Command(self.name, number, match["typed"], place))
            elif not found:
                raise self.refuse(number, f"a terminal that begins without a prompt: {line!r}")
            else:
                found[-1] = replace(found[-1], answer=(*found[-1].answer, line))
        return found


def _is_whole(text: str) -> bool:
    """Whether a shell would run it, and not wait for more."""
    if text.endswith("\\"):
        return False
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True


def read(text: str, name: str) -> list[Item]:
    """The commands and files of a page.

    Args:
        text: the page, Markdown.
        name: its path in the repository, for messages.

    Raises:
        PageError: a block has none of the forms that the house's page names.
    """
    page = _Page(name)
    for token in MarkdownIt().parse(text):
        page.take(token)
    return page.items


def pages(root: Path) -> list[str]:
    """The pages whose commands are run: the README, the tutorial, the how-to pages."""
    found = [*root.glob("docs/tutorial/*.md"), *root.glob("docs/how-to/*.md")]
    return ["README.md", *sorted(str(path.relative_to(root)) for path in found)]


def commands(items: Sequence[Item]) -> list[Command]:
    """The commands among them."""
    return [item for item in items if isinstance(item, Command)]
