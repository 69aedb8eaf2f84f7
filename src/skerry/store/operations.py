"""The journal: what an operation planned, how far it came, how long each step took, how it ended. Of every kind."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, Literal

from skerry.store.db import Database, Row, now

_NOTES = 20  # of one event of one resource
_KEPT = 50_000  # operations that are over, of all resources: some 100 MB


@dataclasses.dataclass(frozen=True)
class Operation:
    """One row of the journal.

    Attributes:
        kind: the kind of resource that it is about.
        resource_id: the resource's id; empty where the operation itself will tell.
        resource: how a person names it.
        plan: the plan as JSON, whole: enough to finish or undo it after a crash.
        done: how many of its steps are complete.
        timings: milliseconds of each complete step.
        token_id: the id of the token that asked for it, and in ``token`` how a person named it; empty where none did.
        request: the id of the request that it is part of; empty where nobody sent one.
        next: the operation that went on with the same request.
    """

    id: int
    kind: str
    resource_id: str
    resource: str
    verb: str
    plan: dict[str, Any]
    done: int
    timings: list[float]
    state: Literal["open", "done", "undone", "failed"]
    error: str
    started: str
    token_id: str = ""
    token: str = ""
    request: str = ""
    next: int | None = None


_SELECT = (
    "SELECT operation.*, (SELECT min(later.id) FROM operation AS later WHERE later.request <> '' "
    "AND later.request = operation.request AND later.id > operation.id) AS next FROM operation"
)


def _from_row(row: Row) -> Operation:
    return Operation(
        id=row["id"],
        kind=row["kind"],
        resource_id=row["resource_id"],
        resource=row["resource"],
        verb=row["verb"],
        plan=json.loads(row["plan"]),
        done=row["done"],
        timings=json.loads(row["timings"]),
        state=row["state"],
        error=row["error"],
        started=row["started"],
        token_id=row["token_id"],
        token=row["token"],
        request=row["request"],
        next=row["next"],
    )


def begin(
    db: Database,
    kind: str,
    about: tuple[str, str],
    verb: str,
    plan: dict[str, Any],
    asker: tuple[str, str, str] = ("", "", ""),
) -> int:
    """Write down what is about to be done; returns the operation's id. Inside a transaction.

    Args:
        db: the store.
        kind: the kind of resource.
        about: the resource's id, and how a person names it.
        verb: what is done with it.
        plan: the whole plan, as JSON.
        asker: the id of the token that asked for it, how a person names it, and the id of its request.
    """
    return db.execute(
        "INSERT INTO operation (kind, resource_id, resource, verb, plan, state, started, token_id, token, request) "
        "VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?)",
        kind,
        *about,
        verb,
        json.dumps(plan),
        now(),
        *asker,
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
    """Close an operation, and forget what only an open one is finished or undone with. Inside a transaction.

    The options of before and after may be a megabyte each, and have values of environments. The newest operations stay.
    Those of a request with an Idempotency-Key go when its answer is kept, which is made of them after a crash.
    """
    db.execute(
        "UPDATE operation SET state = ?, error = ?, finished = ?, "
        "plan = CASE WHEN request IN (SELECT request FROM kept_answer WHERE answer IS NULL) THEN plan "
        "ELSE json_remove(plan, '$.before.spec', '$.after.spec') END WHERE id = ?",
        state,
        error,
        now(),
        operation_id,
    )
    db.execute("DELETE FROM operation WHERE id <= ? AND state != 'open'", operation_id - _KEPT)


def note(db: Database, kind: str, about: tuple[str, str], event: str, text: str, *, good: bool) -> None:
    """Write what happened to a resource by itself, as an operation that is over. Inside a transaction.

    Of each event of a resource the newest ones stay, so that nothing grows for ever.

    Args:
        db: the store.
        kind: the kind of resource.
        about: the resource's id, and how a person names it.
        event: what happened, in the place of the verb.
        text: how, for a person.
        good: whether nothing is wrong with that.
    """
    plan = {"verb": event, "steps": [], "stored": [text]}
    finish(db, begin(db, kind, about, event, plan), "done" if good else "failed", "" if good else text)
    db.execute(
        "DELETE FROM operation WHERE verb = ? AND resource_id = ? AND id NOT IN "
        "(SELECT id FROM operation WHERE verb = ? AND resource_id = ? ORDER BY id DESC LIMIT ?)",
        *(event, about[0]) * 2,
        _NOTES,
    )


def unfinished(db: Database, kind: str | None = None, resource_id: str | None = None) -> list[Operation]:
    """What a crash or a full disk left open, oldest first: of one resource, of one kind, or of all."""
    query = (
        f"{_SELECT} WHERE state = 'open' AND kind = ifnull(?, kind) "
        "AND resource_id = ifnull(?, resource_id) ORDER BY id"
    )
    return [_from_row(row) for row in db.rows(query, kind, resource_id)]


def of_request(db: Database, request: str) -> list[Operation]:
    """What was done for a request, oldest first."""
    query = f"{_SELECT} WHERE request = ? AND request <> '' ORDER BY id"
    return [_from_row(row) for row in db.rows(query, request)]


def recent(db: Database, count: int, number: int | None = None) -> list[Operation]:
    """The newest operations, newest first; or the one of a number."""
    query = f"{_SELECT} WHERE id = ifnull(?, id) ORDER BY id DESC LIMIT ?"
    return [_from_row(row) for row in db.rows(query, number, count)]


def recent_of(
    db: Database, count: int, realm_id: str, project_ids: Sequence[str], number: int | None = None
) -> list[Operation]:
    """The newest operations on a realm and what it has; where projects are named, on these and what they have.

    With ``number``, only that one, if it is among them.
    """
    field = "project_id" if project_ids else "realm_id"
    ids = "(SELECT value FROM json_each(?2))"
    there = " UNION ALL ".join(
        f"SELECT {table}.id FROM {table} JOIN project ON project.id = project_id WHERE {field} IN {ids}"  # noqa: S608 - texts of ours
        for table in ("container", "volume")
    )
    query = (
        f"{_SELECT} WHERE id = ifnull(?3, id) AND (plan ->> '$.after.{field}' IN {ids} "
        f"OR plan ->> '$.before.{field}' IN {ids} "
        f"OR resource_id IN {ids} OR resource_id IN ({there})) ORDER BY id DESC LIMIT ?1"
    )
    return [_from_row(row) for row in db.rows(query, count, json.dumps(project_ids or [realm_id]), number)]
