"""Containers when the engine starts, after all operations are settled: the host is brought to what the store says."""

import logging
from pathlib import Path

from skerry.host import btrfs, files, quotas, systemd
from skerry.model.errors import SkerryError
from skerry.model.ids import ID_PATTERN
from skerry.parts import firewall, proxy, root, storage
from skerry.resources.containers import anatomy, neighbours, store
from skerry.resources.containers.view import running
from skerry.resources.kind import Context
from skerry.store import references

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_log = logging.getLogger(__name__)


def reconcile(context: Context) -> None:
    """Clean, load, and after a boot write down what is to come back: :class:`boot.Boot` starts it."""
    _remove_orphans(context)
    _count_disks(context)
    _load_tables(context)
    _refresh_configurations(context)
    _see_a_boot(context)
    _freeze_again(context)


def _remove_orphans(context: Context) -> None:
    """Remove units and volumes with an id that nobody has: what a lost or restored store left behind."""
    known = {container.id for container in store.all_containers(context.db)}
    keeps = references.keeps_orphans(context.db)
    for unit in systemd.states("skerry-*.service"):
        name = unit.removeprefix("skerry-").removesuffix(".service")
        if ID_PATTERN.fullmatch(name) and name not in known:
            _log.warning("unit %s belongs to no container: removed", unit)
            systemd.kill(unit)
            files.remove_tree(f"{context.host.run}/c/{name}")
    for path in Path(context.host.pool, "c").glob("*"):
        if ID_PATTERN.fullmatch(path.name) and path.name not in known:
            if keeps:
                _keep_orphans(context, str(path))
                continue
            _log.warning("volume %s belongs to no container: removed", path)
            btrfs.delete(str(path))
    if keeps:
        return
    known_roots = {(one.id, kept.number) for one in store.all_containers(context.db) for kept in one.kept}
    for orphan in root.remove_orphans(context.host, known_roots):
        _log.warning("root %s belongs to no container: removed", orphan)


def _keep_orphans(context: Context, path: str) -> None:
    """Leave files alone of which a store that is new knows nothing: somebody may have lost the one before."""
    _log.error(
        "%s belongs to no container of this store, which is new: it stays. 'skerry state recover' rebuilds the store from "
        "what stands in the pool; 'skerry state restore' brings a backup of it back; 'btrfs subvolume delete' takes the "
        "files away",
        path,
    )
    with context.db.transaction():
        context.db.set_meta("keeps_orphans", "1")


def _count_disks(context: Context) -> None:
    """Put what an older Skerry has made into the quota group of its container, and take away groups of none."""
    host, every = context.host, store.all_containers(context.db)
    for container in every:
        try:
            if Path(storage.folder(host, container.id)).is_dir():
                anatomy.volume(container).make(host)
                for kept in anatomy.kept_roots(container):
                    kept.make(host)
        except (SkerryError, OSError) as error:
            _log.error("what container %s has of the pool is not counted: %s", container.key, error)
    try:
        owners = references.owners_of_disks(context.db)
        quotas.prune(host.pool, {quotas.group_of(one) for one in owners})
    except (SkerryError, OSError) as error:
        _log.error("quota groups of what is gone stay: %s", error)


def _load_tables(context: Context) -> None:
    """Firewall elements of what runs, routes of everything: both in one go."""
    active = [item for item in store.all_containers(context.db) if running(item)]
    entries = [anatomy.firewall_entry(context.host, item) for item in active]
    firewall.replace_all([*entries, *neighbours.reaches(context, {item.realm_id for item in active})])
    proxy.sync(context.host)


def _refresh_configurations(context: Context) -> None:
    """Bring what an older Skerry started to what the launcher of this one reads, without a restart."""
    for container in store.all_containers(context.db):
        try:
            if running(container) and anatomy.unit(container).refresh(context.host):
                _log.info("container %s: its LXC configuration is written anew", container.key)
        except (
            SkerryError,
            OSError,
            ValueError,
        ) as error:  # what it was started with may be of any older form
            _log.error("container %s runs, but would not start again: %s", container.key, error)


def _see_a_boot(context: Context) -> None:
    boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
    if context.db.get_meta("boot_id", "") == boot_id:
        return
    with context.db.transaction():
        store.let_all_come_back(context.db)
        context.db.set_meta("boot_id", boot_id)


def _freeze_again(context: Context) -> None:
    """Hold what systemd has started anew meanwhile. After a boot nothing of a frozen one runs, and nothing is started."""
    for container in store.all_containers(context.db):
        try:
            if container.desired == "frozen" and running(container):
                anatomy.freezer(container).make(context.host)
        except SkerryError as error:
            _log.error("container %s could not be frozen again: %s", container.key, error)
