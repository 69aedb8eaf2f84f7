"""Apply a plan, step by step, so that a crash or a failure at any point leaves a state we can name.

Two synced writes an operation: the plan first, the result last. The marks between them are not synced: every step can be
done or undone twice. The executor knows no kind; what a kind writes into the store it does itself, in these transactions.
"""

import dataclasses
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from skerry.host import btrfs
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import Progress, Step, reporting_to
from skerry.resources.kind import Context, Kind, Plan
from skerry.store import operations


@dataclasses.dataclass(frozen=True)
class Running:
    """An operation on its way: its number in the journal, its kind, its plan."""

    context: Context
    kind: Kind[Any]
    id: int
    plan: Plan[Any]

    @property
    def name(self) -> str:
        """How a person names it: ``create default/default/blog``."""
        return f"{self.plan.verb.replace('_', ' ')} {self.kind.about(self.plan.resource)[1]}"


@dataclasses.dataclass(frozen=True)
class Done:
    """A plan that was applied.

    Attributes:
        plan: the plan.
        timings: milliseconds of each step.
        following: what began in the moment it was done, or why nothing could.
    """

    plan: Plan[Any]
    timings: list[float]
    following: Running | SkerryError | None


Following = Callable[[], Running | None]


def begin(context: Context, kind: Kind[Any], plan: Plan[Any], *, chained: bool = False) -> Running:
    """Write a plan and what it makes of the resource; the caller holds the transaction.

    What shall be is in the store before anything happens on the host. In a dry run nothing is written.

    Args:
        context: the host and the store.
        kind: the kind of the resource.
        plan: what is to be done.
        chained: more plans of the same request may follow. After a crash it is undone, even if all of its steps are
            done, unless it was closed: what follows begins in the transaction that closes it. So is one with something
            that only its answer tells, which nobody got.
    """
    if context.dry_run:
        return Running(context, kind, 0, plan)
    kind.begin(context, plan)
    number = operations.begin(
        context.db,
        kind.name,
        kind.about(plan.resource),
        plan.verb,
        kind.dump(plan) | {"chained": chained or bool(plan.once)},
        (context.asker.id, str(context.asker.key), context.request) if context.asker else ("", "", ""),
    )
    return Running(context, kind, number, plan)


def _close(running: Running, following: Following) -> Running | SkerryError | None:
    """Write that an operation is done, and in the same transaction what follows: no crash can come between."""
    with running.context.db.transaction():
        running.kind.done(running.context, running.plan)
        operations.finish(running.context.db, running.id, "done")
        try:
            return following()
        except SkerryError as error:  # what follows is refused; what is done stays done
            if not running.plan.lasting:
                raise
            return error


def _roll_back(running: Running, error: str) -> None:
    """Write that nothing of the operation remains."""
    with running.context.db.transaction():
        running.kind.undone(running.context, running.plan)
        operations.finish(running.context.db, running.id, "undone", error)


def _withdraw(running: Running) -> None:
    """Write what must be durable before steps are undone."""
    with running.context.db.transaction():
        running.kind.withdraw(running.context, running.plan)


def _undo(host: HostConfig, steps: Sequence[Step]) -> list[str]:
    """Undo ``steps`` from the last to the first. One that cannot be undone does not keep the others from it."""
    problems = []
    for step in reversed(steps):
        try:
            step.undo(host)
        except (SkerryError, OSError) as error:
            problems.append(f"could not undo '{step.title()}': {error}")
    return problems


