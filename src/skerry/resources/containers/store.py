"""Containers, their routes and tombstones."""

import dataclasses
import json
from collections.abc import Mapping

from skerry.model.addresses import max_slot
from skerry.model.container import Container, ContainerKey, Desired, Image, Spec
from skerry.model.ends import End
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.ids import make_id
from skerry.model.kept import KeptRoot
from skerry.model.neighbours import Peer, links
from skerry.model.size import parse_size
from skerry.store import projects, references
from skerry.store.db import Database, Row, now


@dataclasses.dataclass(frozen=True)
class Promise:
    """What containers may use at most.

    Attributes:
        memory: bytes of RAM, of those that are to run.
        disk: bytes of the pool, of every one.
    """

    memory: int
    disk: int


TABLES = (
    """
-- What a container does by itself, as it was seen last: how its program ended, how its health is.
CREATE TABLE container_now (
    container_id TEXT PRIMARY KEY REFERENCES container (id) ON DELETE CASCADE,
    ended TEXT,   -- JSON; NULL where it runs since somebody started it
    health TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE root (
    container_id TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    place INTEGER NOT NULL,  -- 0 for the one that the container has, then those that are kept, the last one first
    image_digest TEXT NOT NULL REFERENCES image (digest),
    image TEXT NOT NULL,     -- what the container's spec called it
    size INTEGER NOT NULL,
    PRIMARY KEY (container_id, number)
) STRICT;
CREATE INDEX root_image ON root (image_digest);
""",
    """
-- Those that are to run and have not been started since the host was.
CREATE TABLE coming_back (
    container_id TEXT PRIMARY KEY REFERENCES container (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
""",
)
"""The tables of this kind that are younger than the schema of the store, then their migrations."""

_SELECT = """
SELECT container.*, project.realm_id, project.name AS project, realm.name AS realm, merge_memory, ended, health
FROM container JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id
LEFT JOIN container_now ON container_now.container_id = container.id
"""


def _from_row(db: Database, row: Row) -> Container:
    image = references.image(db, row["image_digest"])
    if image is None:  # a foreign key holds this
        raise SkerryError(
            Code.HOST, f"image {row['image_digest']} of container {row['id']} is not in the store"
        )
    spec = Spec.model_validate_json(row["spec"])
    roots = db.rows("SELECT * FROM root WHERE container_id = ? ORDER BY place", row["id"])
    return Container(
        id=row["id"],
        realm_id=row["realm_id"],
        project_id=row["project_id"],
        key=ContainerKey(realm=row["realm"], project=row["project"], name=row["name"]),
        slot=row["slot"],
        image=image,
        spec=spec,
        desired="frozen" if row["frozen"] else row["desired"],
        version=row["version"],
        created=row["created"],
        data=data_of(db, row["project_id"], spec),
        ended=End(**json.loads(row["ended"])) if row["ended"] else None,
        health=row["health"] or "",
        root=next((one["number"] for one in roots if one["place"] == 0), 1),
        kept=tuple(
            KeptRoot(one["number"], one["image"], one["image_digest"], one["size"])
            for one in roots
            if one["place"]
        ),
        merge_memory=bool(row["merge_memory"]),
        values=values_of(db, row["project_id"], spec),
        neighbours=neighbours_of(db, row["realm_id"], row["project"], row["name"], spec),
    )


def data_of(db: Database, project_id: str, spec: Spec) -> dict[str, str]:
    """Of each volume in a spec that the project has, the name of its subvolume."""
    names = {use.volume for use in spec.volumes}
    return references.data_of_volumes(db, project_id, names) if names else {}


def values_of(db: Database, project_id: str, spec: Spec) -> dict[str, tuple[str, int, int]]:
    """Of each secret in a spec that the project has: id, version and bytes of its value."""
    names = {use.secret for use in spec.secrets}
    return references.values_of_secrets(db, project_id, names) if names else {}


