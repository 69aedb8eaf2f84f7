"""The rows of policies, with their normal form encrypted."""

import dataclasses
import json

from skerry.locks import form
from skerry.model.policy import KeptPolicy, PolicyKey
from skerry.store import projects
from skerry.store.db import Database, Row, now

TABLES = (
    """
CREATE TABLE policy (
    id TEXT PRIMARY KEY,
    container_id TEXT UNIQUE REFERENCES container (id) ON DELETE CASCADE,
    project_id TEXT UNIQUE REFERENCES project (id) ON DELETE CASCADE,
    standard TEXT NOT NULL,  -- what becomes of requests that no group is about: allow, deny
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    shown TEXT NOT NULL,  -- JSON: its groups, without their secrets
    sealed TEXT NOT NULL,
    version INTEGER NOT NULL,
    created TEXT NOT NULL,
    changed TEXT NOT NULL,
    CHECK ((container_id IS NULL) + (project_id IS NULL) = 1)
) STRICT;
""",
)
_SELECT = """
SELECT policy.*, container.name AS container, project.id AS in_project, project.name AS project, realm.name AS realm
FROM policy LEFT JOIN container ON container.id = policy.container_id
JOIN project ON project.id = ifnull(policy.project_id, container.project_id) JOIN realm ON realm.id = project.realm_id
"""


def _from_row(row: Row) -> KeptPolicy:
    return KeptPolicy(
        id=row["id"],
        owner=row["container_id"] or row["project_id"],
        project_id=row["in_project"],
        key=PolicyKey(realm=row["realm"], project=row["project"], container=row["container"]),
        default=row["standard"],
        enabled=bool(row["enabled"]),
        shown=json.loads(row["shown"]),
        sealed=row["sealed"],
        version=row["version"],
        created=row["created"],
        changed=row["changed"],
    )


def find(db: Database, key: PolicyKey) -> KeptPolicy | None:
    """The policy of a container or project."""
    where = "WHERE realm.name = ? AND project.name = ? AND container.name IS ?"
    row = db.row(f"{_SELECT} {where}", key.realm, key.project, key.container)
    return _from_row(row) if row else None


def every(db: Database) -> list[KeptPolicy]:
    """Every policy, by realm, project and container."""
    return [_from_row(row) for row in db.rows(f"{_SELECT} ORDER BY realm.name, project.name, container.name")]


def write(db: Database, policy: KeptPolicy) -> None:
    """Write a policy, new or with other options. Inside a transaction."""
    of_project = policy.key.container is None
    db.execute(
        "INSERT INTO policy VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "standard = excluded.standard, enabled = excluded.enabled, shown = excluded.shown, sealed = excluded.sealed, "
        "version = excluded.version, changed = excluded.changed",
        policy.id,
        None if of_project else policy.owner,
        policy.owner if of_project else None,
        policy.default,
        policy.enabled,
        json.dumps(policy.shown),
        policy.sealed,
        policy.version,
        policy.created,
        policy.changed,
    )


def of_container(db: Database, container_id: str) -> KeptPolicy | None:
    """The policy that a container has of its own."""
    row = db.row(f"{_SELECT} WHERE policy.container_id = ?", container_id)
    return _from_row(row) if row else None


def copy(db: Database, secret: bytes, source: str, target: str) -> None:
    """Lock a container, whose row is new, as another one is. Inside a transaction.

    Raises:
        SkerryError: the policy cannot be decrypted.
    """
    if (found := of_container(db, source)) is None:
        return
    sealed = form.seal(secret, target, form.unseal(secret, source, found.sealed))
    copied = dataclasses.replace(
        found,
        id=projects.next_id(db, secret, "policy"),
        owner=target,
        sealed=sealed,
        version=1,
        created=now(),
        changed=now(),
    )
    projects.count(db, "policy")
    write(db, copied)


def delete(db: Database, policy_id: str) -> None:
    """Forget a policy. Inside a transaction."""
    db.execute("DELETE FROM policy WHERE id = ?", policy_id)


def unlock(db: Database, container_id: str) -> None:
    """Forget the policy of a container that goes. Inside a transaction."""
    db.execute("DELETE FROM policy WHERE container_id = ?", container_id)
