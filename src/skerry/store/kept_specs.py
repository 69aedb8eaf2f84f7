"""Which rows make a container, volume and the like, what has changed of them, and how they come into a store again."""

import contextlib
import dataclasses
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import get_args

from skerry import __version__
from skerry.model.container import Spec
from skerry.model.kept_spec import KeptSpec, Row, Which
from skerry.store.db import Database

TABLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "realm": (("realm", "id"),),
    "project": (("project", "id"), ("policy", "project_id")),
    "image": (("image", "digest"), ("image_layer", "image_digest")),
    "volume": (("volume", "id"), ("snapshot", "volume_id")),
    "secret": (("secret", "id"),),
    "container": (
        ("container", "id"),
        ("root", "container_id"),
        ("snapshot", "container_id"),
        ("route", "container_id"),
        ("alias", "container_id"),
        ("policy", "container_id"),
    ),
}
"""Of each kind its tables, the one with its id first, and the column of that; what others stand on comes first."""
_SHARED = frozenset({"route", "alias"})  # tables whose names another container may have taken meanwhile
_OWN = "SELECT realm.name || '/' || project.name || '/' || {0}.name FROM {0} JOIN project ON project.id = project_id"
_NAMES = {
    "realm": "SELECT name FROM realm WHERE id = ?",
    "project": "SELECT realm.name || '/' || project.name FROM project JOIN realm ON realm.id = realm_id "
    "WHERE project.id = ?",
    "image": "SELECT name FROM image WHERE digest = ?",
    **{
        kind: f"{_OWN.format(kind)} JOIN realm ON realm.id = realm_id WHERE {kind}.id = ?"
        for kind in ("volume", "secret", "container")
    },
}


def watch(db: Database) -> None:
    """From here on remember what changes, whoever changes it. What is known of changes so far is forgotten."""
    db.execute("PRAGMA temp_store=MEMORY")
    db.execute("CREATE TEMP TABLE changed_spec (kind TEXT NOT NULL, id TEXT NOT NULL)")
    for kind, tables in TABLES.items():
        for table, column in tables:
            for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                db.execute(
                    f"CREATE TEMP TRIGGER {kind}_{table}_{event} AFTER {event} ON main.{table} "  # noqa: S608 - texts of ours
                    f"WHEN {row}.{column} IS NOT NULL BEGIN "
                    f"INSERT INTO changed_spec VALUES ('{kind}', {row}.{column}); END"
                )


def changed(db: Database) -> list[tuple[str, str]]:
    """Kind and id of what has changed since this was asked last; nothing where nobody watches."""
    if db.row("SELECT 1 FROM temp.sqlite_schema WHERE name = 'changed_spec'") is None:
        return []
    found = [(row[0], row[1]) for row in db.rows("SELECT DISTINCT kind, id FROM changed_spec")]
    for one in found:
        db.execute("DELETE FROM changed_spec WHERE kind = ? AND id = ?", *one)
    return found


def mark(db: Database, kind: str, one: str) -> None:
    """Let :func:`changed` tell of one again."""
    db.execute("INSERT INTO changed_spec VALUES (?, ?)", kind, one)


def every(db: Database) -> Iterator[tuple[str, str]]:
    """Kind and id of all that there is."""
    for kind, ((table, column), *_) in TABLES.items():
        for row in db.rows(f"SELECT {column} FROM {table} ORDER BY 1"):  # noqa: S608 - texts of ours
            yield kind, row[0]


def dump(db: Database, host: str, kind: str, one: str) -> KeptSpec | None:
    """What is to be written of one of a kind; None where there is none.

    Args:
        db: the store.
        host: the domain of the host's URLs.
        kind: which kind.
        one: its id.
    """
    name = db.value(_NAMES[kind], one)
    if name is None:
        return None
    return KeptSpec(
        kind=next(known for known in get_args(Which) if known == kind),
        id=one,
        name=name,
        host=host,
        skerry=__version__,
        epoch=int(db.get_meta("epoch", "1")),
        tables=db.tables(),
        rows=_rows(db, kind, one),
    )


