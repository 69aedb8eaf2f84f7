"""An imaginary machine below the real kinds: parts of containers in a dictionary, images as files in a folder."""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from skerry.engine.engine import Engine
from skerry.host import btrfs, capacity, quotas, sandbox, systemd
from skerry.parts import archive, data, filling, firewall, proxy, root, storage
from skerry.parts.alias import AliasRoute
from skerry.parts.archive import Archive, Restored, Snapshot
from skerry.parts.base import Part
from skerry.parts.data import Data
from skerry.parts.filling import Filling, Ownership
from skerry.parts.firewall import FirewallEntry
from skerry.parts.freezer import Frozen
from skerry.parts.neighbours import HostName, Reach
from skerry.parts.proxy import Route
from skerry.parts.ready import Ready
from skerry.parts.root import KeptRoot, Root, Written
from skerry.parts.root_archive import ImportedRoot, RootArchive
from skerry.parts.sealed import CurrentValue, Sealed
from skerry.parts.slices import RealmJournal, Slice
from skerry.parts.snapshots import Taken
from skerry.parts.storage import Volume
from skerry.parts.unit import Unit
from skerry.resources.containers import store as containers
from skerry.resources.images import factory, tar_stream, tarball
from skerry.resources.images import store as images
from skerry.resources.secrets import store as secrets
from skerry.resources.secrets import verbs as verbs_of_secrets
from skerry.resources.volumes import store as volumes
from skerry.store import projects, snapshots, tokens
from tests.unit.resources.images import oci_images

_IDENTITY: dict[type[Part], str] = {
    Volume: "id",
    FirewallEntry: "slot",
    Unit: "id",
    Frozen: "id",
    Route: "host",
    Data: "place",
    AliasRoute: "host",
    Root: "id",
    KeptRoot: "number",
    Snapshot: "place",
    Archive: "name",
    Restored: "name",
    RootArchive: "id",
    ImportedRoot: "id",
    Filling: "name",
    Ownership: "name",
    Sealed: "place",
    CurrentValue: "id",
    Reach: "key",
    HostName: "key",
    Taken: "place",
    Slice: "unit",
    RealmJournal: "realm_id",
}


