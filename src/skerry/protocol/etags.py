"""The state of a resource in a few characters: what its ETag is made of, for who shows it and for who checks it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FIELDS: Mapping[str, tuple[str, ...]] = {
    "container": ("id", "version", "desired"),
    "volume": ("id", "size", "snapshot_every", "snapshot_keep"),
    "secret": ("id", "version"),
    "snapshot": ("id", "expires"),
    "alias": ("container_id", "service", "created"),
    "policy": ("id", "version"),
    "image": ("digest", "name"),
    "realm": ("id", "quota", "merge_memory"),
    "project": ("id", "quota"),
    "token": ("id", "projects", "verbs", "cidrs", "expires", "rotated"),
}
"""Of each kind the fields of its view that requests change. What it uses, and how it is, is no part of them."""


def etag(kind: str, view: Mapping[str, Any]) -> str:
    """The state that a view of a resource shows; empty where the kind has none."""
    if kind not in FIELDS:
        return ""
    shown = json.dumps([view.get(field) for field in FIELDS[kind]], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:20]
