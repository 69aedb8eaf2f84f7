"""Commands that end in a container: a program's own streams, a file's bytes. The engine has said where."""

import json
import os
import re
import sys
from typing import Any

from skerry import attach, inside, logs
from skerry.cli import attached
from skerry.engine_calls import EngineError
from skerry.text import printable

_TERMINAL = re.compile(r"[A-Za-z0-9._+-]{1,64}")
Answer = dict[str, Any]


def carry(verb: str, answer: Answer, *, as_json: bool = False) -> int:
    """Do what is left to do of a verb; the exit code.

    Raises:
        EngineError: it could not be done.
    """
    try:
        if verb == "get":
            inside.get(answer, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return 0
        if verb == "put":
            changed = inside.put(answer, sys.stdin.buffer)
            print(f"{answer['path']}: {'written' if changed else 'no change'}")
            return 0
        if verb == "logs":
            found = logs.lines(answer, printable)
            for line in map(json.dumps, found) if as_json else logs.shown(found):
                print(line, flush=answer["follow"])
            return 0
        return attached.run(_with_terminal(answer))
    except (attach.AttachError, inside.InsideError, logs.LogsError) as error:
        raise EngineError("failed", str(error)) from error
    except KeyboardInterrupt:  # the way to end a log that is followed
        return 130
    except BrokenPipeError:  # who reads has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _with_terminal(answer: Answer) -> Answer:
    """A program at a terminal is told which one it is."""
    kind = os.environ.get("TERM", "")
    if not sys.stdin.isatty() or not _TERMINAL.fullmatch(kind):
        return answer
    return answer | {"env": {"TERM": kind} | answer["env"]}
