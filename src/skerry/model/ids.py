"""Ids: deterministic for whoever holds the host's secret, unguessable for everybody else."""

import hashlib
import hmac
import re

ID_PATTERN = re.compile(r"[0-9a-f]{24}")


def make_id(secret: bytes, epoch: int, *fields: str | int) -> str:
    """24 hex characters (96 bits): HMAC-SHA256 over the length-prefixed ``epoch`` and ``fields``, cut to 12 bytes.

    Length prefixes keep ("ab", "c") and ("a", "bc") apart. The epoch rises when a store is restored from a backup, so
    that no id given out since then can come again.
    """
    message = b""
    for field in (epoch, *fields):
        raw = str(field).encode()
        message += len(raw).to_bytes(4, "big") + raw
    return hmac.new(secret, message, hashlib.sha256).digest()[:12].hex()
