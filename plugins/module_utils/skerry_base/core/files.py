"""Files: read, written whole, and their digests."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path


def read_text(path: Path) -> str:
    """A file as far as it can be read; empty where it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file, whole or not at all; it is on the disk when this returns.

    Args:
        path: in a folder that is there.
        text: all that it holds.
        mode: whatever the umask.
    """
    aside = aside_of(path)
    with aside.open("w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)


def aside_of(path: Path) -> Path:
    """Where a file is written before it takes its name: a power cut may leave it there."""
    return path.with_name(f".{path.name}.new")


def sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(content: object) -> str:
    """24 hex digits of anything JSON can hold."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def sha256(path: Path) -> str:
    """A file's digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
