"""Realms and projects: every kind whose resources they own finds them here."""

from collections.abc import Iterator
from typing import Any

from skerry.model.base import DEFAULT
from skerry.model.errors import Code, SkerryError
from skerry.model.ids import make_id
from skerry.model.tenants import Project, ProjectKey, Quota, Realm, RealmKey
from skerry.store.db import Database, Row, now

_PROJECTS = "SELECT project.*, realm.name AS realm FROM project JOIN realm ON realm.id = project.realm_id"
_OWNED = {"container": "containers", "volume": "volumes", "secret": "secrets", "snapshot": "snapshots"}


def ids(db: Database, secret: bytes, realm: str, project: str) -> tuple[str, str]:
    """The ids of a realm and of its project. Those of the default one are known before they are written.

    Raises:
        SkerryError: there is no such realm or project.
    """
    found_realm = find_realm(db, RealmKey(name=realm))
    found = find(db, ProjectKey(realm=realm, name=project))
    if found is not None:
        return found.realm_id, found.id
    if (realm, project) == (DEFAULT, DEFAULT):
        return (found_realm.id if found_realm else _realm_id(db, secret, realm)), _project_id(
            db, secret, realm, project
        )
    if found_realm is None:
        raise SkerryError(
            Code.NOT_FOUND, f"there is no realm {realm}", f"Create it first: skerry realm create {realm}"
        )
    raise SkerryError(
        Code.NOT_FOUND,
        f"there is no project {realm}/{project}",
        f"Create it first: skerry project create {realm}/{project}",
    )


def write(db: Database, realm_id: str, realm: str, project_id: str, project: str) -> None:
    """Write the default realm and project where they are new. All others are there. Inside a transaction."""
    if (realm, project) == (DEFAULT, DEFAULT) and find(db, ProjectKey(name=project)) is None:
        db.execute("INSERT OR IGNORE INTO realm (id, name, created) VALUES (?, ?, ?)", realm_id, realm, now())
        insert(db, Project(project_id, realm_id, ProjectKey(name=project), created=now()))
        raise_generation(db, realm)
        raise_generation(db, realm, project)


def _generation(db: Database, realm: str, project: str = "", name: str = "") -> int:
    query = "SELECT value FROM generation WHERE realm = ? AND project = ? AND name = ?"
    return int(db.value(query, realm, project, name) or 0)


def next_generation(db: Database, realm: str, project: str, name: str) -> int:
    """The generation that the next container of that name gets."""
    return _generation(db, realm, project, name) + 1


def raise_generation(db: Database, realm: str, project: str = "", name: str = "") -> None:
    """Note that a realm, project or container of that name was made: no id comes back. Inside a transaction."""
    db.execute(
        "INSERT INTO generation VALUES (?, ?, ?, 1) "
        "ON CONFLICT (realm, project, name) DO UPDATE SET value = value + 1",
        realm,
        project,
        name,
    )


def _id(db: Database, secret: bytes, generation: int, *fields: str) -> str:
    """An id; that of a name which was there before has its generation in it."""
    again = (generation + 1,) if generation else ()
    return make_id(secret, int(db.get_meta("epoch", "1")), *fields, *again)


def _realm_id(db: Database, secret: bytes, realm: str) -> str:
    return _id(db, secret, _generation(db, realm), "realm", realm)


def _project_id(db: Database, secret: bytes, realm: str, project: str) -> str:
    return _id(db, secret, _generation(db, realm, project), "project", realm, project)


def propose_realm(db: Database, secret: bytes, key: RealmKey) -> Realm:
    """The realm that would be written now. Writes nothing, so a plan can be shown for it."""
    return Realm(_realm_id(db, secret, key.name), key, created=now())


def propose(db: Database, secret: bytes, realm: Realm, key: ProjectKey) -> Project:
    """The project that would be written now, likewise."""
    return Project(_project_id(db, secret, key.realm, key.name), realm.id, key, created=now())


def _realm(row: Row) -> Realm:
    return Realm(
        id=row["id"],
        key=RealmKey(name=row["name"]),
        quota=Quota.model_validate_json(row["quota"]),
        merge_memory=bool(row["merge_memory"]),
        created=row["created"],
    )


def _project(row: Row) -> Project:
    return Project(
        id=row["id"],
        realm_id=row["realm_id"],
        key=ProjectKey(realm=row["realm"], name=row["name"]),
        quota=Quota.model_validate_json(row["quota"]),
        created=row["created"],
    )


def find_realm(db: Database, key: RealmKey) -> Realm | None:
    """The realm of that name."""
    row = db.row("SELECT * FROM realm WHERE name = ?", key.name)
    return _realm(row) if row else None


def find(db: Database, key: ProjectKey) -> Project | None:
    """The project of that name."""
    row = db.row(f"{_PROJECTS} WHERE realm.name = ? AND project.name = ?", key.realm, key.name)
    return _project(row) if row else None