def neighbours_of(db: Database, realm_id: str, project: str, name: str, spec: Spec) -> dict[str, int]:
    """What a container with this spec calls each container that it may reach, with that one's slot."""
    if not spec.reaches:
        return {}
    own = Peer("", project, name, 0, up=False, reaches=spec.reaches)
    others = [one for one in peers(db, realm_id) if (one.project, one.name) != (project, name)]
    found = (link for link in links([own, *others]) if link.source is own)
    return {link.reach.host_name: link.target.slot for link in found}


def peers(db: Database, realm_id: str) -> list[Peer]:
    """The containers of a realm, as far as it matters for who may talk to whom."""
    rows = db.rows(
        "SELECT container.id, project.name, container.name, slot, desired, spec -> '$.reaches', "
        "spec -> '$.reachable_from' FROM container JOIN project ON project.id = container.project_id WHERE realm_id = ?",
        realm_id,
    )
    return [
        Peer(
            one,
            project,
            name,
            slot,
            desired != "stopped",
            *(tuple(json.loads(text or "[]")) for text in options),
        )
        for one, project, name, slot, desired, *options in rows
    ]


def find(db: Database, key: ContainerKey) -> Container | None:
    """The container of that name."""
    where = "WHERE realm.name = ? AND project.name = ? AND container.name = ?"
    row = db.row(f"{_SELECT} {where}", key.realm, key.project, key.name)
    return _from_row(db, row) if row else None


def find_id(db: Database, container_id: str) -> Container | None:
    """The container with that id."""
    row = db.row(f"{_SELECT} WHERE container.id = ?", container_id)
    return _from_row(db, row) if row else None


def all_containers(db: Database) -> list[Container]:
    """Every container, by realm, project and name."""
    return [
        _from_row(db, row) for row in db.rows(f"{_SELECT} ORDER BY realm.name, project.name, container.name")
    ]


def with_ttl(db: Database) -> list[Container]:
    """Every container that lives for a time only."""
    return [
        _from_row(db, row) for row in db.rows(f"{_SELECT} WHERE ifnull(container.spec ->> '$.ttl', '') <> ''")
    ]


def keys(db: Database) -> list[ContainerKey]:
    """What every container is called, by realm, project and name."""
    query = (
        "SELECT realm.name AS realm, project.name AS project, container.name AS name FROM container "
        "JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id ORDER BY 1, 2, 3"
    )
    return [ContainerKey(realm=row[0], project=row[1], name=row[2]) for row in db.rows(query)]


def promised(db: Database, besides: str = "") -> Promise:
    """What all containers are promised, without the one whose id is ``besides``."""
    memory = disk = 0
    for row in db.rows("SELECT spec, desired FROM container WHERE id != ?", besides):
        spec = json.loads(row["spec"])
        memory += parse_size(spec["memory"]) if row["desired"] == "started" else 0
        disk += parse_size(spec["disk"])
    return Promise(memory, disk)


def _next_slot(db: Database, host: HostConfig) -> int:
    """The next free slot after the one given out last: an address and a uid range rest as long as possible."""
    last, top = int(db.get_meta("last_slot", "0")), max_slot(host)
    used = {row[0] for row in db.rows("SELECT slot FROM container")}
    for offset in range(top):
        slot = (last + offset) % top + 1
        if slot not in used:
            return slot
    raise SkerryError(
        Code.HOST, f"all {top} addresses of {host.ipv4} are in use", "Delete containers or widen the prefix"
    )


def propose(
    db: Database, host: HostConfig, secret: bytes, key: ContainerKey, spec: Spec, image: Image
) -> Container:
    """The container that :func:`insert` would write now. Writes nothing, so a plan can be shown for it."""
    epoch = int(db.get_meta("epoch", "1"))
    realm_id, project_id = projects.ids(db, secret, key.realm, key.project)
    generation = projects.next_generation(db, key.realm, key.project, key.name)
    return Container(
        id=make_id(secret, epoch, key.realm, key.project, key.name, generation),
        realm_id=realm_id,
        project_id=project_id,
        key=key,
        slot=_next_slot(db, host),
        image=image,
        spec=spec,
        desired="stopped",
        created=now(),
        data=data_of(db, project_id, spec),
        values=values_of(db, project_id, spec),
        neighbours=neighbours_of(db, realm_id, key.project, key.name, spec),
        merge_memory=projects.merges(db, realm_id),
    )


