"""The rows of aliases."""

from skerry.model.alias import Alias
from skerry.store.db import Database, Row

TABLES = (
    """
CREATE TABLE alias (
    name TEXT PRIMARY KEY,
    container_id TEXT NOT NULL REFERENCES container (id),
    service TEXT NOT NULL,
    host TEXT NOT NULL,
    value TEXT NOT NULL,  -- of the proxy's map
    created TEXT NOT NULL
) STRICT;
CREATE INDEX alias_container ON alias (container_id);
DROP VIEW route_map;
CREATE VIEW route_map AS SELECT host, value FROM route UNION ALL SELECT host, value FROM alias;
""",
)
_SELECT = """
SELECT alias.name, alias.service, alias.created, container.id AS container_id, container.name AS container,
       project.id AS project_id, project.name AS project, realm.name AS realm
FROM alias JOIN container ON container.id = alias.container_id
JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id
"""


def _of_row(row: Row) -> Alias:
    return Alias(**{name: row[name] for name in row.keys()})  # noqa: SIM118 - a row's iteration gives its values


def find(db: Database, name: str) -> Alias | None:
    """The alias of that name, whoever's it is."""
    row = db.row(f"{_SELECT} WHERE alias.name = ?", name)
    return _of_row(row) if row else None


def all_aliases(db: Database) -> list[Alias]:
    """Every alias, by realm, project and name."""
    return [_of_row(row) for row in db.rows(f"{_SELECT} ORDER BY realm.name, project.name, alias.name")]


def write(db: Database, alias: Alias, host: str, value: str) -> None:
    """Write an alias, new or with another container, and its entry at the proxy. Inside a transaction."""
    db.execute(
        "INSERT INTO alias VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        "container_id = excluded.container_id, service = excluded.service, host = excluded.host, value = excluded.value",
        alias.name,
        alias.container_id,
        alias.service,
        host,
        value,
        alias.created,
    )


def delete(db: Database, alias: Alias) -> None:
    """Forget an alias, unless another project has taken the name since. Inside a transaction."""
    db.execute(
        "DELETE FROM alias WHERE name = ? AND container_id IN (SELECT id FROM container WHERE project_id = ?)",
        alias.name,
        alias.project_id,
    )
