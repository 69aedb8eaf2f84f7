"""A copy of the whole store for a backup, and one that comes from there: settled, so that a host can begin with it."""

import contextlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator

from skerry.model.backup import damaged
from skerry.store.db import now

_VERSIONS = slice(
    18, 20
)  # of a file's header: 2 and 2 where it has a write-ahead log beside it, which no copy has
_SECOND = "the host was restored from a backup that was made in the middle of it"


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(data)
        connection.execute("PRAGMA trusted_schema=OFF")
        yield connection


def copy(path: str) -> bytes:
    """The store at ``path`` as it is in one moment, as a file of SQLite's. It is written to meanwhile.

    Args:
        path: the file.
    """
    with (
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as source,
        contextlib.closing(sqlite3.connect(":memory:")) as target,
    ):
        source.backup(target)
        found = bytearray(target.serialize())
    found[_VERSIONS] = b"\x01\x01"
    return bytes(found)


def values(data: bytes) -> dict[str, int]:
    """Of each secret in a copy, its id and the version of its value."""
    with _opened(data) as connection:
        return dict(connection.execute("SELECT id, version FROM secret"))


def tables(data: bytes) -> dict[str, int]:
    """The versions of a copy's tables, as :meth:`Database.tables` tells them.

    Raises:
        SkerryError: it is no store.
    """
    try:
        with _opened(data) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            return {"store": version, **dict(connection.execute("SELECT kind, version FROM kind_schema"))}
    except sqlite3.Error as error:
        raise damaged(f"its state.db is no store of Skerry's: {error}") from error


def settled(data: bytes, least: int, is_there: Callable[[str], bool]) -> tuple[bytes, list[str]]:
    """A copy as a host begins with it: under a new epoch, and with nothing open; and what it has lost.

    The epoch is raised by a random number. Two hosts that are restored of one backup, or one host that is restored twice,
    give out no id twice either.

    Args:
        data: the copy.
        least: what the new epoch is above, besides the copy's own.
        is_there: whether the pool has a subvolume in that place.

    Raises:
        SkerryError: it is damaged.
    """
    try:
        with _opened(data) as connection:
            _check(connection)
            (found,) = connection.execute(
                "SELECT ifnull(max(CAST(value AS INTEGER)), 1) FROM meta WHERE key = 'epoch'"
            )
            epoch = max(int(found[0]), least) + 1 + secrets.randbelow(2**40)
            connection.execute("BEGIN")
            lost = _settle(connection, epoch, is_there)
            connection.execute("COMMIT")
            return connection.serialize(), lost
    except sqlite3.Error as error:
        raise damaged(f"its state.db cannot be read: {error}") from error


def _check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise damaged(f"its state.db is damaged: {found}")
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        raise damaged("its state.db has rows that refer to none")


def _settle(connection: sqlite3.Connection, epoch: int, is_there: Callable[[str], bool]) -> list[str]:
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('epoch', ?)", (str(epoch),))
    # What is to run is started, as after a boot; and files stay of which the backup knows nothing.
    connection.execute("DELETE FROM meta WHERE key = 'boot_id'")
    connection.execute("DELETE FROM operation WHERE kind = 'state' AND state = 'open'")
    connection.execute(
        "UPDATE operation SET state = 'failed', error = ?, finished = ? WHERE state = 'open'",
        (_SECOND, now()),
    )
    connection.execute("DELETE FROM container_now")
    lost = []
    for row in connection.execute(
        "SELECT id, name, CASE WHEN volume_id IS NULL THEN 's/container/' ELSE 's/volume/' END || id FROM snapshot"
    ).fetchall():
        if not is_there(row[2]):
            connection.execute("DELETE FROM snapshot WHERE id = ?", row[:1])
            lost.append(f"snapshot {row[1]}")
    for container, number in connection.execute(
        "SELECT container_id, number FROM root WHERE place > 0"
    ).fetchall():
        if not is_there(f"kept/{container}-{number}"):
            connection.execute("DELETE FROM root WHERE container_id = ? AND number = ?", (container, number))
            lost.append(f"kept root {number} of {container}")
    return lost
