"""How many aliases, projects, tokens and secrets a realm has."""

from skerry.store.db import Database

_OF_REALM = {
    "alias": "alias JOIN container ON container.id = container_id JOIN project ON project.id = project_id",
    "project": "project",
    "token": "token",
    "secret": "secret JOIN project ON project.id = project_id",
}


def number(db: Database, kind: str, realm_id: str) -> int:
    """How many there are of a kind."""
    return int(db.value(f"SELECT count(*) FROM {_OF_REALM[kind]} WHERE realm_id = ?", realm_id) or 0)  # noqa: S608 - texts of ours


def bytes_of_secrets(db: Database, realm_id: str, besides: str) -> int:
    """The bytes of all secrets' values, without the one whose id is ``besides``."""
    query = f"SELECT sum(size) FROM {_OF_REALM['secret']} WHERE realm_id = ? AND secret.id != ?"  # noqa: S608 - as above
    return int(db.value(query, realm_id, besides) or 0)
