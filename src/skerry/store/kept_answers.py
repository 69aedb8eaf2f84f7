"""What requests with an Idempotency-Key were answered, per token: a client that heard nothing asks again, and hears it."""

import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any

from skerry.store.db import Database, now

KEPT = datetime.timedelta(hours=24)
MOST = 10_000  # of a token: more would fill the host's disk


@dataclasses.dataclass(frozen=True)
class KeptAnswer:
    """One request with a key.

    Attributes:
        fingerprint: tells its fields from those of another request.
        request: the id that its operations have in the journal.
        answer: what it was answered; None while it is carried out, or where the engine died before.
    """

    fingerprint: str
    request: str
    answer: dict[str, Any] | None


def find(db: Database, token_id: str, key: str) -> KeptAnswer | None:
    """The request of a token that had a key, if it was asked in the last 24 hours."""
    query = "SELECT * FROM kept_answer WHERE token_id = ? AND key = ? AND asked > ?"
    row = db.row(query, token_id, key, _oldest())
    if row is None:
        return None
    answer = None if row["answer"] is None else dict(json.loads(row["answer"]))
    return KeptAnswer(row["fingerprint"], row["request"], answer)


def begin(db: Database, token_id: str, key: str, fingerprint: str, request: str) -> bool:
    """Write down that a request is carried out, and forget what is too old. False where the token has too many."""
    with db.transaction():
        db.execute("DELETE FROM kept_answer WHERE asked <= ?", _oldest())
        if db.value("SELECT count(*) FROM kept_answer WHERE token_id = ?", token_id) >= MOST:
            return False
        db.execute(
            "INSERT OR REPLACE INTO kept_answer VALUES (?, ?, ?, ?, ?, NULL)",
            *(token_id, key, fingerprint, request, now()),
        )
    return True


def keep(db: Database, token_id: str, key: str, answer: Mapping[str, Any]) -> None:
    """Keep what a request was answered."""
    with db.transaction():
        db.execute(
            "UPDATE kept_answer SET answer = ? WHERE token_id = ? AND key = ?",
            *(json.dumps(answer), token_id, key),
        )
        db.execute(
            "UPDATE operation SET plan = json_remove(plan, '$.before.spec', '$.after.spec') WHERE state <> 'open' "
            "AND request = (SELECT request FROM kept_answer WHERE token_id = ? AND key = ?)",
            *(token_id, key),
        )


def forget(db: Database, token_id: str, key: str) -> None:
    """Forget a request: it was refused, or undone, and may be asked again with other fields."""
    with db.transaction():
        db.execute("DELETE FROM kept_answer WHERE token_id = ? AND key = ?", token_id, key)


def _oldest() -> str:
    return (datetime.datetime.now(datetime.UTC) - KEPT).isoformat(timespec="milliseconds")
