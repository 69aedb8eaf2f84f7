"""The engine, ended by SIGKILL at one exact point: right after an effect, or right after its mark in the journal.

The point comes from a file, which is removed first: the engine that systemd starts next lives. Nothing in the engine
itself knows of this.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skerry.engine import __main__ as program
from skerry.engine import executor
from skerry.parts.base import Step

POINT = Path("/run/skerry-crash/point.json")


def die_at(where: str, step: int | None = None) -> None:
    """Die if the file names this point."""
    if not POINT.exists():
        return
    point = json.loads(POINT.read_text())
    if (point["where"], point["plan"], point.get("step")) == (where, calls["plan"], step):
        POINT.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def deadly_after(function: Callable[..., Any], where: str) -> Callable[..., Any]:
    """``function``; after its call for the step that the file names, this process ends."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        calls[where] += 1
        die_at(where, calls[where])
        return result

    return wrapper


def run(*args: Any, **kwargs: Any) -> Any:
    """``executor.run``: the plan is written, nothing is done yet. A request may have several plans."""
    calls.update(done=0, marked=0, plan=calls["plan"] + 1 if POINT.exists() else 0)
    die_at("begun")
    return run_unharmed(*args, **kwargs)


def close(*args: Any, **kwargs: Any) -> Any:
    """``executor._close``: all is done and written, what follows has begun, the caller has no answer yet."""
    following = close_unharmed(*args, **kwargs)
    die_at("closed")
    return following


calls = {"done": 0, "marked": 0, "plan": 0}
run_unharmed, executor.run = executor.run, run
close_unharmed, executor._close = executor._close, close
Step.do = deadly_after(Step.do, "done")  # the effect is there, its mark is not
executor.operations.mark = deadly_after(executor.operations.mark, "marked")

sys.exit(program.main())
