"""The program skerry on a host: the engine's verbs as commands. Its options are those of the wire format."""

import argparse
import json
import sys
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from skerry.client import SOCKET, EngineClient, EngineError, Event
from skerry.engine import requests
from skerry.model.container import ContainerKey, Spec
from skerry.table import table

EXIT_CODES = {"failed": 1, "invalid": 2, "not_found": 3, "exists": 4, "busy": 5, "host": 6, "forbidden": 7}
_EPILOG = (
    "'skerry plan VERB …' shows what a command would do. A program and its arguments come last, after '--'. "
    "Exit codes: 0 done, " + ", ".join(f"{code} {name}" for name, code in EXIT_CODES.items()) + "."
)
_SHOWN_ERROR = 80  # characters in a table; --json has all of it
Result = dict[str, Any]


def _service(text: str) -> Result:
    name, _, port = text.partition(":")
    return {"name": name, "port": port}


# An option that is given again and again, and how one of its values is written.
_REPEATED: dict[str, tuple[str, Callable[[str], Any]]] = {
    "services": ("NAME:PORT", _service),
    "env": ("NAME=VALUE", lambda text: text.partition("=")[::2]),
    "packages": ("PACKAGE", str),
}
_ONLY_FOR_PROGRAMS = {"verb", "files", "command"}  # the command comes after '--'


def _verbs() -> Iterator[tuple[str, type[BaseModel]]]:
    for model in typing.get_args(requests.Request):
        if model is not requests.PlanOnly:
            yield typing.get_args(model.model_fields["verb"].annotation)[0], model


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print the engine's answer as JSON")
    common.add_argument("--socket", default=SOCKET, help=argparse.SUPPRESS)
    parser = argparse.ArgumentParser(prog="skerry", description=__doc__, epilog=_EPILOG)
    groups = {"": parser.add_subparsers(required=True, metavar="VERB")}
    for verb, model in _verbs():
        group, _, name = verb.rpartition("_")
        if group not in groups:
            above = groups[""].add_parser(group, help=f"list, make and delete {group}s")
            groups[group] = above.add_subparsers(required=True, metavar="VERB")
        text = (model.__doc__ or "").replace("``", "")
        command = groups[group].add_parser(name, help=text, description=text, parents=[common])
        command.set_defaults(verb=verb)
        _add_options(command, model, "")
    return parser


def _add_options(command: argparse.ArgumentParser, model: type[BaseModel], above: str) -> None:
    """An option for each field; ``above`` is the field of the request that these belong into."""
    for name, field in model.model_fields.items():
        if name in _ONLY_FOR_PROGRAMS:
            continue
        if name in {"container", "spec"}:
            _add_options(command, ContainerKey if name == "container" else Spec, f"{name}.")
        elif name in {"name", "path"}:
            command.add_argument(f"{above}{name}", metavar=name.upper(), help=_help(field))
        else:
            _add_option(command, f"{above}{name}", name, field)


def _add_option(command: argparse.ArgumentParser, dest: str, name: str, field: FieldInfo) -> None:
    flag, text = f"--{name}", _help(field)
    if name in _REPEATED:
        form, convert = _REPEATED[name]
        flag = f"--{name.removesuffix('s')}"
        command.add_argument(flag, dest=dest, action="append", metavar=form, type=convert, help=text)
    elif field.annotation is bool:
        command.add_argument(flag, dest=dest, action=argparse.BooleanOptionalAction, default=None, help=text)
    else:
        choices = typing.get_args(field.annotation) if _is_choice(field) else None
        metavar = None if choices else name.upper()
        command.add_argument(flag, dest=dest, metavar=metavar, choices=choices, help=text)


def _is_choice(field: FieldInfo) -> bool:
    return typing.get_origin(field.annotation) not in {None, types.UnionType}


def _help(field: FieldInfo) -> str:
    """The model's description, without the marks of Ansible's pages."""
    return (field.description or "").replace("C(", "").replace(")", "").replace("%", "%%")


def _request(args: argparse.Namespace, program: Sequence[str]) -> Result:
    """The request that the command line asks for."""
    request: Result = {"verb": args.verb}
    for dest, value in vars(args).items():
        above, _, name = dest.rpartition(".")
        if value is None or dest in {"json", "socket", "verb"}:
            continue
        place = request.setdefault(above, {}) if above else request
        place[name] = dict(value) if name == "env" else value
    if program:
        place = request if args.verb.startswith("image") else request.setdefault("spec", {})
        place["command"] = list(program)
    if args.verb in {"create", "update"}:
        request.setdefault("spec", {})
    return request


