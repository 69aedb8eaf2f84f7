"""What left_out.toml says: which commands no lab serves, what is typed in place of a name, which page follows which."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.docs.pages import Command

FILE = Path(__file__).with_name("left_out.toml")
NAME = "tests/docs/left_out.toml"


@dataclass(frozen=True)
class LeftOut:
    """A command, or all of a page that begin so, that is not run."""

    page: str
    command: str
    reason: str

    def fits(self, command: Command) -> bool:
        return command.page == self.page and command.text.startswith(self.command)


@dataclass(frozen=True)
class Typed:
    """What is typed in place of what is printed: a name or an address that stands for the reader's own."""

    page: str
    printed: str
    typed: str

    def fits(self, command: Command) -> bool:
        return command.page == self.page and (self.printed in command.text or self.printed == command.place)


@dataclass(frozen=True)
class ByHand:
    """What the page tells the reader to do by hand before a command: a function of byhand.py."""

    page: str
    before: str
    does: str

    def fits(self, command: Command) -> bool:
        return command.page == self.page and command.text.startswith(self.before)


Entry = LeftOut | Typed | ByHand


@dataclass(frozen=True)
class Rules:
    """All of the file."""

    left_out: Sequence[LeftOut] = ()
    typed: Sequence[Typed] = ()
    by_hand: Sequence[ByHand] = ()
    after: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "Rules":
        """The rules of a file's text; a key that is unknown or missing is a TypeError."""
        document = tomllib.loads(text)
        rules = cls(
            [LeftOut(**entry) for entry in document.pop("left_out", [])],
            [Typed(**entry) for entry in document.pop("typed", [])],
            [ByHand(**entry) for entry in document.pop("by_hand", [])],
            document.pop("after", {}),
        )
        if document:
            raise TypeError(f"{NAME}: what is {', '.join(document)}?")
        return rules

    def reason(self, command: Command) -> str:
        """Why a command is left out; nothing: it is run."""
        return next((entry.reason for entry in self.left_out if entry.fits(command)), "")

    def as_typed(self, command: Command) -> Command:
        """A command with the reader's own names in it."""
        text, place = command.text, command.place
        for entry in self.typed:
            if entry.page == command.page:
                text = text.replace(entry.printed, entry.typed)
                place = entry.typed if place == entry.printed else place
        return replace(command, text=text, place=place)

    def operations(self, command: Command) -> list[str]:
        """What is done by hand before a command."""
        return [entry.does for entry in self.by_hand if entry.fits(command)]

    def problems(self, commands: Sequence[Command]) -> Iterator[str]:
        """Entries that no command needs, and commands that are left out in two ways."""
        entries: list[Entry] = [*self.left_out, *self.typed, *self.by_hand]
        run = [command for command in commands if not self.reason(command)]
        for entry in entries:
            if not any(entry.fits(command) for command in (commands if isinstance(entry, LeftOut) else run)):
                yield f"{NAME}: no command of {entry.page} needs {entry}"
        for command in commands:
            if len([entry for entry in self.left_out if entry.fits(command)]) > 1:
                yield f"{command.where}: {NAME} leaves it out more than once: {command.text}"
        names = {command.page for command in commands}
        for page in {*self.after, *self.after.values()} - names:
            yield f"{NAME}: there is no page {page} with commands"

    def first(self, page: str) -> str:
        """The page that a reader of this one began with."""
        while page in self.after:
            page = self.after[page]
        return page
