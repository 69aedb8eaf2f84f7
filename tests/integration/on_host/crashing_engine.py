"""The engine, ended by SIGKILL at one exact point: right after an effect, or right after its mark in the journal.

The point comes from a file, which is removed first: the engine that systemd starts next is an ordinary one. Nothing in
the engine itself knows of this.
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


def die() -> None:
    POINT.unlink()
    os.kill(os.getpid(), signal.SIGKILL)


def after(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """``function``, whose ``number``-th call is the last thing this process does."""
    calls = 0

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        result = function(*args, **kwargs)
        if calls == number:
            die()
        return result

    return wrapper


def arm(point: dict[str, Any]) -> None:
    match point["where"]:
        case "begun":  # the plan is written, nothing is done
            executor.run = after_nothing
        case "done":  # the effect is there, its mark is not
            Step.do = after(Step.do, point["step"])
        case "marked":
            executor.operations.mark = after(executor.operations.mark, point["step"])
        case "closed":  # all is done and written; the caller has no answer
            executor._close = after(executor._close, 1)


def after_nothing(*_args: Any, **_kwargs: Any) -> Any:
    die()


if POINT.exists():
    original = program.reconcile

    def reconcile_then_arm(engine: Any) -> None:
        original(engine)
        arm(json.loads(POINT.read_text()))

    program.reconcile = reconcile_then_arm

sys.exit(program.main())
