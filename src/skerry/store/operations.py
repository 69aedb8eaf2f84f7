"""The journal: what an operation planned, how far it came, how long each step took, how it ended."""

import dataclasses
import json
from typing import Any, Literal

from skerry.store.db import Database, Row, now


@dataclasses.dataclass(frozen=True)
class Operation:
    """One row of the journal.

    Attributes:
        container: how a person names the container.
        plan: the plan as JSON, whole: enough to finish or undo it after a crash.
        done: how many of its steps are complete.
        timings: milliseconds of each complete step.
    """

    id: int
    verb: str
    container_id: str
    container: str
    plan: dict[str, Any]
    done: int
    timings: list[float]
    state: Literal["open", "done", "undone", "failed"]
    error: str
    started: str


def _from_row(row: Row) -> Operation:
    return Operation(
        id=row["id"],
        verb=row["verb"],
        container_id=row["container_id"],
        container=row["container"],
        plan=json.loads(row["plan"]),
        done=row["done"],
        timings=json.loads(row["timings"]),
        state=row["state"],
        error=row["error"],
        started=row["started"],
    )


def begin(db: Database, verb: str, container_id: str, container: str, plan: dict[str, Any]) -> int:
    """Write down what is about to be done; returns the operation's id. Inside a transaction."""
    return db.execute(
        "INSERT INTO operation (verb, container_id, container, plan, state, started) VALUES (?, ?, ?, ?, 'open', ?)",
        verb,
        container_id,
        container,
        json.dumps(plan),
        now(),
    )


def mark(db: Database, operation_id: int, timings: list[float]) -> None:
    """Note that as many steps are complete as there are ``timings``. Not synced: a plan can always be undone."""
    with db.transaction(durable=False):
        db.execute(
            "UPDATE operation SET done = ?, timings = ? WHERE id = ?",
            len(timings),
            json.dumps(timings),
            operation_id,
        )


def finish(
    db: Database, operation_id: int, state: Literal["done", "undone", "failed"], error: str = ""
) -> None:
    """Close an operation. Inside a transaction."""
    db.execute(
        "UPDATE operation SET state = ?, error = ?, finished = ? WHERE id = ?",
        state,
        error,
        now(),
        operation_id,
    )


def unfinished(db: Database, container_id: str = "%") -> list[Operation]:
    """What a crash or a full disk left open, oldest first; of one container or of all."""
    query = "SELECT * FROM operation WHERE state = 'open' AND container_id LIKE ? ORDER BY id"
    return [_from_row(row) for row in db.rows(query, container_id)]


def recent(db: Database, count: int) -> list[Operation]:
    """The newest operations, newest first."""
    return [_from_row(row) for row in db.rows("SELECT * FROM operation ORDER BY id DESC LIMIT ?", count)]
