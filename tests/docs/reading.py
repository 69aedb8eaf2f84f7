"""All pages, read at once by as many readers as do not follow one another."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import Command, Item, commands, pages, read
from tests.docs.reader import CommandFailed, Ran, Reader
from tests.docs.rules import FILE, Rules
from tests.docs.world import World


@dataclass(frozen=True)
class Library:
    """The pages, and what left_out.toml says of them."""

    items: Mapping[str, Sequence[Item]]
    rules: Rules

    @classmethod
    def of(cls, root: Path) -> "Library":
        items = {page: read((root / page).read_text(), page) for page in pages(root)}
        return cls(
            {page: found for page, found in items.items() if commands(found)}, Rules.read(FILE.read_text())
        )

    @property
    def commands(self) -> list[Command]:
        return [command for items in self.items.values() for command in commands(items)]

    @property
    def left_out(self) -> list[Command]:
        return [command for command in self.commands if self.rules.reason(command)]

    def readers(self, wanted: Iterable[str]) -> dict[str, list[str]]:
        """Who reads what, in order, so that the wanted pages are read and all that go before them."""
        found: dict[str, list[str]] = {}
        for page in wanted:
            before = [page]
            while before[-1] in self.rules.after:
                before.append(self.rules.after[before[-1]])
            mine = found.setdefault(before[-1], [])
            mine += [earlier for earlier in reversed(before) if earlier not in mine]
        return found


@dataclass
class Reading:
    """Readers at work; a page's future is done when it has been read, or raises what went wrong."""

    library: Library
    world: World
    done: dict[str, Future[None]] = field(default_factory=dict)
    ran: list[Ran] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def start(self, wanted: Iterable[str]) -> None:
        """Have pages read, and what goes before them."""
        for first, mine in self.library.readers(wanted).items():
            self.done |= {page: Future() for page in mine}
            self._pool.submit(self._read_all, first, mine)

    def _read_all(self, first: str, mine: Sequence[str]) -> None:
        reader = Reader(self.world, self.library.rules, Path(first).stem.lower())
        for page in mine:
            try:
                self._read(reader, page)
            except BaseException as error:  # noqa: BLE001 - the page's test raises it
                self.done[page].set_exception(error)
            else:
                self.done[page].set_result(None)
        self.ran += reader.ran

    def _read(self, reader: Reader, page: str) -> None:
        before = self.library.rules.after.get(page)
        if before and (problem := self.done[before].exception()):
            raise CommandFailed(f"{page} was not read, since the page before it failed: {problem}")
        if self._stopped.is_set():
            raise CommandFailed(f"{page} was not read: the run was stopped")
        reader.read(self.library.items[page])

    def stop(self) -> None:
        """End what still runs."""
        self._stopped.set()
        self.world.end()
        self._pool.shutdown()