def _stored(desired: Desired) -> tuple[str, bool]:
    """The columns ``desired`` and ``frozen``."""
    return ("started", True) if desired == "frozen" else (desired, False)


def insert(db: Database, container: Container) -> None:
    """Write a new container, and the default realm and project where they are new. Inside a transaction."""
    key = container.key
    projects.write(db, container.realm_id, key.realm, container.project_id, key.project)
    projects.raise_generation(db, key.realm, key.project, key.name)
    db.set_meta("last_slot", str(container.slot))
    db.execute(
        "INSERT INTO container (id, project_id, name, slot, image_digest, spec, desired, frozen, version, created) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        container.id,
        container.project_id,
        key.name,
        container.slot,
        container.image.digest,
        container.spec.model_dump_json(),
        *_stored(container.desired),
        container.version,
        container.created,
    )


def update(db: Database, container: Container) -> Container:
    """Write what may change of a container and raise its version. Inside a transaction."""
    raised = dataclasses.replace(container, version=container.version + 1)
    db.execute(
        "UPDATE container SET name = ?, image_digest = ?, spec = ?, desired = ?, frozen = ?, version = ? WHERE id = ?",
        raised.key.name,
        raised.image.digest,
        raised.spec.model_dump_json(),
        *_stored(raised.desired),
        raised.version,
        raised.id,
    )
    set_now(db, raised.id, raised.ended, raised.health)
    db.execute("DELETE FROM root WHERE container_id = ?", raised.id)
    this = KeptRoot(raised.root, raised.spec.image, raised.image.digest, 0)
    for place, one in enumerate((this, *raised.kept)):
        values = (raised.id, one.number, place, one.digest, one.image, one.size)
        db.execute("INSERT INTO root VALUES (?, ?, ?, ?, ?, ?)", *values)
    return raised


def set_now(db: Database, container_id: str, ended: End | None, health: str) -> None:
    """Write what a container does by itself. Inside a transaction."""
    db.execute(
        "INSERT INTO container_now VALUES (?, ?, ?) "
        "ON CONFLICT (container_id) DO UPDATE SET ended = excluded.ended, health = excluded.health",
        container_id,
        json.dumps(dataclasses.asdict(ended)) if ended else None,
        health,
    )


def let_all_come_back(db: Database) -> None:
    """Write down that each container that is to run is to be started, since the host was. Inside a transaction."""
    db.execute("DELETE FROM coming_back")
    db.execute("INSERT INTO coming_back SELECT id FROM container WHERE desired = 'started' AND NOT frozen")


def comes_back(db: Database, container_id: str) -> bool:
    """Whether a container is still to be started since the host was."""
    return db.row("SELECT 1 FROM coming_back WHERE container_id = ?", container_id) is not None


def came_back(db: Database, container_id: str) -> None:
    """Write down that a container is not to be started any more because the host was. Inside a transaction."""
    db.execute("DELETE FROM coming_back WHERE container_id = ?", container_id)


def delete(db: Database, container_id: str) -> None:
    """Bury a container: its row and routes go, its id is never used again. Inside a transaction."""
    db.execute("DELETE FROM container WHERE id = ?", container_id)
    db.execute("INSERT OR IGNORE INTO tombstone VALUES (?, ?)", container_id, now())


def set_routes(db: Database, container_id: str, routes: Mapping[str, str]) -> None:
    """Make ``routes`` (host name to map value) the only ones of a container. Inside a transaction."""
    db.execute(
        "DELETE FROM route WHERE container_id = ? AND host NOT IN (SELECT value FROM json_each(?))",
        container_id,
        json.dumps(list(routes)),
    )
    for host_name, value in routes.items():
        db.execute(
            "INSERT INTO route VALUES (?, ?, ?) ON CONFLICT (host) DO UPDATE SET value = excluded.value",
            host_name,
            container_id,
            value,
        )