def realms(db: Database) -> list[Realm]:
    """Every realm, by name."""
    return [_realm(row) for row in db.rows("SELECT * FROM realm ORDER BY name")]


def projects(db: Database, realm_id: str = "") -> list[Project]:
    """Every project, or those of a realm, by realm and name."""
    where = "WHERE realm.id = ?1 OR ?1 = ''"
    return [
        _project(row) for row in db.rows(f"{_PROJECTS} {where} ORDER BY realm.name, project.name", realm_id)
    ]


def owners(db: Database, realm_id: str, project_id: str) -> list[Realm | Project]:
    """A project and its realm, as far as they are written."""
    project = [_project(row) for row in db.rows(f"{_PROJECTS} WHERE project.id = ?", project_id)]
    realm = [_realm(row) for row in db.rows("SELECT * FROM realm WHERE id = ?", realm_id)]
    return [*project, *realm]


def insert_realm(db: Database, realm: Realm) -> None:
    """Write a realm, new or with other options. Inside a transaction."""
    db.execute(
        "INSERT INTO realm (id, name, quota, merge_memory, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) "
        "DO UPDATE SET quota = excluded.quota, merge_memory = excluded.merge_memory",
        realm.id,
        realm.key.name,
        realm.quota.model_dump_json(exclude_none=True),
        int(realm.merge_memory),
        realm.created,
    )


def insert(db: Database, project: Project) -> None:
    """Write a project, new or with other options. Inside a transaction."""
    db.execute(
        "INSERT INTO project (id, realm_id, name, quota, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) "
        "DO UPDATE SET quota = excluded.quota",
        project.id,
        project.realm_id,
        project.key.name,
        project.quota.model_dump_json(exclude_none=True),
        project.created,
    )


def delete_realm(db: Database, realm_id: str) -> None:
    """Forget a realm. Inside a transaction; a project of it makes this fail."""
    db.execute("DELETE FROM realm WHERE id = ?", realm_id)


def delete(db: Database, project_id: str) -> None:
    """Forget a project. Inside a transaction; whatever is in it makes this fail."""
    db.execute("DELETE FROM project WHERE id = ?", project_id)


def contents(db: Database, project_id: str) -> dict[str, list[str]]:
    """The names of what a project has, by what it is; only of what there is."""
    found = {
        plural: [
            row[0]
            for row in db.rows(f"SELECT name FROM {table} WHERE project_id = ? ORDER BY 1", project_id)  # noqa: S608 - texts of ours
        ]
        for table, plural in _OWNED.items()
    }
    return {plural: names for plural, names in found.items() if names}


def in_work(db: Database, field: str, owner_id: str) -> list[str]:
    """What an operation that is not over is about, of a realm (``realm_id``) or a project (``project_id``)."""
    query = (
        "SELECT DISTINCT resource FROM operation WHERE state = 'open' "
        "AND ?2 IN (plan ->> ('$.before.' || ?1), plan ->> ('$.after.' || ?1)) ORDER BY 1"
    )
    return [row[0] for row in db.rows(query, field, owner_id)]


def merges(db: Database, realm_id: str) -> bool:
    """Whether equal memory of a realm's containers is kept once."""
    return bool(db.value("SELECT merge_memory FROM realm WHERE id = ?", realm_id))


def running(db: Database, realm_id: str) -> list[str]:
    """The containers of a realm that are to run, as ``PROJECT/NAME``."""
    query = (
        "SELECT project.name || '/' || container.name FROM container JOIN project ON project.id = project_id "
        "WHERE realm_id = ? AND desired = 'started' ORDER BY 1"
    )
    return [row[0] for row in db.rows(query, realm_id)]


def specs(db: Database, owner_id: str, besides: str = "") -> Iterator[tuple[str, Any]]:
    """What counts for the quotas of a realm or project: the spec (JSON) of each container, the size of each volume.

    Args:
        db: the store.
        owner_id: the id of the realm or project.
        besides: the id of a container or volume that does not count.
    """
    joined = "JOIN project ON project.id = project_id WHERE ?1 IN (project_id, realm_id)"
    for table, column in (("container", "spec"), ("volume", "size")):
        query = f"SELECT {column} FROM {table} {joined} AND {table}.id != ?2"  # noqa: S608 - texts of ours
        yield from ((table, row[0]) for row in db.rows(query, owner_id, besides))


def next_id(db: Database, secret: bytes, kind: str) -> str:
    """The id that the next resource of a kind gets; it is never given out again once :func:`count` was called."""
    made = int(db.get_meta(f"made_{kind}", "0"))
    return make_id(secret, int(db.get_meta("epoch", "1")), "resource", kind, made + 1)


def count(db: Database, kind: str) -> None:
    """Note that a resource of a kind was made. Inside a transaction."""
    db.set_meta(f"made_{kind}", str(int(db.get_meta(f"made_{kind}", "0")) + 1))
