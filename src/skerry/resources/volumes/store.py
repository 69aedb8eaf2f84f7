"""The rows of volumes. What other kinds ask about them is in ``store.references``."""

from skerry.model.volume import Volume, VolumeKey
from skerry.store import projects
from skerry.store.db import Database, Row, now

TABLES = (
    """
CREATE TABLE volume (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    created TEXT NOT NULL,
    UNIQUE (project_id, name)
) STRICT;
""",
    """
ALTER TABLE volume ADD COLUMN snapshot_every TEXT NOT NULL DEFAULT '';  -- empty: never
ALTER TABLE volume ADD COLUMN snapshot_keep TEXT NOT NULL DEFAULT '1w';
""",
)
_SELECT = """
SELECT volume.*, project.realm_id, project.name AS project, realm.name AS realm
FROM volume JOIN project ON project.id = volume.project_id JOIN realm ON realm.id = project.realm_id
"""


def _from_row(row: Row) -> Volume:
    return Volume(
        id=row["id"],
        realm_id=row["realm_id"],
        project_id=row["project_id"],
        key=VolumeKey(realm=row["realm"], project=row["project"], name=row["name"]),
        size=row["size"],
        generation=row["generation"],
        created=row["created"],
        snapshot_every=row["snapshot_every"],
        snapshot_keep=row["snapshot_keep"],
    )


def find(db: Database, key: VolumeKey) -> Volume | None:
    """The volume of that name."""
    where = "WHERE realm.name = ? AND project.name = ? AND volume.name = ?"
    row = db.row(f"{_SELECT} {where}", key.realm, key.project, key.name)
    return _from_row(row) if row else None


def all_volumes(db: Database) -> list[Volume]:
    """Every volume, by realm, project and name."""
    return [_from_row(row) for row in db.rows(f"{_SELECT} ORDER BY realm.name, project.name, volume.name")]


def propose(db: Database, secret: bytes, key: VolumeKey, size: int) -> Volume:
    """The volume that :func:`insert` would write now. Writes nothing, so a plan can be shown for it."""
    realm_id, project_id = projects.ids(db, secret, key.realm, key.project)
    return Volume(projects.next_id(db, secret, "volume"), realm_id, project_id, key, size, created=now())


def insert(db: Database, volume: Volume) -> None:
    """Write a new volume, and the default realm and project where they are new. Inside a transaction."""
    projects.write(db, volume.realm_id, volume.key.realm, volume.project_id, volume.key.project)
    projects.count(db, "volume")
    _write(db, volume)


def _write(db: Database, volume: Volume) -> None:
    db.execute(
        "INSERT INTO volume VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        volume.id,
        volume.project_id,
        volume.key.name,
        volume.size,
        volume.generation,
        volume.created,
        volume.snapshot_every,
        volume.snapshot_keep,
    )


def restore(db: Database, volume: Volume) -> None:
    """Write a volume again that was about to be deleted. Inside a transaction."""
    _write(db, volume)


def update(db: Database, volume: Volume) -> None:
    """Write what may change of a volume. Inside a transaction."""
    db.execute(
        "UPDATE volume SET name = ?, size = ?, generation = ?, snapshot_every = ?, snapshot_keep = ? WHERE id = ?",
        volume.key.name,
        volume.size,
        volume.generation,
        volume.snapshot_every,
        volume.snapshot_keep,
        volume.id,
    )


def delete(db: Database, volume_id: str) -> None:
    """Forget a volume. Inside a transaction."""
    db.execute("DELETE FROM volume WHERE id = ?", volume_id)
