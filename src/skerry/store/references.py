"""What one kind of resource asks about another one, by its id or name. Reads only."""

import dataclasses
import json
from collections.abc import Collection
from typing import Any

from skerry.model.container import Image, Spec
from skerry.model.publish import parse
from skerry.store.db import Database, Row


def image_of_row(row: Row) -> Image:
    """The image that a row of the table ``image`` holds."""
    return Image(
        digest=row["digest"],
        name=row["name"],
        size=row["size"],
        command=tuple(json.loads(row["command"])),
        env=json.loads(row["env"]),
        created=row["created"],
        recipe=row["recipe"],
        **{name: _tuple(value) for name, value in json.loads(row["oci"]).items()},
    )


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def image(db: Database, reference: str) -> Image | None:
    """The image of that name or digest (with or without ``sha256:``)."""
    digest = reference.removeprefix("sha256:")
    row = db.row("SELECT * FROM image WHERE name = ? OR digest = ?", reference, digest)
    return image_of_row(row) if row else None


def image_names(db: Database) -> list[str]:
    """The name of every image, sorted."""
    return [row[0] for row in db.rows("SELECT name FROM image ORDER BY name")]


def all_images(db: Database) -> list[Image]:
    """Every image, by name."""
    return [image_of_row(row) for row in db.rows("SELECT * FROM image ORDER BY name")]


def users_of_image(db: Database, digest: str) -> list[str]:
    """The containers that are made of an image, or have a root or a snapshot on it, as a person names them."""
    name = "realm.name || '/' || project.name || '/' || container.name"
    joined = "JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id"
    kept = "JOIN root ON root.container_id = container.id AND root.place > 0"
    taken = "JOIN snapshot ON snapshot.container_id = container.id"
    rows = db.rows(
        f"SELECT {name} FROM container {joined} WHERE container.image_digest = ?1 UNION "  # noqa: S608 - texts of ours
        f"SELECT {name} || ' (kept root ' || root.number || ')' FROM container {kept} {joined} "
        "WHERE root.image_digest = ?1 UNION "
        f"SELECT {name} || ' (snapshot ' || snapshot.name || ')' FROM container {taken} {joined} "
        "WHERE snapshot.image_digest = ?1 ORDER BY 1",
        digest,
    )
    return [row[0] for row in rows]


def users_of_secret(db: Database, project_id: str, name: str) -> list[tuple[str, str]]:
    """The containers that have the secret of that name in their project: id, and how a person names it."""
    return _users(db, "secrets", "secret", project_id, name)


def keeps_orphans(db: Database) -> bool:
    """Whether files that no row names are to stay: the store is new, so they may be those of one that was lost.

    A host whose first start found none of them takes away what it finds later.
    """
    return db.get_meta("boot_id", "") == "" or db.get_meta("keeps_orphans", "") == "1"


def all_names(db: Database, table: str) -> tuple[str, ...]:
    """Realm, project and name of every container, volume or secret, sorted."""
    return tuple(row[0] for row in _every(db, table, "name"))


def container_ids(db: Database) -> list[tuple[str, str]]:
    """Realm, project and name of every container, and its id, sorted."""
    return [(row[0], row[1]) for row in _every(db, "container", "id")]


def volume_data(db: Database) -> list[tuple[str, str]]:
    """Realm, project and name of every volume, and the name of its subvolume, sorted."""
    return [(row[0], row[1]) for row in _every(db, "volume", "id || '-' || volume.generation")]


def _every(db: Database, table: str, field: str) -> list[Row]:
    return db.rows(
        f"SELECT realm.name || '/' || project.name || '/' || {table}.name, {table}.{field} FROM {table} "  # noqa: S608 - texts of ours
        f"JOIN project ON project.id = {table}.project_id JOIN realm ON realm.id = project.realm_id ORDER BY 1"
    )


def all_aliases(db: Database) -> tuple[str, ...]:
    """Every alias, sorted."""
    return tuple(row[0] for row in db.rows("SELECT name FROM alias ORDER BY 1"))


def secret_names(db: Database, realm: str, project: str) -> list[str]:
    """The names of a project's secrets, sorted."""
    return _names(db, "secret", realm, project)


def values_of_secrets(
    db: Database, project_id: str, names: Collection[str]
) -> dict[str, tuple[str, int, int]]:
    """Of a project's secrets with these names: id, version, and how many bytes the value has."""
    query = "SELECT name, id, version, size FROM secret WHERE project_id = ?"
    return {row[0]: (row[1], row[2], row[3]) for row in db.rows(query, project_id) if row[0] in names}


def bytes_of_secrets(db: Database, container_id: str, besides: str = "") -> int:
    """Bytes of the values of all secrets that a container has, but for the one called ``besides``."""
    query = (
        "SELECT ifnull(sum(secret.size), 0) FROM container JOIN json_each(container.spec, '$.secrets') AS entry "
        "JOIN secret ON secret.project_id = container.project_id AND secret.name = entry.value ->> 'secret' "
        "WHERE container.id = ? AND secret.name != ?"
    )
    return int(db.value(query, container_id, besides))


def users_of_volume(db: Database, project_id: str, name: str) -> list[tuple[str, str]]:
    """The containers that have the volume of that name in their project: id, and how a person names it."""
    return _users(db, "volumes", "volume", project_id, name)


def started_users_of_volume(db: Database, project_id: str, name: str) -> list[str]:
    """Of the containers that have a volume, those that are to run."""
    found = users_of_volume(db, project_id, name)
    return [
        named
        for one, named in found
        if db.value("SELECT desired FROM container WHERE id = ?", one) == "started"
    ]


