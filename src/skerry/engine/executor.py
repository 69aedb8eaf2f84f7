"""Carry a plan out, step by step, so that a crash or a failure at any point leaves a state we can name.

Two synced writes an operation: the plan first, the result last. The marks between them are not synced: every step can be
done or undone twice.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import Step
from skerry.plan import anatomy
from skerry.plan.plan import Plan
from skerry.store import containers, operations
from skerry.store.db import Database

Progress = Callable[[dict[str, Any]], None]


def _routes(host: HostConfig, plan: Plan, *, after: bool) -> dict[str, str]:
    container = plan.after if after else plan.before
    return {route.host: route.value for route in anatomy.routes(host, container)} if container else {}


def begin(db: Database, host: HostConfig, plan: Plan) -> int:
    """Write the plan and what it makes of the container; the caller holds the transaction. Returns the operation's id.

    What shall be is in the store before anything happens on the host, so routes are durable, or durably gone, first.
    """
    container = plan.container
    if plan.before is None:
        containers.insert(db, container)
    elif plan.after is not None:
        containers.update(db, plan.after)
    containers.set_routes(db, container.id, _routes(host, plan, after=True))
    return operations.begin(db, plan.verb, container.id, str(container.key), plan.to_json())


def _close(db: Database, operation_id: int, plan: Plan) -> None:
    with db.transaction():
        if plan.after is None:
            containers.delete(db, plan.container.id)
        operations.finish(db, operation_id, "done")


def _take_back(db: Database, host: HostConfig, operation_id: int, plan: Plan, error: str) -> None:
    """Write that nothing of the operation remains."""
    with db.transaction():
        if plan.before is None:
            containers.delete(db, plan.container.id)
        else:
            containers.update(db, plan.before)
            containers.set_routes(db, plan.before.id, _routes(host, plan, after=False))
        operations.finish(db, operation_id, "undone", error)


def _withdraw(db: Database, host: HostConfig, plan: Plan) -> None:
    """Write the routes of before: durably first, or a proxy that starts while we undo would serve those of after."""
    with db.transaction():
        containers.set_routes(db, plan.container.id, _routes(host, plan, after=False))


def _undo(host: HostConfig, steps: Sequence[Step]) -> list[str]:
    """Undo ``steps`` from the last to the first. One that cannot be undone does not keep the others from it."""
    problems = []
    for step in reversed(steps):
        try:
            step.undo(host)
        except (SkerryError, OSError) as error:
            problems.append(f"could not undo '{step.title()}': {error}")
    return problems


def _advance(
    db: Database, host: HostConfig, operation_id: int, plan: Plan, timings: list[float], progress: Progress
) -> None:
    """Do the steps after those that ``timings`` tells about, and mark each."""
    for number, step in enumerate(plan.steps[len(timings) :], start=len(timings) + 1):
        started = time.perf_counter()
        try:
            step.do(host)
        except OSError as error:
            raise SkerryError(
                Code.HOST, f"{step.title()}: {error.strerror or error}", "The host's log says more"
            ) from error
        timings.append(round((time.perf_counter() - started) * 1000, 2))
        operations.mark(db, operation_id, timings)
        progress(
            {
                "event": "step",
                "number": number,
                "of": len(plan.steps),
                "title": step.title(),
                "ms": timings[-1],
            }
        )


def run(db: Database, host: HostConfig, operation_id: int, plan: Plan, progress: Progress) -> list[float]:
    """Carry out a plan that :func:`begin` wrote; returns the milliseconds of each step.

    Raises:
        SkerryError: a step failed. What the plan did is undone, or, where it only takes away, left for the next try.
    """
    timings: list[float] = []
    try:
        _advance(db, host, operation_id, plan, timings, progress)
        _close(db, operation_id, plan)
    except (SkerryError, sqlite3.Error) as error:
        raise _fail(db, host, operation_id, plan, len(timings), error) from error
    return timings


def _fail(
    db: Database,
    host: HostConfig,
    operation_id: int,
    plan: Plan,
    done: int,
    error: SkerryError | sqlite3.Error,
) -> SkerryError:
    cause = error if isinstance(error, SkerryError) else store_error(error)
    if plan.recovery == "finish":
        with db.transaction():
            operations.finish(db, operation_id, "failed", str(cause))
        return cause
    problems: list[str] = []
    deeds: tuple[Callable[[], None], ...] = (
        lambda: _withdraw(db, host, plan),
        lambda: problems.extend(_undo(host, plan.steps[: done + 1])),
        lambda: _take_back(db, host, operation_id, plan, str(cause)),
    )
    for deed in deeds:
        try:
            deed()
        except sqlite3.Error as second:  # a full store must not keep the host from being cleaned
            problems.append(str(store_error(second)))
    hint = ". ".join(filter(None, [cause.hint, *(problems or ["Nothing of it is left"])]))
    return SkerryError(cause.code, f"{plan.verb} {plan.container.key}: {cause.message}", hint, cause.journal)


def store_error(error: sqlite3.Error) -> SkerryError:
    """What a failing store means for a person."""
    hint = "Make room on the host's root file system" if "full" in str(error) else "The host's log says more"
    return SkerryError(Code.HOST, f"the state store cannot be written: {error}", hint)


def recover(db: Database, host: HostConfig, operation: operations.Operation) -> str:
    """Finish or undo what a crash left open; returns which. Where that fails, the operation stays open."""
    plan = Plan.from_json(operation.plan)
    complete = operation.done == len(plan.steps)
    if plan.recovery == "finish" or complete:
        _advance(db, host, operation.id, plan, list(operation.timings), lambda _event: None)
        _close(db, operation.id, plan)
        return "finished"
    _withdraw(db, host, plan)
    problems = _undo(host, plan.steps[: operation.done + 1])
    if problems:
        raise SkerryError(Code.FAILED, f"{plan.verb} {operation.container}: {'; '.join(problems)}")
    _take_back(db, host, operation.id, plan, "the engine ended in the middle of it")
    return "undone"
