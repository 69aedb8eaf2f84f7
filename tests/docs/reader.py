"""Somebody who reads a page and types what it says."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.docs.answers import missing
from tests.docs.byhand import OPERATIONS
from tests.docs.pages import CONTROLLER, Command, Item, PrintedFile
from tests.docs.rules import Rules
from tests.docs.terminal import Answer, Terminal
from tests.docs.world import World

LIMIT_S = 1200
TAIL_LINES = 40
ACTIVE = "test ! -d .venv || . .venv/bin/activate"


class CommandFailed(Exception):
    """A command did not do what its page says: where, what was typed, and the end of what it said."""


@dataclass(frozen=True)
class Ran:
    """A command that was run, and its seconds."""

    command: Command
    seconds: float


@dataclass
class Reader:
    """Reads pages in order, in one folder, on labs of its own. What one page leaves behind, the next one finds."""

    world: World
    rules: Rules
    name: str
    ran: list[Ran] = field(default_factory=list)
    _terminals: dict[str, Terminal] = field(default_factory=dict)

    def read(self, items: Sequence[Item]) -> None:
        """Do what a page says, from its beginning to its end.

        Raises:
            CommandFailed: a command's exit code is not 0, or it does not answer as printed.
        """
        try:
            for item in items:
                if isinstance(item, PrintedFile):
                    self._write(item)
                elif not self.rules.reason(item):
                    self._do(item)
            for place, terminal in self._terminals.items():
                if code := terminal.close():
                    raise CommandFailed(f"{items[-1].page}: logging out of {place} failed ({code})")
        finally:
            for terminal in self._terminals.values():
                terminal.kill()
            self._terminals.clear()

    def _write(self, printed: PrintedFile) -> None:
        path = self.world.clone(self.name) / printed.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(printed.text)

    def _do(self, printed: Command) -> None:
        for operation in self.rules.operations(printed):
            OPERATIONS[operation](self.world, self.name)
        command, begin = self.rules.as_typed(printed), time.monotonic()
        terminal = self._terminal(command)
        answer = terminal.run("true" if command.opens else command.text, LIMIT_S)
        self.ran.append(ran := Ran(printed, time.monotonic() - begin))
        self.world.note(f"{ran.seconds:7.1f} s  {command.where}: {command.text}\n{answer.output}")
        check(command, answer)

    def _terminal(self, command: Command) -> Terminal:
        """Where a command is typed; the host of one that logs in."""
        place = command.opens or command.place
        if place not in self._terminals:
            self._terminals[place] = self._open(place, command.text if command.opens else "")
        return self._terminals[place]

    def _open(self, place: str, login: str) -> Terminal:
        clone = self.world.clone(self.name)
        folder = clone if clone.is_dir() else clone.parent
        environment = self.world.environment(self.name) | {"REPOSITORY": str(self.world.repository)}
        if place != CONTROLLER:
            return Terminal(["sh", "-c", login or f"make lab-ssh NAME={place}"], folder, environment)
        terminal = Terminal(["bash"], folder, environment)
        terminal.run(ACTIVE, LIMIT_S)
        return terminal


def check(command: Command, answer: Answer) -> None:
    """Look at a command's end and at its answer.

    Raises:
        CommandFailed: it failed, or does not say what its page prints.
    """
    problem = ""
    if answer.code != 0:
        problem = f"failed ({answer.code})"
    elif line := missing(command.answer, answer.output):
        problem = f"does not answer as printed; this line is missing, or stands elsewhere:\n    {line}"
    if problem:
        said = "\n".join(f"    {line}" for line in answer.output.rstrip().splitlines()[-TAIL_LINES:])
        raise CommandFailed(f"{command.where}: {command.text}\n{problem}\nit said:\n{said}")
