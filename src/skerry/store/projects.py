"""Realms and projects: every kind whose resources they own writes and finds them here."""

from skerry.model.ids import make_id
from skerry.store.db import Database


def ids(db: Database, secret: bytes, realm: str, project: str) -> tuple[str, str]:
    """The ids of a realm and of its project, whether or not they are written yet."""
    epoch = int(db.get_meta("epoch", "1"))
    return make_id(secret, epoch, "realm", realm), make_id(secret, epoch, "project", realm, project)


def write(db: Database, realm_id: str, realm: str, project_id: str, project: str) -> None:
    """Write a realm and its project where they are new. Inside a transaction."""
    db.execute("INSERT OR IGNORE INTO realm VALUES (?, ?)", realm_id, realm)
    db.execute("INSERT OR IGNORE INTO project VALUES (?, ?, ?)", project_id, realm_id, project)


def next_id(db: Database, secret: bytes, kind: str) -> str:
    """The id that the next resource of a kind gets; it is never given out again once :func:`count` was called."""
    made = int(db.get_meta(f"made_{kind}", "0"))
    return make_id(secret, int(db.get_meta("epoch", "1")), "resource", kind, made + 1)


def count(db: Database, kind: str) -> None:
    """Note that a resource of a kind was made. Inside a transaction."""
    db.set_meta(f"made_{kind}", str(int(db.get_meta(f"made_{kind}", "0")) + 1))
