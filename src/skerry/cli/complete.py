"""What completes a command line at the shell: verbs, options, and the names of what the engine has.

It runs where argcomplete asks for it (``_ARGCOMPLETE`` is set), and only then anybody imports it.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import argcomplete

from skerry.cli import options, reach, whom
from skerry.engine_calls import EngineError

if TYPE_CHECKING:
    from skerry.protocol.commands import Command, Option

_PATIENCE = 2.0  # seconds: somebody has pressed Tab
_REFERS = {
    "after": "container",
    "source": "container",
}  # fields that are names of another resource, without being called so
_WHERE = {flag[2:].replace("-", "_") for flag in whom.FLAGS}
_DEFAULT = "default"  # realm and project, where none is given
_OF_CLIENT = {"context": ("add", "use", "list", "remove"), "completion": ("bash", "zsh")}
Completer = Callable[..., list[str]]


def answer(commands: Sequence["Command"], plan: str) -> None:
    """Write what may follow to the shell, and end the program.

    Args:
        commands: the commands there are.
        plan: the word before a command whose plan is asked for.
    """
    whole = _parser(commands, plan, os.environ.get("COMP_LINE", "").split())
    argcomplete.autocomplete(whole, always_complete_options=False)


def _parser(commands: Sequence["Command"], plan: str, line: Sequence[str]) -> argparse.ArgumentParser:
    """A parser of every command; those that ``line`` has the words of know their options."""
    top = argparse.ArgumentParser(prog="skerry")
    for flag in whom.FLAGS:
        top.add_argument(flag)
    verbs = top.add_subparsers()
    for name, under in _OF_CLIENT.items():
        inner = verbs.add_parser(name).add_subparsers()
        for one in under:
            inner.add_parser(one)
    _add(verbs, commands, commands, line)
    planned = verbs.add_parser(plan, help="what a command would do").add_subparsers()
    _add(planned, [one for one in commands if one["changes"]], commands, line)
    return top


def _add(verbs: Any, some: Sequence["Command"], commands: Sequence["Command"], line: Sequence[str]) -> None:
    groups = {"": verbs}
    for command in some:
        *group, name = command["words"]
        above = "".join(group)
        if above not in groups:
            groups[above] = verbs.add_parser(above).add_subparsers()
        made = groups[above].add_parser(name, help=command["summary"])
        if set(command["words"]) <= set(line):
            _add_options(made, command, commands)


def _add_options(made: argparse.ArgumentParser, command: "Command", commands: Sequence["Command"]) -> None:
    for option, action in options.add(made, command):
        action.type = None  # nothing is read and nothing refused: the line is not whole yet
        if completer := _completer(command, option, commands):
            action.completer = completer  # type: ignore[attr-defined]  # where argcomplete looks for it


def _completer(command: "Command", option: "Option", commands: Sequence["Command"]) -> Completer | None:
    """What names the values that an option may have; None where these are no names of the engine's."""
    kind = option["fields"][0] if option["form"] == "entries" else option["dest"].rpartition(".")[2]
    there = {"create": "", "copy": "source"}.get(command["words"][-1], "name")  # what names one that exists
    if kind == there and not option["flag"]:
        kind = command["resource"]
    kind = _REFERS.get(kind, kind)
    lists = (one for one in commands if one["resource"] == kind and one["words"][-1] == "list")
    return next((_names(one, ":" * (option["form"] == "entries")) for one in lists), None)


def _names(listed: "Command", end: str) -> Completer:
    def complete(parsed_args: argparse.Namespace, **_others: Any) -> list[str]:
        try:
            said = {name: value for name, value in vars(parsed_args).items() if value and name in _WHERE}
            found = reach.client(said, parsed_args.socket, _PATIENCE).call(listed["verb"])
        except EngineError:  # the command itself says what is wrong
            return []
        rows = found[listed["resources"]]
        if listed["resource"] == "project":
            return [_path(row) for row in rows]
        place = _place(parsed_args)
        rows = [row for row in rows if place.items() <= (place | row).items()]
        return [f"{row.get(listed['resource']) or row['name']}{end}" for row in rows]

    return complete


def _path(project: dict[str, Any]) -> str:
    """A project as ``--project`` takes it."""
    name = str(project["name"])
    return name if project["realm"] == _DEFAULT else f"{project['realm']}/{name}"


def _place(args: argparse.Namespace) -> dict[str, str]:
    """The realm and the project that a line names."""
    *realm, project = _given(args, "project").split("/", 1)
    return {"realm": realm[0] if realm else _given(args, "realm"), "project": project}


def _given(args: argparse.Namespace, part: str) -> str:
    """The realm or the project that a line names."""
    given = (value for dest, value in vars(args).items() if dest.rpartition(".")[2] == part)
    return next((str(value) for value in given if value), _DEFAULT)
