"""The rows of secrets, without their values. What other kinds ask about them is in ``store.references``."""

from skerry.model.secret import KeptSecret, SecretKey
from skerry.store import projects
from skerry.store.db import Database, Row, now

TABLES = (
    """
CREATE TABLE secret (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created TEXT NOT NULL,
    changed TEXT NOT NULL,
    UNIQUE (project_id, name)
) STRICT;
""",
)
_SELECT = """
SELECT secret.*, project.realm_id, project.name AS project, realm.name AS realm
FROM secret JOIN project ON project.id = secret.project_id JOIN realm ON realm.id = project.realm_id
"""


def _from_row(row: Row) -> KeptSecret:
    return KeptSecret(
        id=row["id"],
        realm_id=row["realm_id"],
        project_id=row["project_id"],
        key=SecretKey(realm=row["realm"], project=row["project"], name=row["name"]),
        size=row["size"],
        version=row["version"],
        created=row["created"],
        changed=row["changed"],
    )


def find(db: Database, key: SecretKey) -> KeptSecret | None:
    """The secret of that name."""
    where = "WHERE realm.name = ? AND project.name = ? AND secret.name = ?"
    row = db.row(f"{_SELECT} {where}", key.realm, key.project, key.name)
    return _from_row(row) if row else None


def all_secrets(db: Database) -> list[KeptSecret]:
    """Every secret, by realm, project and name."""
    return [_from_row(row) for row in db.rows(f"{_SELECT} ORDER BY realm.name, project.name, secret.name")]


def propose(db: Database, secret: bytes, key: SecretKey, size: int) -> KeptSecret:
    """The secret that :func:`insert` would write now. Writes nothing, so a plan can be shown for it."""
    realm_id, project_id = projects.ids(db, secret, key.realm, key.project)
    made = now()
    return KeptSecret(
        projects.next_id(db, secret, "secret"), realm_id, project_id, key, size, created=made, changed=made
    )


def insert(db: Database, secret: KeptSecret) -> None:
    """Write a new secret, and the default realm and project where they are new. Inside a transaction."""
    projects.write(db, secret.realm_id, secret.key.realm, secret.project_id, secret.key.project)
    projects.count(db, "secret")
    write(db, secret)


def write(db: Database, secret: KeptSecret) -> None:
    """Write a secret. Inside a transaction."""
    db.execute(
        "INSERT INTO secret VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "size = excluded.size, version = excluded.version, changed = excluded.changed",
        secret.id,
        secret.project_id,
        secret.key.name,
        secret.size,
        secret.version,
        secret.created,
        secret.changed,
    )


def delete(db: Database, secret_id: str) -> None:
    """Forget a secret. Inside a transaction."""
    db.execute("DELETE FROM secret WHERE id = ?", secret_id)