def volume_in_work(db: Database, volume_id: str) -> bool:
    """Whether files are being restored into a volume."""
    query = (
        "SELECT 1 FROM operation WHERE state = 'open' AND kind = 'volume' AND resource_id = ? "
        "AND verb IN ('volume_restore', 'snapshot_restore') LIMIT 1"
    )
    return db.value(query, volume_id) is not None


def is_imported(db: Database, container_id: str) -> bool:
    """Whether a container's files are just being brought: those of a new one, or of one that a backup brought back."""
    query = (
        "SELECT 1 FROM operation WHERE state = 'open' AND kind = 'container' AND resource_id = ? "
        "AND verb IN ('import', 'fill') LIMIT 1"
    )
    return db.value(query, container_id) is not None


def container_name(db: Database, container_id: str) -> str:
    """How a person names the container with that id; the id itself where it is gone."""
    query = (
        "SELECT realm.name || '/' || project.name || '/' || container.name FROM container "
        "JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id "
        "WHERE container.id = ?"
    )
    return str(db.value(query, container_id) or container_id)


def owners_of_disks(db: Database) -> list[str]:
    """The ids of what takes space of the pool, each with a limit: containers and volumes."""
    return [row[0] for row in db.rows("SELECT id FROM container UNION SELECT id FROM volume")]


def data_of_volumes(db: Database, project_id: str, names: Collection[str]) -> dict[str, str]:
    """Of a project's volumes with these names, the names of the subvolumes that hold their files (``parts.data``)."""
    query = "SELECT name, id || '-' || generation FROM volume WHERE project_id = ?"
    return {row[0]: row[1] for row in db.rows(query, project_id) if row[0] in names}


def volume_names(db: Database, realm: str, project: str) -> list[str]:
    """The names of a project's volumes, sorted."""
    return _names(db, "volume", realm, project)


def _users(db: Database, option: str, field: str, project_id: str, name: str) -> list[tuple[str, str]]:
    query = (
        "SELECT DISTINCT container.id, realm.name || '/' || project.name || '/' || container.name FROM container "
        "JOIN project ON project.id = container.project_id JOIN realm ON realm.id = project.realm_id "
        "JOIN json_each(container.spec, '$.' || ?) AS entry "
        "WHERE container.project_id = ? AND entry.value ->> ? = ? ORDER BY 2"
    )
    return [(row[0], row[1]) for row in db.rows(query, option, project_id, field, name)]


@dataclasses.dataclass(frozen=True)
class ContainerRow:
    """What other kinds need of a container.

    Attributes:
        image: the name that its image has now.
        digest: of that image.
        root: the number of the root that it has.
        desired: what it is to be: started, frozen, stopped.
    """

    id: str
    project_id: str
    slot: int
    image: str
    digest: str
    root: int
    desired: str
    spec: Spec

    @property
    def ports(self) -> dict[str, int]:
        """The port of each service; its plain URL's is that of ""."""
        return {"": self.spec.port} | {one.name: one.port for one in self.spec.services}

    @property
    def started(self) -> bool:
        """Whether it is to run."""
        return self.desired == "started"


def container(db: Database, realm: str, project: str, name: str) -> ContainerRow | None:
    """The container of that name."""
    row = db.row(
        "SELECT container.*, image.name AS image_name FROM container "
        "JOIN project ON project.id = container.project_id "
        "JOIN image ON image.digest = container.image_digest "
        "JOIN realm ON realm.id = project.realm_id WHERE realm.name = ? AND project.name = ? AND container.name = ?",
        realm,
        project,
        name,
    )
    if row is None:
        return None
    number = db.value("SELECT number FROM root WHERE container_id = ? AND place = 0", row["id"])
    return ContainerRow(
        id=row["id"],
        project_id=row["project_id"],
        slot=row["slot"],
        image=row["image_name"],
        digest=row["image_digest"],
        root=int(number or 1),
        desired=row["desired"],
        spec=Spec.model_validate_json(row["spec"]),
    )


def container_names(db: Database, realm: str, project: str) -> list[str]:
    """The containers of a project, sorted."""
    return _names(db, "container", realm, project)


def _names(db: Database, table: str, realm: str, project: str) -> list[str]:
    query = (
        f"SELECT {table}.name FROM {table} JOIN project ON project.id = {table}.project_id "  # noqa: S608 - texts of ours
        "JOIN realm ON realm.id = project.realm_id WHERE realm.name = ? AND project.name = ? ORDER BY 1"
    )
    return [row[0] for row in db.rows(query, realm, project)]


def published(db: Database, besides: str) -> set[str]:
    """The ports of the host that containers publish, as ``5432/tcp``, whether they run or not.

    One whose change is not done may get back what it had: that is nobody else's until then.

    Args:
        db: the store.
        besides: the id of a container whose own are left out.
    """
    query = (
        "SELECT entry.value FROM container, json_each(spec, '$.publish') AS entry WHERE container.id != ?1 UNION "
        "SELECT entry.value FROM operation, json_each(plan, '$.before.spec.publish') AS entry "
        "WHERE state = 'open' AND kind = 'container' AND resource_id != ?1"
    )
    return {parse(row[0]).taken for row in db.rows(query, besides)}


def aliases_of(db: Database, container_id: str) -> dict[str, str]:
    """The names that lead to a container, each with the service that it leads to ("" for the plain URL), sorted."""
    rows = db.rows("SELECT name, service FROM alias WHERE container_id = ? ORDER BY name", container_id)
    return {row["name"]: row["service"] for row in rows}
