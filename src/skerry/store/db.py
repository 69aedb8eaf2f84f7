"""The SQLite file: opening, migrations, transactions."""

import contextlib
import datetime
import importlib.resources
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skerry.model.errors import Code, SkerryError

Row = sqlite3.Row


def now() -> str:
    """The current time, UTC, as the store writes it (RFC 3339)."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def _migrations() -> list[str]:
    folder = importlib.resources.files("skerry.store")
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith("schema_"))
    return [(folder / name).read_text(encoding="utf-8") for name in files]


def _newer(path: str, found: str, known: int) -> SkerryError:
    return SkerryError(
        Code.HOST,
        f"{path} has {found}, this Skerry knows {known}",
        "Install the Skerry that wrote it, or a newer one",
    )


class Database:
    """One connection, shared by the engine's threads; a lock keeps their transactions apart.

    Attributes:
        kinds: of each kind with tables of its own, the scripts that make them and migrate them, in order.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self.kinds: Mapping[str, Sequence[str]] = {}
        self.retired = threading.Event()  # another store takes its place: nothing more is written to this one

    @classmethod
    def open(cls, path: str, kinds: Mapping[str, Sequence[str]] | None = None) -> "Database":
        """Open the store at ``path``, make it where it is missing, and bring it to the newest schema.

        Args:
            path: the file.
            kinds: of each kind with tables of its own, the scripts that make them and migrate them, in order.

        Raises:
            SkerryError: the file was written by a newer Skerry.
        """
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        Path(path).chmod(0o600)
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        database = cls(connection)
        database.kinds = kinds or {}
        database.renew(path)
        return database

    @classmethod
    def in_memory(cls, kinds: Mapping[str, Sequence[str]], data: bytes = b"") -> "Database":
        """A copy of a store that no file has; without ``data`` an empty one."""
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        connection.row_factory = sqlite3.Row
        if data:
            connection.deserialize(data)
            connection.execute("PRAGMA foreign_keys=ON")
        found = cls(connection)
        found.kinds = kinds
        return found

    def older(self, tables: Mapping[str, int]) -> "Database":
        """An empty store in memory with the tables of an older one, which :meth:`renew` brings to those of this one.

        Its rows may refer to none.
        """
        kinds = {kind: scripts[: tables.get(kind, 0)] for kind, scripts in self.kinds.items()}
        found = Database.in_memory(kinds)
        found.renew(upto=tables.get("store", 0))
        found.kinds = self.kinds
        return found

    def renew(self, path: str = "the store", upto: int | None = None) -> None:
        """Bring it to the newest tables, of its own schema to those of version ``upto``.

        Raises:
            SkerryError: it was written by a newer Skerry.
        """
        self._migrate(path, _migrations()[:upto])
        for kind, scripts in self.kinds.items():
            self._migrate_kind(path, kind, scripts)

    def _migrate(self, path: str, scripts: Sequence[str]) -> None:
        version = self.value("PRAGMA user_version")
        if version > len(scripts):
            raise _newer(path, f"schema {version}", len(scripts))
        for number, script in enumerate(scripts[version:], start=version + 1):
            self._connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={number};\nCOMMIT;"
            )

    def _migrate_kind(self, path: str, kind: str, scripts: Sequence[str]) -> None:
        version = self.value("SELECT version FROM kind_schema WHERE kind = ?", kind) or 0
        if version > len(scripts):
            raise _newer(path, f"schema {version} of {kind}", len(scripts))
        for number, script in enumerate(scripts[version:], start=version + 1):
            self._connection.executescript(
                f"BEGIN IMMEDIATE;\n{script};\n"  # noqa: S608 - names of ours
                f"INSERT OR REPLACE INTO kind_schema VALUES ('{kind}', {number});\nCOMMIT;"
            )

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """All or nothing. Where not ``durable``, the commit is not synced: a power cut may take it back."""
        with self._lock:
            if self.retired.is_set():
                raise SkerryError(
                    Code.BUSY,
                    "the state of this host was just restored, and the engine starts anew with it",
                    "Ask again in some seconds",
                )
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def execute(self, sql: str, *values: Any) -> int:
        """Run one statement inside a transaction; returns the id of the row it inserted."""
        with self._lock:
            return self._connection.execute(sql, values).lastrowid or 0

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, if there is one."""
        with self._lock:
            found: Row | None = self._connection.execute(sql, values).fetchone()
            return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, *values)
        return found[0] if found else None

    def tables(self) -> dict[str, int]:
        """The version of the store's own schema, as ``store``, and of each kind's tables."""
        kinds = {row[0]: row[1] for row in self.rows("SELECT kind, version FROM kind_schema")}
        return {"store": self.value("PRAGMA user_version"), **kinds}

    def get_meta(self, key: str, default: str) -> str:
        """A single remembered value of the host."""
        return str(self.value("SELECT value FROM meta WHERE key = ?", key) or default)

    def set_meta(self, key: str, value: str) -> None:
        """Remember a single value of the host."""
        self.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value,
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
