"""Where the lab keeps things: all below the user's own folders."""

from __future__ import annotations

import os
from pathlib import Path


def cache_home() -> Path:
    """Images: can be made again, kept by content hash."""
    return _base("XDG_CACHE_HOME", ".cache") / "skerry"


def state_home() -> Path:
    """Labs: what runs now, one folder each."""
    return _base("XDG_STATE_HOME", ".local/state") / "skerry"


def _base(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if Path(value).is_absolute() else Path.home() / default