def _watcher() -> Callable[[Event], None]:
    """Prints progress as it comes; of a stage that goes on and on, its first line only."""
    stage = ""

    def show(event: Event) -> None:
        nonlocal stage
        match event:
            case {"event": "plan", "verb": verb, "steps": steps}:
                text = f"{verb} in {len(steps)} step{'s' * (len(steps) != 1)}"
            case {"event": "step", "number": number, "of": of, "title": title}:
                took = f"{event['ms']:7.1f} ms" if "ms" in event else ""
                text = f"  {number}/{of} {took}  {title}"
            case {"stage": new} if new != stage:
                stage = new
                text = f"  {stage} …"
            case _:
                return
        print(text, file=sys.stderr, flush=True)

    return show


def _containers(result: Result) -> str:
    columns = ("name", "project", "state", "url", "memory", "cpu", "pids", "image", "ipv4")
    return table(result["containers"], columns) if result["containers"] else "no containers"


def _fields(result: Result) -> str:
    inner = result.get("container", result)
    width = max(map(len, inner))
    return "\n".join(f"{name:<{width}}  {_plain(name, value)}" for name, value in inner.items())


def _plain(name: str, value: Any) -> str:
    if name.startswith("memory_"):
        return _mebibytes(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.0f}M"


def _images(result: Result) -> str:
    rows = [
        image | {"digest": image["digest"][:12], "size": _mebibytes(image["size"])}
        for image in result["images"]
    ]
    return table(rows, ("name", "digest", "size", "containers", "created")) if rows else "no images"


def _operations(result: Result) -> str:
    rows = [
        one
        | {"steps": f"{one['done']}/{len(one['steps'])}", "ms": round(sum(one["timings_ms"]))}
        | {"started": one["started"][:19], "error": one["error"][:_SHOWN_ERROR]}
        for one in result["operations"]
    ]
    return table(rows, ("id", "started", "verb", "container", "state", "steps", "ms", "error"))


def _plan(result: Result) -> str:
    """What would be done."""
    lines = [f"{plan['verb']}: {step}" for plan in result["plans"] for step in plan["steps"]]
    return "\n".join([*lines, *_waiting(result)] or ["no change"])


def _deed(result: Result) -> str:
    """What a change led to."""
    lines = _waiting(result) if result["changed"] else ["no change"]
    if after := result["after"]:
        lines.append(f"{after['name']}: {after.get('state', 'done')} {after.get('url', '')}".rstrip())
    elif before := result["before"]:
        lines.append(f"{before['name']}: deleted" + ("; its URL is dead" if "url" in before else ""))
    return "\n".join(lines)


def _waiting(result: Result) -> list[str]:
    options = [option for plan in result["plans"] for option in plan["restart_required"]]
    return [f"restart it, and it takes over: {', '.join(options)}"] if options else []


_SHOW: dict[str, Callable[[Result], str]] = {
    "list": _containers,
    "image_list": _images,
    "operations": _operations,
    "info": _fields,
    "status": _fields,
    "plan": _plan,
}


def _show_error(error: EngineError) -> None:
    lines = [f"error: {error.message}.", *([f"       {error.hint}."] if error.hint else [])]
    lines += [f"  | {line}" for line in error.journal.splitlines()]
    print("\n".join(lines), file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    end = words.index("--") if "--" in words else len(words)
    words, program = words[:end], words[end + 1 :]
    planning = words[:1] == ["plan"]
    args = _parser().parse_args(words[planning:])
    request = _request(args, program)
    if planning:
        request = {"verb": "plan", "of": request}
    try:
        result = EngineClient(args.socket).call(on_event=None if args.json else _watcher(), **request)
    except EngineError as error:
        _show_error(error)
        return EXIT_CODES.get(error.code, 1)
    except KeyboardInterrupt:
        print("interrupted; the engine goes on, and 'skerry operations' shows how far it is", file=sys.stderr)
        return 130
    print(json.dumps(result, indent=2) if args.json else _SHOW.get(request["verb"], _deed)(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