def _rows(db: Database, kind: str, one: str) -> dict[str, tuple[Row, ...]]:
    return {
        table: tuple(dict(row) for row in db.rows(f"SELECT * FROM {table} WHERE {column} = ?", one))  # noqa: S608 - texts of ours
        for table, column in TABLES[kind]
    }


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came into a store again.

    Attributes:
        rebuilt: what did.
        left: what did not, and why.
        lost: in words, what of the rebuilt did not come along.
    """

    rebuilt: list[KeptSpec] = dataclasses.field(default_factory=list)
    left: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    lost: list[str] = dataclasses.field(default_factory=list)


def rebuild(db: Database, found: Iterable[KeptSpec], is_there: Callable[[str], bool]) -> Outcome:
    """Write again what the store has not. What it has stays as it is. Inside a transaction.

    The epoch is raised by a random number, so that no id comes twice.

    Args:
        db: the store.
        found: what is to be there.
        is_there: whether the pool has a subvolume in that place.
    """
    outcome, order = Outcome(), list(TABLES)
    new = sorted(found, key=lambda one: (order.index(one.kind), one.name, one.id))
    _give_way(db, new)
    for one in new:
        db.execute("SAVEPOINT one_spec")
        try:
            lost = _write(db, one, is_there)
        except (sqlite3.Error, ValueError, KeyError) as error:
            db.execute("ROLLBACK TO one_spec")
            outcome.left.append((str(one), _why(error)))
        else:
            outcome.rebuilt.append(one)
            outcome.lost.extend(lost)
        db.execute("RELEASE one_spec")
    if outcome.rebuilt:
        epoch = max([int(db.get_meta("epoch", "1")), *(one.epoch for one in new)])
        db.set_meta("epoch", str(epoch + 1 + secrets.randbelow(2**40)))
    return outcome


def _why(error: Exception) -> str:
    text = str(error)
    if "FOREIGN KEY" in text:
        return "its realm, project or image is not there"
    if "UNIQUE" in text:
        what = "with its address" if text.endswith(".slot") else "of that name"
        return f"this host has another one {what}"
    return f"its file is damaged: {text}"


def _give_way(db: Database, new: Sequence[KeptSpec]) -> None:
    """Forget realms and projects in which nothing is, and which nobody has given a quota, for those of that name.

    A host's first start makes such ones. What is forgotten for one that cannot be written comes with the next start.
    """
    unnamed = "id NOT IN (SELECT value FROM token, json_each(project_ids))"
    project = f"DELETE FROM project WHERE realm_id = (SELECT id FROM realm WHERE name = ?) AND name = ? AND {unnamed}"  # noqa: S608
    realm = "DELETE FROM realm WHERE name = ? AND NOT merge_memory"
    for kind, query in (("project", project), ("realm", realm)):
        for one in (one for one in new if one.kind == kind):
            with contextlib.suppress(sqlite3.IntegrityError):  # something is in it
                db.execute(f"{query} AND quota = '{{}}'", *one.name.split("/"))


def _write(db: Database, spec: KeptSpec, is_there: Callable[[str], bool]) -> list[str]:
    """Write one; in words, what of it did not come along."""
    rows, lost = _of_now(db, spec), list[str]()
    if spec.kind == "image" and (name := _moved_on(db, spec)):
        rows = {**rows, "image": tuple(row | {"name": name} for row in rows["image"])}
        lost.append(f"the name of {spec}, which is another one's now: it is called {name}")
    for table, column in TABLES[spec.kind]:
        for row in rows.get(table, ()):
            if row[column] != spec.id:
                raise ValueError(f"its {table} is of {row[column]}")
            if table in {"snapshot", "root"} and (what := _gone(spec, table, row, is_there)):
                lost.append(f"{what} of {spec}: its files are not in the pool")
            elif not _insert(db, table, row):
                lost.append(
                    f"{table} {row.get('name', row.get('host'))} of {spec}: it leads to another one now"
                )
    _finish(db, spec)
    return lost


def _moved_on(db: Database, image: KeptSpec) -> str:
    """The name that an image gets whose own is another's now, as when a newer one takes it; empty where it is not."""
    taken = db.row("SELECT 1 FROM image WHERE name = ? AND digest <> ?", image.name, image.id)
    return f"{image.name}@{image.id[:12]}" if taken else ""


def _of_now(db: Database, spec: KeptSpec) -> Mapping[str, tuple[Row, ...]]:
    """Its rows, as tables of this Skerry have them.

    Raises:
        ValueError: a newer Skerry has written them.
    """
    known = db.tables()
    if spec.tables == known:
        return spec.rows
    for kind, version in sorted(spec.tables.items()):
        if version > known.get(kind, 0):
            raise ValueError(f"Skerry {spec.skerry} wrote it, which is newer; bring this host to that one")
    older = db.older(spec.tables)
    for table, rows in spec.rows.items():
        for row in rows:
            _insert(older, table, row)
    older.renew()
    return _rows(older, spec.kind, spec.id)


def _insert(db: Database, table: str, row: Row) -> bool:
    columns = {found["name"] for found in db.rows("SELECT name FROM pragma_table_info(?)", table)}
    if unknown := sorted(row.keys() - columns):
        raise ValueError(f"no {table} has {unknown[0]!r}")
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    ignoring = "OR IGNORE " if table in _SHARED else ""
    before = db.value("SELECT total_changes()")
    db.execute(f"INSERT {ignoring}INTO {table} ({names}) VALUES ({marks})", *row.values())  # noqa: S608 - known ones
    return bool(db.value("SELECT total_changes()") > before)


def _gone(spec: KeptSpec, table: str, row: Row, is_there: Callable[[str], bool]) -> str:
    """The snapshot or the kept root in a row, where it has no files; else nothing."""
    if table == "snapshot":
        return "" if is_there(f"s/{spec.kind}/{row['id']}") else f"snapshot {row['name']}"
    kept = row["place"] != 0
    return f"kept root {row['number']}" if kept and not is_there(f"kept/{spec.id}-{row['number']}") else ""


def _finish(db: Database, spec: KeptSpec) -> None:
    """Check what no table does, and let a container that is to run be started."""
    if spec.kind != "container":
        return
    row = db.row("SELECT spec, desired, frozen FROM container WHERE id = ?", spec.id)
    if row is None:
        raise ValueError("it has no container")
    try:
        Spec.model_validate_json(row["spec"])
    except ValueError:  # which may quote a secret
        raise ValueError("its options are none of a container") from None
    if row["desired"] == "started" and not row["frozen"]:
        db.execute("INSERT INTO coming_back VALUES (?)", spec.id)
