"""From the commands to a parser, and from a command line to a request."""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from skerry.client import SOCKET

if TYPE_CHECKING:
    from skerry.protocol.commands import Command, Option

_COMMAND_HINTS = {
    "exec": ". The program and its arguments come after '--'",
    "shell": ". It takes no command: 'skerry exec CONTAINER -- COMMAND' runs one",
}
_GROUP_HELP = {"state": "back up and restore all that the host remembers"}
_NO_FIELDS = {"json", "socket"}
Request = dict[str, Any]


def parse(
    commands: Sequence["Command"], about: str, epilog: str, words: Sequence[str]
) -> tuple["Command", argparse.Namespace]:
    """The command that ``words`` begin with, and its options; help or an error where they name none, or wrong ones.

    Only the named command gets a parser: making all of them costs more than the rest of a call.
    """
    for command in commands:
        length = len(command["words"])
        if list(words[:length]) == command["words"]:
            parser = _parser(command)
            args, left = parser.parse_known_args(words[length:])
            if left:
                hint = _COMMAND_HINTS.get(command["verb"], "")
                parser.error(f"unrecognized arguments: {' '.join(left)}{hint}")
            return command, args
    top = argparse.ArgumentParser(prog="skerry", description=about, epilog=epilog)
    _add_names(top, commands)
    top.parse_args(words)
    raise SystemExit(top.format_usage())


def _add_names(top: argparse.ArgumentParser, commands: Sequence["Command"]) -> None:
    """What there is: every command without its options."""
    groups = {"": top.add_subparsers(required=True, metavar="VERB")}
    for command in commands:
        *group, name = command["words"]
        above = "".join(group)
        if above not in groups:
            what = _GROUP_HELP.get(above, f"list, make and delete {command['resources']}")
            inner = groups[""].add_parser(above, help=what)
            groups[above] = inner.add_subparsers(required=True, metavar="VERB")
        groups[above].add_parser(name, help=command["summary"])


def _parser(command: "Command") -> argparse.ArgumentParser:
    prog = " ".join(["skerry", *command["words"]])
    made = argparse.ArgumentParser(prog, description=command["summary"], formatter_class=_Formatter)
    add(made, command)
    return made


def add(made: argparse.ArgumentParser, command: "Command") -> list[tuple["Option", argparse.Action]]:
    """Add a command's options to a parser, and those that every command has; its own with what became of each."""
    made.add_argument("--json", action="store_true", help="print the engine's answer as JSON")
    made.add_argument("--socket", default=SOCKET, help=argparse.SUPPRESS)
    return [(option, _add(made, option)) for option in command["options"] if option["form"] != "input"]


class _Formatter(argparse.HelpFormatter):
    """argparse's own, without importing all of shutil for the width of a terminal in calls that print no help."""

    def __init__(self, prog: str) -> None:
        try:
            width = int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns
        except (ValueError, OSError):
            width = 80
        super().__init__(prog, width=width - 2)


def _add(command: argparse.ArgumentParser, option: "Option") -> argparse.Action:
    dest, flag, text = option["dest"], option["flag"], option["help"].replace("%", "%%")
    shown, flags = option["metavar"], [*filter(None, (option["short"], flag))]
    if not flag:
        optional = "?" if option["optional"] else None
        return command.add_argument(dest, metavar=shown, help=text, nargs=optional)
    match option["form"]:
        case "switch":
            return command.add_argument(
                *flags, dest=dest, action=argparse.BooleanOptionalAction, default=None, help=text
            )
        case "choice":
            return command.add_argument(*flags, dest=dest, choices=option["choices"], help=text)
        case "text":
            return command.add_argument(*flags, dest=dest, metavar=shown, help=text)
        case "secret":  # in no argument, which every user of the host may read
            text += " The first line of this file; - is standard input."
            return command.add_argument(*flags, dest=dest, metavar=shown, type=_secret, help=text)
        case "document":
            text += " A file of JSON has them; - is standard input."
            return command.add_argument(*flags, dest=dest, metavar=shown, type=_document, help=text)
        case form:
            readers: dict[str, Callable[[str], Any]] = {"pairs": _variable, "texts": str}
            convert = readers.get(form) or _entry(option["fields"])
            return command.add_argument(
                *flags, dest=dest, action="append", metavar=shown, type=convert, help=text
            )


def _entry(fields: Sequence[str]) -> Callable[[str], dict[str, str] | None]:
    """From a text to an entry; None for an empty text, which stands for no entry at all."""

    def convert(text: str) -> dict[str, str] | None:
        if not text:
            return None
        # What comes last may be left out.
        return dict(zip(fields, text.split(":", len(fields) - 1), strict=False))

    return convert


def _document(path: str) -> Any:
    """What a file of JSON has."""
    try:
        with open(0 if path == "-" else path, encoding="utf-8", closefd=path != "-") as file:
            return json.load(file)
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {error}") from error
    except json.JSONDecodeError as error:  # its words quote nothing of the file, which may have a secret
        raise argparse.ArgumentTypeError(f"{path} is no JSON: {error.msg} in line {error.lineno}") from error


def _secret(path: str) -> str:
    """The first line of a file."""
    try:
        with open(0 if path == "-" else path, encoding="utf-8", closefd=path != "-") as file:
            return file.readline().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {error}") from error


def _variable(text: str) -> tuple[str, str] | None:
    """A name and a value; None for an empty text, which stands for no value at all."""
    if not text:
        return None
    name, equals, value = text.partition("=")
    if not equals:  # the text may be a secret: it is not shown
        raise argparse.ArgumentTypeError("a name has no value; give NAME=VALUE, or NAME= for an empty one")
    return name, value


def request(command: "Command", args: argparse.Namespace, program: Sequence[str] | None) -> Request:
    """The request that a command line asks for; ``program`` is what came after '--', None where there was none."""
    made: Request = {"verb": command["verb"]}
    given = {name: value for name, value in vars(args).items() if name not in _NO_FIELDS}
    of_spec = "." in command["program"]  # there nothing after '--' means the image's own
    if program or (program is not None and of_spec):
        given[command["program"]] = list(program)
    for dest, value in given.items():
        above, _, name = dest.rpartition(".")
        if value is None:
            continue
        place = made.setdefault(above, {}) if above else made
        place[name] = _given(command, dest, value)
    for group in command["groups"]:
        made.setdefault(group, {})
    return made


def _given(command: "Command", dest: str, value: Any) -> Any:
    """A value as the engine takes it. One empty text among those of an option makes it empty: ``--after ''``."""
    form = next((one["form"] for one in command["options"] if one["dest"] == dest), "")
    if form == "pairs":
        return {} if None in value else dict(value)
    if form == "entries":
        return [] if None in value else value
    if form == "texts":
        return [] if "" in value else value
    return value


def as_json(result: Any) -> str:
    """An answer as JSON for people and programs."""
    return json.dumps(result, indent=2)