class Machine:
    """What is on the machine; ``point`` is called in the middle of what takes long there."""

    def __init__(self, point: Callable[[], None]) -> None:
        self.parts: dict[tuple[str, Any], dict[str, Any]] = {}
        self.mounts: set[str] = set()
        self.full: set[str] = set()  # subvolumes with files
        self.values: dict[str, bytes] = {}  # of secrets
        self.lost: set[str] = set()  # ids of containers, and subvolumes, without files
        self.written = Written()  # by every container to its root
        self._point = point

    def save(self) -> tuple[dict[tuple[str, Any], dict[str, Any]], set[str]]:
        return dict(self.parts), set(self.mounts)

    def restore(self, saved: tuple[dict[tuple[str, Any], dict[str, Any]], set[str]]) -> None:
        self.parts, self.mounts = dict(saved[0]), set(saved[1])

    def _key(self, part: Part) -> tuple[str, Any]:
        return part.kind, getattr(part, _IDENTITY[type(part)])

    def make(self, part: Part, _host: Any) -> None:
        if isinstance(part, Unit):
            if self._key(part) not in self.parts:
                for name in self._names(part):
                    self.make(name, _host)
            part = dataclasses.replace(part, grace=0.0, neighbours=())  # what runs is the same
        if isinstance(part, Slice) and not part.limited:
            self.parts.pop(self._key(part), None)
            return
        self.parts[self._key(part)] = part.to_json()
        if isinstance(part, Volume) and (unit := self.parts.get(("unit", part.id))):  # hears of it
            self.parts["unit", part.id] = unit | {"disk": part.disk}

    def remove(self, part: Part, _host: Any) -> None:
        self.parts.pop(self._key(part), None)
        if isinstance(part, Unit):  # and the file with its names
            for key, found in list(self.parts.items()):
                if key[0] == HostName.kind and found["id"] == part.id:
                    del self.parts[key]

    def _names(self, unit: Unit) -> list[HostName]:
        """What a container knows from its start: itself and its neighbours."""
        known = [(unit.hostname, unit.slot), *unit.neighbours]
        return [HostName(unit.id, unit.hostname, name, slot) for name, slot in known]

    def unit_state(self, unit: str) -> str:
        name = unit.removeprefix("skerry-").removesuffix(".service")
        return "active" if ("unit", name) in self.parts else "inactive"

    def snapshot(self, _source: str, target: str, *, writable: bool) -> None:
        assert writable
        os.mkdir(target)
        self._point()

    def delete(self, path: str) -> None:
        if os.path.exists(path):
            os.rmdir(path)
            self._point()

    def mount(self, source: str, target: str, *_options: str) -> None:
        assert source == "overlay" or os.path.exists(source)
        os.makedirs(target)
        self._point()
        self.mounts.add(target)

    def unmount(self, target: str) -> None:
        self.mounts.discard(target)
        self._point()

    def run(self, job: sandbox.Job, watch: Callable[[], None]) -> None:
        """A program that writes a file, and may be killed in the middle of it."""
        target = Path(job.stdout or f"{job.scratch}/erofs")
        target.write_bytes(b"half")
        self._point()
        target.write_bytes(b"debian" if "mmdebstrap" in job.argv[0] else b"whole")
        watch()

    @contextlib.contextmanager
    def under_the_engine(self) -> Iterator[None]:
        """Within it, drivers and parts reach this machine."""

        def nothing(*_args: Any, **_kwargs: Any) -> None:
            return None

        def make(part: Part, host: Any) -> None:
            self.make(part, host)

        def remove(part: Part, host: Any) -> None:
            self.remove(part, host)

        with contextlib.ExitStack() as stack:
            for part in _IDENTITY:
                stack.enter_context(mock.patch.object(part, "make", make))
                stack.enter_context(mock.patch.object(part, "remove", remove))
            replaced: list[tuple[Any, str, Any]] = [
                (Ready, "make", nothing),
                (storage, "is_there", lambda _host, one: one not in self.lost),
                (data, "is_there", lambda _host, one: one not in self.lost),
                (firewall, "replace_all", nothing),
                (proxy, "sync", nothing),
                (capacity, "check", nothing),
                (btrfs, "inside", lambda _path: []),
                (btrfs, "snapshot", self.snapshot),
                (btrfs, "delete", self.delete),
                (btrfs, "begin_commit", lambda _pool: 1),
                (btrfs, "await_commit", nothing),
                (snapshots, "stamped", lambda before, _taken: f"{before}2026-12-05-080000"),
                (quotas, "written_to", lambda path: 2 << 20 if "/kept/" in path else 1 << 20),
                (root, "written", lambda _host, _id: self.written),
                (capacity, "memory", lambda _host: 1 << 40),
                (capacity, "disk", lambda _host: 1 << 40),
                (archive, "is_empty", lambda _host, name: name not in self.full),
                (
                    verbs_of_secrets,
                    "_has",
                    lambda _context, secret, value: self.values.get(secret.id) == value,
                ),
                (filling, "is_new", lambda _host, name: name not in self.full),
                (quotas, "used_by", lambda _folder, _group: 0),
                (quotas, "used_by_all", lambda _path: {}),
                (quotas, "prune", nothing),
                (systemd, "state", self.unit_state),
                (systemd, "states", lambda _pattern: {}),
                (systemd, "mount", self.mount),
                (systemd, "unmount", self.unmount),
                (sandbox, "run", self.run),
                (sandbox, "end_all", nothing),
                (os.path, "ismount", lambda path: path in self.mounts),
                (os, "fchown", nothing),
                (tarball, "read", lambda _source, _tell: mock.Mock(size=1)),
                (tar_stream, "write", lambda _tree, source, target, _tell: target.write(source.read())),
            ]
            for owner, name, value in replaced:
                stack.enter_context(mock.patch.object(owner, name, value))
            yield

    def state(self, engine: Engine) -> dict[str, Any]:
        """What is stored and what is there, without what changes each time."""
        db, host = engine.context.db, engine.context.host
        every = containers.all_containers(db)
        known = {container.id for container in every}
        return {
            "containers": [
                (str(one.key), one.desired, one.spec.model_dump(), one.image.digest, one.root, one.kept)
                for one in every
            ],
            "volumes": [(str(one.key), one.size, one.generation) for one in volumes.all_volumes(db)],
            "snapshots": [(str(one.key), one.owner_id, one.image, one.digest) for one in snapshots.every(db)],
            "secrets": [(str(one.key), one.size, one.version) for one in secrets.all_secrets(db)],
            "realms": [(one.key.name, one.quota, one.merge_memory) for one in projects.realms(db)],
            "projects": [(str(one.key), one.quota) for one in projects.projects(db)],
            "tokens": [
                (str(one.key), one.verbs, one.cidrs, one.expires, one.rotated != one.created)
                for one in tokens.every(db)
            ],
            "routes": {row[0]: row[1] for row in db.rows("SELECT host, value FROM route_map")},
            "parts": {key: value for key, value in self.parts.items() if key[0] not in {"ready", "root"}},
            # A volume is root number 1.
            "roots": {
                key[1]: value["number"]
                for key, value in self.parts.items()
                if key[0] == "root" and value["number"] != 1 and ("volume", key[1]) in self.parts
            },
            "images": [
                (one.digest, one.name, one.command, one.recipe, one.lowers) for one in images.all_images(db)
            ],
            "strange parts": sorted(
                str(key) for key in self.parts if key[0] in {"volume", "unit"} and key[1] not in known
            ),
            "pool": sorted(str(path.relative_to(host.pool)) for path in Path(host.pool, "images").rglob("*")),
            "files": sorted(factory.digests(host)),
            "mounts": sorted(Path(path).name for path in self.mounts),
        }


def tarball_at(path: Path, text: str) -> dict[str, str]:
    """A file to import; the fields of the request."""
    path.write_text(text)
    return {"path": str(path), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def oci_at(folder: Path, name: str, image: oci_images.Made) -> dict[str, Any]:
    """An OCI image to pull; the request."""
    place = oci_images.written(oci_images.layout(oci_images.index(it=image), image), folder / f"oci-{name}")
    return {"verb": "image_pull", "name": name, "source": f"oci:{place}"}
