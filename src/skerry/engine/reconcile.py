"""What the engine does when it starts: settle what a crash left open, bring the host to what the store says."""

import logging
from pathlib import Path

from skerry.engine import executor, images
from skerry.engine.decide import running
from skerry.engine.engine import Engine
from skerry.model.errors import SkerryError
from skerry.model.ids import ID_PATTERN
from skerry.parts import firewall, proxy
from skerry.plan import anatomy, verbs
from skerry.store import containers, operations
from skerry.system import btrfs, files, systemd

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_log = logging.getLogger(__name__)


def reconcile(engine: Engine) -> None:
    """Settle, clean, mount, load, and after a boot start what is wanted to run.

    One container that cannot be settled or started does not keep the others down; the log names it.
    """
    images.mount_all(engine.host, engine.db)
    _settle(engine)
    _remove_strangers(engine)
    _load_tables(engine)
    _start_after_boot(engine)


def _settle(engine: Engine) -> None:
    for operation in operations.unfinished(engine.db):
        try:
            outcome = executor.recover(engine.db, engine.host, operation)
            _log.warning("%s of %s was cut off: %s", operation.verb, operation.container, outcome)
        except (SkerryError, OSError):
            _log.exception("%s of %s was cut off and cannot be settled", operation.verb, operation.container)


def _remove_strangers(engine: Engine) -> None:
    """Remove units and volumes that bear an id nobody has: what a lost or restored store left behind."""
    known = {container.id for container in containers.all_containers(engine.db)}
    for unit in systemd.states("skerry-*.service"):
        name = unit.removeprefix("skerry-").removesuffix(".service")
        if ID_PATTERN.fullmatch(name) and name not in known:
            _log.warning("unit %s belongs to no container: removed", unit)
            systemd.kill(unit)
            files.remove_tree(f"{engine.host.run}/c/{name}")
    for path in Path(engine.host.pool, "c").glob("*"):
        if ID_PATTERN.fullmatch(path.name) and path.name not in known:
            _log.warning("volume %s belongs to no container: removed", path)
            btrfs.delete(str(path))


def _load_tables(engine: Engine) -> None:
    """Firewall elements of what runs, routes of everything: both in one go."""
    active = [item for item in containers.all_containers(engine.db) if running(item)]
    firewall.replace_all([anatomy.port(engine.host, item) for item in active])
    proxy.sync(engine.host)


def _start_after_boot(engine: Engine) -> None:
    boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
    if engine.db.get_meta("boot_id", "") == boot_id:
        return
    for container in containers.all_containers(engine.db):
        if container.wanted == "started" and not running(container):
            try:
                engine.start_again(container.key, verbs.Wait(ready=False))
            except SkerryError as error:
                _log.error("container %s did not start: %s", container.key, error)
    with engine.db.transaction():
        engine.db.set_meta("boot_id", boot_id)
