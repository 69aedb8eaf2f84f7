"""Realms, projects, containers, their routes, generations and tombstones."""

import dataclasses
import json
from collections.abc import Mapping

from skerry.model.addresses import max_slot
from skerry.model.container import Container, ContainerKey, Image, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.ids import make_id
from skerry.store import images
from skerry.store.db import Database, Row, now

_SELECT = """
SELECT container.*, project.realm_id, project.name AS project, realm.name AS realm
FROM container JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id
"""


def _from_row(db: Database, row: Row) -> Container:
    image = images.find(db, row["image_digest"])
    if image is None:  # a foreign key holds this
        raise SkerryError(
            Code.HOST, f"image {row['image_digest']} of container {row['id']} is not in the store"
        )
    return Container(
        id=row["id"],
        realm_id=row["realm_id"],
        project_id=row["project_id"],
        key=ContainerKey(realm=row["realm"], project=row["project"], name=row["name"]),
        slot=row["slot"],
        image=image,
        spec=Spec.model_validate_json(row["spec"]),
        wanted=row["wanted"],
        version=row["version"],
        created=row["created"],
    )


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
    """The container that :func:`write` would insert now. Writes nothing, so a plan can be shown for it."""
    epoch = int(db.get_meta("epoch", "1"))
    project_id = make_id(secret, epoch, "project", key.realm, key.project)
    last = (
        db.value("SELECT value FROM generation WHERE project_id = ? AND name = ?", project_id, key.name) or 0
    )
    return Container(
        id=make_id(secret, epoch, key.realm, key.project, key.name, last + 1),
        realm_id=make_id(secret, epoch, "realm", key.realm),
        project_id=project_id,
        key=key,
        slot=_next_slot(db, host),
        image=image,
        spec=spec,
        wanted="stopped",
        created=now(),
    )


def insert(db: Database, container: Container) -> None:
    """Write a new container, and its realm and project where they are new. Inside a transaction."""
    key = container.key
    db.execute("INSERT OR IGNORE INTO realm VALUES (?, ?)", container.realm_id, key.realm)
    db.execute(
        "INSERT OR IGNORE INTO project VALUES (?, ?, ?)",
        container.project_id,
        container.realm_id,
        key.project,
    )
    db.execute(
        "INSERT INTO generation VALUES (?, ?, 1) ON CONFLICT (project_id, name) DO UPDATE SET value = value + 1",
        container.project_id,
        key.name,
    )
    db.set_meta("last_slot", str(container.slot))
    db.execute(
        "INSERT INTO container VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        container.id,
        container.project_id,
        key.name,
        container.slot,
        container.image.digest,
        container.spec.model_dump_json(),
        container.wanted,
        container.version,
        container.created,
    )


def update(db: Database, container: Container) -> Container:
    """Write what may change of a container and raise its version. Inside a transaction."""
    raised = dataclasses.replace(container, version=container.version + 1)
    db.execute(
        "UPDATE container SET spec = ?, wanted = ?, version = ? WHERE id = ?",
        raised.spec.model_dump_json(),
        raised.wanted,
        raised.version,
        raised.id,
    )
    return raised


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
