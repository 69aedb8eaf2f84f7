"""Tokens, by their digests. The engine resolves one for each request that comes by the socket for tokens."""

import contextlib
import json
import sqlite3

from skerry.model.errors import SkerryError
from skerry.model.token import KeptToken, TokenKey
from skerry.store.db import Database, Row

TABLES = (
    """
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    realm_id TEXT REFERENCES realm (id),  -- null: the operator's
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    project_ids TEXT NOT NULL,  -- JSON; an empty list is the whole realm
    template TEXT NOT NULL,
    verbs TEXT NOT NULL,
    cidrs TEXT NOT NULL,
    expires TEXT NOT NULL,  -- '' for never
    created TEXT NOT NULL,
    created_by TEXT NOT NULL,
    rotated TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX token_name ON token (ifnull(realm_id, ''), name);

-- To the minute, and not synced. Apart, so that no change of a token writes an older one again.
CREATE TABLE token_used (
    token_id TEXT PRIMARY KEY REFERENCES token (id) ON DELETE CASCADE,
    minute TEXT NOT NULL
) STRICT, WITHOUT ROWID;
""",
)
_SELECT = "SELECT token.*, realm.name AS realm FROM token LEFT JOIN realm ON realm.id = realm_id"


def _from_row(db: Database, row: Row) -> KeptToken:
    project_ids = tuple(json.loads(row["project_ids"]))
    there = db.rows("SELECT id, name FROM project WHERE realm_id = ?", row["realm_id"]) if project_ids else []
    return KeptToken(
        id=row["id"],
        key=TokenKey(realm=row["realm"], name=row["name"]),
        digest=row["digest"],
        realm_id=row["realm_id"] or "",
        project_ids=project_ids,
        projects=tuple(sorted(one["name"] for one in there if one["id"] in project_ids)),
        template=row["template"],
        verbs=tuple(json.loads(row["verbs"])),
        cidrs=tuple(json.loads(row["cidrs"])),
        expires=row["expires"],
        created=row["created"],
        created_by=row["created_by"],
        rotated=row["rotated"],
    )


def find(db: Database, key: TokenKey) -> KeptToken | None:
    """The token of that name."""
    row = db.row(f"{_SELECT} WHERE realm.name IS ? AND token.name = ?", key.realm, key.name)
    return _from_row(db, row) if row else None


def by_digest(db: Database, digest: str) -> KeptToken | None:
    """The token with that digest, whether it has ended or not."""
    row = db.row(f"{_SELECT} WHERE token.digest = ?", digest)
    return _from_row(db, row) if row else None


def every(db: Database) -> list[KeptToken]:
    """Every token: the operator's, then by realm and name."""
    return [_from_row(db, row) for row in db.rows(f"{_SELECT} ORDER BY ifnull(realm.name, ''), token.name")]


def names(db: Database, realm_id: str) -> list[str]:
    """The names of a realm's tokens, sorted."""
    return [row[0] for row in db.rows("SELECT name FROM token WHERE realm_id = ? ORDER BY 1", realm_id)]


def write(db: Database, token: KeptToken) -> None:
    """Write a token, new or changed. Inside a transaction."""
    db.execute(
        "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "digest = excluded.digest, project_ids = excluded.project_ids, template = excluded.template, "
        "verbs = excluded.verbs, cidrs = excluded.cidrs, expires = excluded.expires, rotated = excluded.rotated",
        token.id,
        token.realm_id or None,
        token.key.name,
        token.digest,
        json.dumps(token.project_ids),
        token.template,
        json.dumps(token.verbs),
        json.dumps(token.cidrs),
        token.expires,
        token.created,
        token.created_by,
        token.rotated,
    )


def delete(db: Database, token_id: str) -> None:
    """Forget a token. Inside a transaction."""
    db.execute("DELETE FROM token WHERE id = ?", token_id)


def last_used(db: Database, token_id: str) -> str:
    """The minute that a token was last used in; empty where it never was."""
    return str(db.value("SELECT minute FROM token_used WHERE token_id = ?", token_id) or "")


def note_use(db: Database, token_id: str, minute: str) -> None:
    """Note that a token is used. Once a minute, and not synced; a store that cannot be written keeps nobody out."""
    if last_used(db, token_id) == minute:
        return
    with contextlib.suppress(sqlite3.Error, SkerryError), db.transaction(durable=False):
        db.execute(
            "INSERT INTO token_used VALUES (?, ?) ON CONFLICT (token_id) DO UPDATE SET minute = excluded.minute",
            token_id,
            minute,
        )
