"""How many small things a realm may have that no quota is about: nobody may fill the host's disk, or take every name."""

from skerry.model.errors import Code, SkerryError
from skerry.model.size import format_size
from skerry.store import shares
from skerry.store.db import Database

MOST = {"alias": 500, "project": 200, "secret": 1000, "token": 500}
BYTES = 64 * 1024**2  # of all secrets


def check(db: Database, kind: str, realm_id: str, realm: str) -> None:
    """Refuse one more of a kind.

    Raises:
        SkerryError: the realm has as many as it may.
    """
    if (number := shares.number(db, kind, realm_id)) >= MOST[kind]:
        raise SkerryError(
            Code.FORBIDDEN,
            f"realm {realm} has {number} {kind}{'es' if kind == 'alias' else 's'}, and may have {MOST[kind]}",
            "Delete some first",
        )


def check_bytes(db: Database, realm_id: str, realm: str, *, size: int, besides: str) -> None:
    """Refuse a value of a secret that is too large beside those of all others.

    Args:
        db: the store.
        realm_id: the realm, called ``realm``.
        realm: its name.
        size: bytes of the value.
        besides: the id of the secret that gets it.

    Raises:
        SkerryError: naming how many it may have.
    """
    others = shares.bytes_of_secrets(db, realm_id, besides)
    if others + size > BYTES:
        raise SkerryError(
            Code.FORBIDDEN,
            f"value: the other secrets of realm {realm} have {others} bytes, and all may have {format_size(BYTES)}",
            f"Give at most {max(0, BYTES - others)} bytes, or delete some secrets first",
        )
