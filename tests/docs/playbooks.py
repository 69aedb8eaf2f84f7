"""Playbooks of commands that are left out: they parse, and take the variables that they are given."""

import json
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path

from plugins.plugin_utils import variables
from tests.docs.pages import Command

VALUE_OPTIONS = {"-i", "-l", "--tags", "--limit"}


@dataclass(frozen=True)
class Play:
    """A command that runs a playbook: its files, and what it gives along by `-e`."""

    command: Command
    playbooks: Sequence[str]
    given: Sequence[str]

    @property
    def names(self) -> set[str]:
        """The variables that it sets."""
        found: set[str] = set()
        for text in self.given:
            found |= set(json.loads(text)) if text.startswith("{") else {text.partition("=")[0]}
        return found


def play(command: Command) -> Play | None:
    """The playbooks that a command runs; None where it is another program."""
    words = shlex.split(command.text, comments=True)
    if words[0] != "ansible-playbook":
        return None
    playbooks, given, rest = [], [], iter(words[1:])
    for word in rest:
        if word in {"-e", *VALUE_OPTIONS}:
            value = next(rest)
            given += [value] if word == "-e" else []
        elif not word.startswith("-"):
            playbooks.append(word)
    return Play(command, playbooks, given)


def plays(commands: Iterable[Command]) -> list[Play]:
    """Those of the commands that run playbooks."""
    return [found for command in commands if (found := play(command))]


def parse(plays: Sequence[Play], root: Path) -> str:
    """What Ansible says against the playbooks, all in one run, with all that they are given; nothing: they parse."""
    playbooks = sorted({name for play in plays for name in play.playbooks})
    given = [word for play in plays for text in play.given for word in ("-e", text)]
    command = ["ansible-playbook", "--syntax-check", *playbooks, *given]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def unknown(plays: Sequence[Play], root: Path) -> list[str]:
    """What is said of variables that a command gives to playbooks that do not take them."""
    found = []
    for play in plays:
        taken = reduce(or_, (variables.takes(root / book, root) for book in play.playbooks))
        if wrong := variables.unknown(sorted(play.names), taken, root):
            told = variables.refusal(wrong, taken, " ".join(play.playbooks), root)
            found.append(f"{play.command.where}: {told}")
    return found