def _advance(running: Running, timings: list[float], progress: Progress) -> None:
    """Do the steps after those that ``timings`` tells about, and mark each.

    The last mark says that all is done, and that it outlives a loss of power: what lies in the pool is synced before it,
    while the steps after it are done.
    """
    context, steps, commit = running.context, running.plan.steps, 0
    for number, step in enumerate(steps[len(timings) :], start=len(timings) + 1):
        started = time.perf_counter()
        try:
            step.do(context.host)
            if step.part.in_pool and step.action != "remove":
                commit = btrfs.begin_commit(context.host.pool)
            if commit and number == len(steps):
                btrfs.await_commit(context.host.pool, commit)
        except OSError as error:
            raise SkerryError(
                Code.HOST, f"{step.title()}: {error.strerror or error}", "The host's log says more"
            ) from error
        timings.append(round((time.perf_counter() - started) * 1000, 2))
        operations.mark(context.db, running.id, timings)
        progress(
            {"event": "step", "number": number, "of": len(steps), "title": step.title(), "ms": timings[-1]}
        )


def run(
    running: Running,
    progress: Progress,
    following: Following = lambda: None,
    *,
    look: Callable[[], None] = lambda: None,
) -> Done:
    """Apply an operation that :func:`begin` wrote; in a dry run, only go on to the next one.

    Args:
        running: the operation.
        progress: is told each step that is done.
        following: begins the next one, in the transaction that closes this.
        look: finds out what the next one needs, before that transaction.

    Raises:
        SkerryError: a step failed. What the plan did is undone, or, where it only takes away, left for the next try.
    """
    timings: list[float] = []
    if running.context.dry_run:
        return Done(running.plan, timings, following())
    try:
        with reporting_to(progress):
            _advance(running, timings, progress)
            look()
        return Done(running.plan, timings, _close(running, following))
    except (SkerryError, OSError, sqlite3.Error) as error:
        raise _fail(running, len(timings), readable(error)) from error


def _fail(running: Running, done: int, cause: SkerryError) -> SkerryError:
    context, plan = running.context, running.plan
    if plan.recovery == "finish":
        with context.db.transaction():
            running.kind.failed(context, plan)
            operations.finish(context.db, running.id, "failed", str(cause))
        return cause
    problems: list[str] = []
    undoing: tuple[Callable[[], None], ...] = (
        lambda: _withdraw(running),
        lambda: problems.extend(_undo(context.host, plan.steps[: done + 1])),
        lambda: _roll_back(running, str(cause)),
    )
    for part in undoing:
        try:
            part()
        except sqlite3.Error as second:  # a full store must not keep the host from being cleaned
            problems.append(str(store_error(second)))
    told = problems or [running.kind.told_undone(plan, plan.steps[: done + 1])]
    hint = ". ".join(filter(None, [cause.hint, *told]))
    return SkerryError(cause.code, f"{running.name}: {cause.message}", hint, cause.journal)


def readable(error: SkerryError | OSError | sqlite3.Error) -> SkerryError:
    """What a failing host or store means for a person."""
    if isinstance(error, sqlite3.Error):
        return store_error(error)
    if isinstance(error, OSError):
        return SkerryError(Code.HOST, str(error), "The host's log says more")
    return error


def store_error(error: sqlite3.Error) -> SkerryError:
    """What a failing store means for a person."""
    hint = "Make room on the host's root file system" if "full" in str(error) else "The host's log says more"
    return SkerryError(Code.HOST, f"the state store cannot be written: {error}", hint)


def recover(context: Context, kind: Kind[Any], operation: operations.Operation) -> str:
    """Finish or undo what a crash left open; returns which. Where that fails, the operation stays open.

    Raises:
        SkerryError: a step could not be done or undone.
    """
    running = Running(context, kind, operation.id, kind.load(operation.plan))
    plan = running.plan
    whole = operation.done == len(plan.steps) and not operation.plan.get("chained")
    if plan.recovery == "finish" or whole:
        hurried = dataclasses.replace(plan, steps=tuple(step.hurried() for step in plan.steps))
        running = dataclasses.replace(running, plan=hurried)
        _advance(running, list(operation.timings), lambda _event: None)
        _close(running, lambda: None)
        return "finished"
    _withdraw(running)
    if problems := _undo(context.host, plan.steps[: operation.done + 1]):
        raise SkerryError(Code.FAILED, f"{running.name}: {'; '.join(problems)}")
    _roll_back(running, "the engine ended in the middle of it")
    return "undone"
