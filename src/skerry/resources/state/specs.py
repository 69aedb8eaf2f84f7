"""Files in the pool that say what each container, volume and the like is; and a store that is rebuilt from them."""

import dataclasses
import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skerry.model import kept_spec
from skerry.model.kept_spec import KeptSpec
from skerry.parts import kept_specs as parts
from skerry.resources.kind import Context
from skerry.store import backups
from skerry.store import kept_specs as store
from skerry.store.db import Database
from skerry.store.kept_specs import Outcome

_OWNERS = {"realm", "project"}
_ROUND = 1.0  # seconds between two looks
_AFTER_ERROR = 60.0  # seconds until what could not be written is tried again
_log = logging.getLogger(__name__)


class Specs:
    """The observer that keeps the files as the store is: it writes all when the engine starts, then what changes.

    No operation waits for it. What it has not written when the engine is killed, it writes at the next start.

    Args:
        context: the host and the store.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._ended = context, threading.Event()
        self._thread = threading.Thread(target=self._run, name="specs", daemon=True)
        store.watch(context.db)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once all is written."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        self.write_all()
        pause = _ROUND
        while not self._ended.wait(pause):
            pause = _ROUND if self.write() else _AFTER_ERROR
        self.write()

    def write_all(self) -> None:
        """Bring all files to what the store says. What it does not know stays, where the pool has files of it."""
        known, there = set(store.every(self._context.db)), set(parts.every(self._context.host))
        lost = [one for one in there - known if not self._forget(*one)]
        for kind, one in known:
            # Those of a new store's first start are the same as the lost ones, but for their quotas.
            if not (lost and kind in _OWNERS and (kind, one) in there) and not self._bring(kind, one):
                store.mark(self._context.db, kind, one)

    def write(self) -> bool:
        """Write what has changed since, and delete the files of what is gone; whether all that worked."""
        failed = [one for one in store.changed(self._context.db) if not self._bring(*one)]
        for one in failed:
            store.mark(self._context.db, *one)
        return not failed

    def _bring(self, kind: str, one: str) -> bool:
        """Whether the file of one is as the store is."""
        try:
            spec = store.dump(self._context.db, self._context.host.domain, kind, one)
            if spec is None:
                parts.remove(self._context.host, kind, one)
            else:
                parts.write(self._context.host, spec)
        except (OSError, ValueError, sqlite3.Error) as error:
            _log.warning("the spec of %s %s in the pool is not the one of now: %s", kind, one, error)
            return False
        return True

    def _forget(self, kind: str, one: str) -> bool:
        """Delete a file that a crash in a deletion has left; whether it is one."""
        try:
            gone = kind in {"container", "volume", "image"} and parts.lost(
                self._context.host, _read(self._context, kind, one)
            )
            if gone:
                parts.remove(self._context.host, kind, one)
        except (OSError, ValueError) as error:
            _log.warning("%s is the spec of nothing: %s", parts.path(self._context.host, kind, one), error)
            return False
        return bool(gone)


def _read(context: Context, kind: str, one: str) -> KeptSpec:
    """What a file says.

    Raises:
        ValueError: it is damaged.
        OSError: it cannot be read.
    """
    spec = kept_spec.read(parts.text(context.host, kind, one), kind, one)
    if not spec.rows.get(spec.kind):
        raise ValueError(f"it has no {spec.kind}")
    return spec


@dataclasses.dataclass(frozen=True)
class Found:
    """What the pool has files of and the store knows nothing of.

    Attributes:
        specs: what can be tried.
        left: what cannot, and why.
    """

    specs: list[KeptSpec]
    left: list[tuple[str, str]]


def unknown(context: Context) -> Found:
    """All of them; and realms and projects that have not the quotas of before."""
    found, known = Found([], []), set(store.every(context.db))
    for kind, one in parts.every(context.host):
        if (kind, one) in known and kind not in _OWNERS:
            continue
        try:
            spec = _read(context, kind, one)
        except (OSError, ValueError) as error:
            found.left.append((f"{kind} {one}", f"{parts.path(context.host, kind, one)}: {error}"))
            continue
        if (kind, one) in known and _limits(spec) == _limits(store.dump(context.db, spec.host, kind, one)):
            continue
        if why := _refusal(context, spec):
            found.left.append((str(spec), why))
        else:
            found.specs.append(spec)
    return found


def _limits(spec: KeptSpec | None) -> list[Any]:
    """What a realm or project has besides its name."""
    rows = spec.rows[spec.kind] if spec else ()
    return [(row.get("quota"), row.get("merge_memory")) for row in rows]


def _refusal(context: Context, spec: KeptSpec) -> str:
    if spec.host != context.host.domain:
        return f"its URLs are of {spec.host}; set proxy_domain to that and run site.yml first"
    if lost := parts.lost(context.host, spec):
        bring = (
            f"; set it anew: skerry secret set {spec.name.rsplit('/', 1)[-1]}"
            if spec.kind == "secret"
            else ""
        )
        return (
            f"{lost} is not on this host{bring}" if lost != "its files" else "its files are not in the pool"
        )
    return ""


def rebuild(context: Context, db: Database) -> Outcome:
    """Write what can be rebuilt into a store: into the host's own inside a transaction, or into a copy of it."""
    found = unknown(context)
    outcome = store.rebuild(db, found.specs, lambda place: Path(context.host.pool, place).is_dir())
    return dataclasses.replace(outcome, left=sorted([*found.left, *outcome.left]))


def tried(context: Context) -> Outcome:
    """What a rebuild would come to; nothing is changed."""
    copy = Database.in_memory(context.db.kinds, backups.copy(context.host.database))
    try:
        return rebuild(context, copy)
    finally:
        copy.close()


def shown(context: Context) -> Iterator[dict[str, Any]]:
    """Each that could be rebuilt, and each that could not, with the reason."""
    found = unknown(context)
    if not (found.specs or found.left):
        return
    outcome = tried(context)
    for one in outcome.rebuilt:
        yield {"kind": one.kind, "name": one.name, "id": one.id, "why_not": ""}
    for what, why in outcome.left:
        kind, _, name = what.partition(" ")
        yield {"kind": kind, "name": name, "id": "", "why_not": why}
