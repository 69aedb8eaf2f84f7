"""The rows of snapshots: containers and volumes, which they are of, write them as well as snapshots themselves."""

import dataclasses
import datetime

from skerry.model.snapshot import Snapshot, SnapshotKey, SourceKey, stamped
from skerry.store import projects
from skerry.store.db import Database, Row, now

TABLES = (
    """
CREATE TABLE snapshot (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    container_id TEXT REFERENCES container (id) ON DELETE CASCADE,
    volume_id TEXT REFERENCES volume (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    created TEXT NOT NULL,
    expires TEXT NOT NULL,  -- empty: never
    image TEXT NOT NULL,    -- what the container's spec called it
    image_digest TEXT REFERENCES image (digest),
    UNIQUE (container_id, name),
    UNIQUE (volume_id, name),
    CHECK ((container_id IS NULL) + (volume_id IS NULL) = 1)
) STRICT;
CREATE INDEX snapshot_image ON snapshot (image_digest);
CREATE INDEX snapshot_expires ON snapshot (expires);
""",
    """
-- Of a container or volume with a schedule, what became of its automatic snapshot that was due last.
CREATE TABLE snapshot_due (
    owner_id TEXT PRIMARY KEY,
    newest TEXT NOT NULL,  -- the one since which no file had changed when it was looked at; empty where one was taken
    looked TEXT NOT NULL,
    missed TEXT NOT NULL   -- in words; empty where it came when it was due
) STRICT, WITHOUT ROWID;
""",
)
_SELECT = """
SELECT snapshot.*, project.name AS project, realm.name AS realm, container.name AS container, volume.name AS volume
FROM snapshot JOIN project ON project.id = snapshot.project_id JOIN realm ON realm.id = project.realm_id
LEFT JOIN container ON container.id = snapshot.container_id LEFT JOIN volume ON volume.id = snapshot.volume_id
"""


@dataclasses.dataclass(frozen=True)
class Source:
    """What a snapshot is to be of.

    Attributes:
        place: where its files lie in the pool.
        image: of a container, what its image is called; ``digest`` that image's.
    """

    id: str
    project_id: str
    place: str
    image: str = ""
    digest: str = ""


def source(db: Database, key: SourceKey) -> Source | None:
    """The container or volume that a key names."""
    volumes = "SELECT id, project_id, 'v/' || id || '-' || generation, '', '', name FROM volume"
    containers = "SELECT id, project_id, 'c/' || id, spec ->> 'image', image_digest, name FROM container"
    row = db.row(
        f"SELECT found.* FROM ({volumes if key.kind == 'volume' else containers}) AS found "  # noqa: S608 - texts of ours
        "JOIN project ON project.id = found.project_id JOIN realm ON realm.id = project.realm_id "
        "WHERE realm.name = ? AND project.name = ? AND found.name = ?",
        key.realm,
        key.project,
        key.owner_name,
    )
    return None if row is None else Source(*row[:5])


def _from_row(row: Row) -> Snapshot:
    key = SnapshotKey(
        realm=row["realm"],
        project=row["project"],
        source=row["container"] or f"volume/{row['volume']}",
        name=row["name"],
    )
    return Snapshot(
        id=row["id"],
        project_id=row["project_id"],
        key=key,
        owner_id=row["container_id"] or row["volume_id"],
        size=row["size"],
        created=row["created"],
        expires=row["expires"],
        image=row["image"],
        digest=row["image_digest"] or "",
    )


def of(db: Database, owner_id: str) -> tuple[Snapshot, ...]:
    """The snapshots of a container or volume, the oldest first."""
    where = "WHERE ? IN (snapshot.container_id, snapshot.volume_id) ORDER BY snapshot.created, snapshot.name"
    return tuple(_from_row(row) for row in db.rows(f"{_SELECT} {where}", owner_id))


def every(db: Database) -> list[Snapshot]:
    """Every snapshot, by realm, project and what it is of, the oldest first."""
    order = "ORDER BY realm.name, project.name, ifnull(container.name, 'volume/' || volume.name), snapshot.created"
    return [_from_row(row) for row in db.rows(f"{_SELECT} {order}, snapshot.name")]


def find(db: Database, key: SnapshotKey) -> Snapshot | None:
    """The snapshot of that name."""
    owner = source(db, key)
    return next((one for one in of(db, owner.id) if one.key.name == key.name), None) if owner else None


def expired(db: Database, at: datetime.datetime) -> list[Snapshot]:
    """The snapshots that are to be gone at a time, those that expired first before the others."""
    where = "WHERE snapshot.expires <> '' AND snapshot.expires <= ? ORDER BY snapshot.expires, snapshot.id"
    return [_from_row(row) for row in db.rows(f"{_SELECT} {where}", _as_stored(at))]


def next_expiry(db: Database, at: datetime.datetime) -> datetime.datetime | None:
    """When the first of those expires that have not at a time; None where none does."""
    found = db.value("SELECT min(expires) FROM snapshot WHERE expires > ?", _as_stored(at))
    return datetime.datetime.fromisoformat(found) if found else None


def _as_stored(at: datetime.datetime) -> str:
    """A time as the store writes when one expires: in UTC and of one length, so that texts compare as times do."""
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds")


def propose(
    db: Database, secret: bytes, key: SnapshotKey, source: Source, size: int, seconds: int | None = None
) -> Snapshot:
    """The snapshot that :func:`insert` would write now; kept for so many seconds. Writes nothing.

    Args:
        db: the store.
        secret: the host's.
        key: its name.
        source: what it is of.
        size: bytes that the files take.
        seconds: how long it is kept; None for ever.
    """
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds or 0)
    return Snapshot(
        id=projects.next_id(db, secret, "snapshot"),
        project_id=source.project_id,
        key=SnapshotKey(**key.model_dump()),
        owner_id=source.id,
        size=size,
        created=now(),
        expires=_as_stored(expires) if seconds else "",
        image=source.image,
        digest=source.digest,
    )


def before(db: Database, secret: bytes, key: SnapshotKey, size: int) -> Snapshot | None:
    """The snapshot that has what a container or volume has now, before it is restored to ``key``."""
    owner = source(db, key)
    if owner is None:
        return None
    name = stamped("before-", {one.key.name for one in of(db, owner.id)})
    return propose(db, secret, key.model_copy(update={"name": name}), owner, size)


def insert(db: Database, snapshot: Snapshot) -> None:
    """Write a snapshot. Inside a transaction."""
    projects.count(db, "snapshot")
    is_volume = snapshot.key.kind == "volume"
    db.execute(
        "INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        snapshot.id,
        snapshot.project_id,
        None if is_volume else snapshot.owner_id,
        snapshot.owner_id if is_volume else None,
        snapshot.key.name,
        snapshot.size,
        snapshot.created,
        snapshot.expires,
        snapshot.image,
        snapshot.digest or None,
    )


def delete(db: Database, snapshot_id: str) -> None:
    """Forget a snapshot. Inside a transaction."""
    db.execute("DELETE FROM snapshot WHERE id = ?", snapshot_id)
