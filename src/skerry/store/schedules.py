"""Which containers and volumes have snapshots taken by themselves, when that was done last, and what was missed."""

import dataclasses
import datetime

from skerry.model.duration import parse_duration
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
        looked: when no file had changed since that.
        missed: why the last one that was due was not taken in time, in words; empty where it was.
    """

    id: str
    key: SourceKey
    place: str
    every: str
    keep: str
    created: datetime.datetime
    newest: str = ""
    taken: datetime.datetime | None = None
    looked: datetime.datetime | None = None
    missed: str = ""

    def due(self, now: datetime.datetime) -> datetime.datetime:
        """When the next one is to be taken; ``now`` where a wrong clock has dated what was before."""
        since = self.taken or self.created
        if self.looked and since < self.looked <= now:
            since = self.looked
        if since > now + AHEAD:
            return now
        return since + datetime.timedelta(seconds=parse_duration(self.every))

    def view(self, now: datetime.datetime) -> dict[str, str]:
        """When the next one comes, and what is to be said of the last one, as an answer shows it."""
        return {
            "next": self.due(now).astimezone(datetime.UTC).isoformat(timespec="seconds"),
            "missed": self.missed,
        }

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
SELECT found.*, project.name AS project, realm.name AS realm, newest.id AS newest, newest.created AS taken,
    CASE WHEN snapshot_due.newest = newest.id THEN looked END AS looked, ifnull(missed, '') AS missed
FROM found JOIN project ON project.id = found.project_id JOIN realm ON realm.id = project.realm_id
LEFT JOIN snapshot_due ON owner_id = found.id
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


def of(db: Database, owner_id: str) -> dict[str, str | None]:
    """When the next snapshot of a container or volume comes by itself, and why the last one did not, for an answer."""
    now = datetime.datetime.now(datetime.UTC)
    found = next((one.view(now) for one in scheduled(db, now) if one.id == owner_id), None)
    return {
        "snapshot_next": found["next"] if found else None,
        "snapshot_missed": found["missed"] if found else "",
    }


def note(
    db: Database, owner_id: str, missed: str, looked: tuple[str, datetime.datetime] | None = None
) -> None:
    """Write what became of the one that was due. A power cut may take that back.

    Args:
        db: the store.
        owner_id: the container or volume.
        missed: why it was not taken in time; empty where it was, or where no file had changed.
        looked: the newest snapshot and the time, where no file had changed since that.
    """
    newest, at = looked or ("", None)
    with db.transaction(durable=False):
        values = (owner_id, newest, at.isoformat() if at else "", missed)
        db.execute("INSERT OR REPLACE INTO snapshot_due VALUES (?, ?, ?, ?)", *values)


def keep(db: Database, known: set[str]) -> None:
    """Forget what is noted of all but these."""
    for row in db.rows("SELECT owner_id FROM snapshot_due"):
        if row[0] not in known:
            with db.transaction(durable=False):
                db.execute("DELETE FROM snapshot_due WHERE owner_id = ?", row[0])


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
        looked=datetime.datetime.fromisoformat(row["looked"]) if row["looked"] else None,
        missed=row["missed"],
    )
