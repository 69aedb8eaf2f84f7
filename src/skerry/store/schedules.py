"""Which containers and volumes have snapshots taken by themselves, and when that was done last. Reads only."""

import dataclasses
import datetime

from skerry.model.snapshot import SourceKey
from skerry.store.db import Database, Row

AUTO = "auto-"  # what the names of those snapshots begin with

AHEAD = datetime.timedelta(minutes=5)  # by which a clock may have been set back since one was taken


@dataclasses.dataclass(frozen=True)
class Scheduled:
    """A container or volume with a schedule.

    Attributes:
        id: its own.
        place: where its files lie in the pool.
        every: how often; ``keep``: how long each is kept.
        created: when it was made.
        newest: the id of its newest automatic snapshot, which was taken at ``taken``; empty for none.
    """

    id: str
    key: SourceKey
    place: str
    every: str
    keep: str
    created: datetime.datetime
    newest: str = ""
    taken: datetime.datetime | None = None

    @property
    def newest_place(self) -> str:
        """Where the files of its newest automatic snapshot lie in the pool."""
        return f"s/{self.key.kind}/{self.newest}"


_QUERY = f"""
WITH found (id, project_id, source, place, every, keep, created) AS (
    SELECT id, project_id, name, 'c/' || id, spec ->> 'snapshot_every', spec ->> 'snapshot_keep', created
    FROM container WHERE spec ->> 'snapshot_every' <> ''
    UNION ALL
    SELECT id, project_id, 'volume/' || name, 'v/' || id || '-' || generation, snapshot_every, snapshot_keep, created
    FROM volume WHERE snapshot_every <> ''
)
SELECT found.*, project.name AS project, realm.name AS realm, newest.id AS newest, newest.created AS taken
FROM found JOIN project ON project.id = found.project_id JOIN realm ON realm.id = project.realm_id
LEFT JOIN snapshot AS newest ON newest.id = (
    SELECT id FROM snapshot
    WHERE (container_id = found.id OR volume_id = found.id) AND name GLOB '{AUTO}*' AND created <= ?
    ORDER BY created DESC LIMIT 1
)
ORDER BY realm.name, project.name, found.source
"""  # noqa: S608 - texts of ours


def scheduled(db: Database, at: datetime.datetime) -> list[Scheduled]:
    """All with a schedule, as they are ``at`` a time. A snapshot that a wrong clock has dated later does not count."""
    latest = (at.astimezone(datetime.UTC) + AHEAD).isoformat(timespec="milliseconds")
    return [_from_row(row) for row in db.rows(_QUERY, latest)]


def _from_row(row: Row) -> Scheduled:
    return Scheduled(
        id=row["id"],
        key=SourceKey(realm=row["realm"], project=row["project"], source=row["source"]),
        place=row["place"],
        every=row["every"],
        keep=row["keep"],
        created=datetime.datetime.fromisoformat(row["created"]),
        newest=row["newest"] or "",
        taken=datetime.datetime.fromisoformat(row["taken"]) if row["taken"] else None,
    )
