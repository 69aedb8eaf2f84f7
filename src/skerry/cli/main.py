"""The program skerry on a host: the engine's verbs as commands. Its options are those of the wire format.

A call imports neither the model nor pydantic, which would cost more than all else: the verbs come from a file.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skerry.cli import inputs, options, reach, show, top, whom
from skerry.engine_calls import EngineError
from skerry.text import printable

if TYPE_CHECKING:
    from skerry.protocol.commands import Command
    from skerry.protocol.core import Table

PLAN = "plan"
IN_CONTAINERS = {"exec", "shell", "get", "put", "logs"}
NOT_STARTED = 125  # the exit code of exec where no program was started: no program's own is taken for it
COMMANDS = os.path.join(os.path.dirname(__file__), "commands.json")  # written where the package is installed
EXIT_CODES = {
    "failed": 1,
    "invalid": 2,
    "not_found": 3,
    "exists": 4,
    "busy": 5,
    "host": 6,
    "forbidden": 7,
    "unauthorized": 8,
    "stale": 9,
    "reused": 10,
}
_ABOUT = "The engine's verbs as commands. Their options are those of the wire format."
_EPILOG = (
    "'skerry plan VERB …' shows what a command would do. "
    "'skerry --host URL …' asks the API of another host; 'skerry context' names such, 'skerry completion' is for shells. "
    "A program and its arguments come last, after '--'; "
    "of a container, nothing after it means the image's own. "
    "Exit codes: 0 done, " + ", ".join(f"{code} {name}" for name, code in EXIT_CODES.items()) + "."
)


def _commands(table: "Table | None") -> "list[Command]":
    """The verbs of ``table``, or those of this Skerry; from its declarations where it is not installed."""
    if table is None and os.path.exists(COMMANDS):
        with open(COMMANDS, encoding="utf-8") as file:
            found: list[Command] = json.load(file)
        return found
    from skerry.protocol.commands import describe  # noqa: PLC0415 - imports the model
    from skerry.protocol.table import TABLE  # noqa: PLC0415

    return describe(table or TABLE)


def main(argv: Sequence[str] | None = None, table: "Table | None" = None) -> int:
    """Carry out one command, one of those that ``table`` has; the exit code."""
    if "_ARGCOMPLETE" in os.environ:
        _complete(_commands(table))
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        where, words = whom.split(words)
        if words[:1] in (["context"], ["completion"]):
            return _of_client(words)
    except EngineError as error:
        show.error(error)
        return EXIT_CODES.get(error.code, 1)
    return _carry_out(where, words, table)


def _of_client(words: Sequence[str]) -> int:
    """A command that asks no engine."""
    from skerry.cli import contexts  # noqa: PLC0415 - few calls need it

    return contexts.main(words[1:]) if words[0] == "context" else contexts.completion(words[1:])


def _carry_out(where: whom.Where, words: list[str], table: "Table | None") -> int:
    """Carry out one verb of an engine's; the exit code."""
    end = words.index("--") if "--" in words else len(words)
    words, program = words[:end], words[end + 1 :] if end < len(words) else None
    planning = words[:1] == [PLAN]
    command, args = options.parse(_commands(table), _ABOUT, _EPILOG, words[planning:])
    request = options.request(command, args, program)
    try:
        engine = reach.client(where, args.socket)
        if command["verb"] == "top":
            request["verb"] = "stats"
            if not (args.json or planning):
                return top.repeat(lambda changed: engine.call(**(request | changed)))
        engine.check(request["verb"])
        with inputs.opened(command, request, planning=planning) as asked:
            whole = {"verb": PLAN, "of": asked} if planning else asked
            result = engine.call(on_event=None if args.json else show.watcher(), **whole)
        if command["verb"] == "logs" or (command["verb"] in IN_CONTAINERS and not args.json):
            return _in_container(command["verb"], result, as_json=args.json)
    except EngineError as error:
        show.error(error)
        code = EXIT_CODES.get(error.code, 1)
        return NOT_STARTED if command["verb"] in {"exec", "shell"} else code
    except inputs.InputError as error:
        print(f"error: {error}.", file=sys.stderr)
        return EXIT_CODES["invalid"]
    except KeyboardInterrupt:
        print("interrupted; the engine goes on, and 'skerry operations' shows how far it is", file=sys.stderr)
        return 130
    words_to = sys.stderr if inputs.fills_output(command, request) and not planning else sys.stdout
    if args.json:
        print(options.as_json(result), file=words_to)
        return 0
    for warning in result.get("warnings", []):
        print(f"warning: {warning}.", file=sys.stderr)
    print(printable(show.plan(result) if planning else show.answer(command, result)), file=words_to)
    return 0


def _complete(commands: "list[Command]") -> None:
    """Answer a shell that asks what may follow, and end."""
    from skerry.cli import complete  # noqa: PLC0415 - no other call pays for argcomplete

    complete.answer(commands, PLAN)


def _in_container(verb: str, result: dict[str, Any], *, as_json: bool) -> int:
    """Do what the engine leaves to its client: it has said where."""
    from skerry.cli import streams  # noqa: PLC0415 - ctypes and subprocess are for these verbs only

    return streams.carry(verb, result, as_json=as_json)


if __name__ == "__main__":
    sys.exit(main())
