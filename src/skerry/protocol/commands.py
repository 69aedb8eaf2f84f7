"""The verbs as plain data: what the command line is made of, so that a call of it needs not import the model.

The package's installation writes it beside ``skerry.cli``: ``python3 -m skerry.protocol.commands FILE``.
"""

import json
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from skerry.model.container import Secret
from skerry.protocol.core import Document, FromInput, Stream, Table, Verb, group_of
from skerry.protocol.table import TABLE

PROGRAM = "command"  # the field of a program and its arguments, which come after '--'
_SHORT = {"--user": "-u", "--workdir": "-w", "--env": "-e", "--follow": "-f", "--lines": "-n"}
_PLACED = {"alias", "name", "new_name", "path", "source", "url"}  # given by their place, without a flag
_SINGULAR = {"capabilities": "capability", "reaches": "reach"}
Model = type[BaseModel]


class Option(TypedDict):
    """One option of a command.

    Attributes:
        dest: the field of the request, ``GROUP.FIELD`` where it belongs into a group of it.
        flag: how it is given; empty where its place says it. ``short`` is its one letter, if it has one.
        form: what follows: one text, a file with a secret text or a ``document`` of JSON, one of ``choices``, nothing (a
            switch), or, again and again, ``NAME=VALUE``, a text, or the values of ``fields`` with a colon between them.
            ``input`` is read from standard input; ``stream-in`` and ``stream-out`` are a file that the command itself
            reads or writes.
        metavar: what stands for the value in the help.
        help: what it is.
        choices: the texts that it can be.
        fields: the fields of one entry.
        optional: whether one that is given by its place may be left out.
        head: of ``stream-in``, the field of the request that gets the text which the file begins with.
    """

    dest: str
    flag: str
    short: str
    form: Literal[
        "text",
        "secret",
        "document",
        "choice",
        "switch",
        "pairs",
        "texts",
        "entries",
        "input",
        "stream-in",
        "stream-out",
    ]
    metavar: str
    help: str
    choices: list[str]
    fields: list[str]
    optional: bool
    head: str


class Command(TypedDict):
    """One verb as a command.

    Attributes:
        verb: its name on the wire.
        words: the same on a command line.
        summary: what it does.
        changes: whether it changes something.
        resource: its kind; ``resources`` many of it; ``columns`` what a list shows of each.
        options: its options, in order.
        groups: the groups of fields that a request must have, even empty ones.
        program: where in the request the program after ``--`` belongs: ``GROUP.command`` or ``command``.
    """

    verb: str
    words: list[str]
    summary: str
    changes: bool
    resource: str
    resources: str
    columns: list[str]
    options: list[Option]
    groups: list[str]
    program: str


def describe(table: Table) -> list[Command]:
    """Every verb of a table that people use."""
    return [_command(verb) for verb in table.verbs() if verb.request.for_people]


def _command(verb: Verb) -> Command:
    groups = {name: field for name, field in verb.request.model_fields.items() if group_of(field)}
    with_program = (f"{name}." for name, field in groups.items() if PROGRAM in _fields(group_of(field)))
    return {
        "verb": verb.name,
        "words": list(verb.words),
        "summary": verb.summary.replace("``", ""),
        "changes": verb.changes,
        "resource": verb.resource.name,
        "resources": verb.resource.plural,
        "columns": list(verb.resource.columns),
        "options": list(_options(verb.request, "")),
        "groups": [name for name, field in groups.items() if field.is_required()],
        "program": f"{next(with_program, '')}{PROGRAM}",
    }


def _fields(model: Model | None) -> dict[str, FieldInfo]:
    return {} if model is None else model.model_fields


def _options(model: Model, above: str) -> Iterator[Option]:
    """An option for each field; ``above`` is the field of the request that these belong into."""
    heads = {_head(field) for field in model.model_fields.values()}
    for name, field in model.model_fields.items():
        if name in {"verb", PROGRAM, *heads}:
            continue
        own = _own_form(field)
        if own:
            yield _option(field, f"{above}{name}", "", own, "file")
        elif inner := group_of(field):
            yield from _options(inner, f"{name}.")
        elif name in _PLACED:
            yield _option(field, f"{above}{name}", "", "text", name)
        else:
            yield from _flagged(field, f"{above}{name}", name)


def _own_form(field: FieldInfo) -> str:
    """The form of what the command reads or writes itself; empty for all else."""
    for note in field.metadata:
        if isinstance(note, FromInput):
            return "input"
        if isinstance(note, Stream):
            return f"stream-{note.direction}"
    return ""


def _head(field: FieldInfo) -> str:
    return next((note.head for note in field.metadata if isinstance(note, Stream)), "")


def _flagged(field: FieldInfo, dest: str, name: str) -> Iterator[Option]:
    flag, once = f"--{name.replace('_', '-')}", f"--{name.removesuffix('s')}"
    if any(isinstance(note, Document) for note in field.metadata):
        yield _option(field, dest, flag, "document", "file")
        return
    hint = _plain_type(field)
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case None if hint is bool:
            yield _option(field, dest, flag, "switch", name)
        case None if _is_model(hint):
            yield _option(field, dest, once, "pairs", "NAME=VALUE")
        case None if any(isinstance(note, Secret) for note in field.metadata):
            yield _option(field, dest, f"{flag}-file", "secret", "file")
        case None:
            yield _option(field, dest, flag, "text", name)
        case typing.Literal:
            yield _option(field, dest, flag, "choice", name) | {"choices": list(arguments)}
        case origin if origin is dict and not _is_model(arguments[1]):
            yield _option(field, dest, once, "pairs", "NAME=VALUE")
        case origin if origin is tuple and _is_model(arguments[0]):
            fields = list(arguments[0].model_fields)
            yield _option(field, dest, once, "entries", ":".join(fields)) | {"fields": fields}
        case origin if origin in {list, tuple}:
            single = _SINGULAR.get(name, name.removesuffix("s")).replace("_", "-")
            yield _option(field, dest, f"--{single}", "texts", single)


def _option(field: FieldInfo, dest: str, flag: str, form: Any, metavar: str) -> Option:
    return {
        "dest": dest,
        "flag": flag,
        "short": _SHORT.get(flag, ""),
        "form": form,
        "metavar": metavar.upper(),
        "help": field.description or "",
        "choices": [],
        "fields": [],
        "optional": not field.is_required(),
        "head": _head(field),
    }


def _is_model(hint: Any) -> typing.TypeGuard[Model]:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _plain_type(field: FieldInfo) -> Any:
    """The type of a field without the None that means: not given."""
    hint = field.annotation
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(describe(TABLE)), encoding="utf-8")
