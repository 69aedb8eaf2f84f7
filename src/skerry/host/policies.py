"""The proxy's policies: as the store has them, and the map that HAProxy looks them up in.

This also runs when the proxy starts, before and without the engine.
"""

import contextlib
import logging
import sqlite3
from pathlib import Path

from skerry.locks import form
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig

_log = logging.getLogger(__name__)
_QUERY = "SELECT ifnull(container_id, project_id), sealed FROM policy"
_OF = f"{_QUERY} WHERE ifnull(container_id, project_id) = ?"


def path(host: HostConfig) -> str:
    """The file of the map, beside that of the routes."""
    return str(Path(host.routes_map).with_name("policies.map"))


def read(host: HostConfig, owner: str = "") -> dict[str, str]:
    """Every policy, or that of one owner: the owner's id and the map's value. No store means no policies.

    One that cannot be decrypted is an entry that the proxy cannot read: it refuses every request.

    Raises:
        SkerryError: the store is there but cannot be read.
    """
    if not Path(host.database).exists():
        return {}
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{host.database}?mode=ro", uri=True, timeout=10)
        ) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'policy'").fetchone():
                return {}
            rows = connection.execute(*((_OF, (owner,)) if owner else (_QUERY,))).fetchall()
    except sqlite3.Error as error:
        raise SkerryError(
            Code.HOST, f"{host.database} cannot be read: {error}", "The proxy needs its policies"
        ) from error
    secret = Path(host.secret).read_bytes() if rows else b""
    return {one: _value(secret, one, sealed) for one, sealed in rows}


def _value(secret: bytes, owner: str, sealed: str) -> str:
    try:
        return form.value(owner, form.unseal(secret, owner, sealed))
    except SkerryError as error:
        _log.error("%s", error)
        return f"{owner}.unreadable"
