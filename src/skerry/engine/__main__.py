"""The program of ``skerry-engine.service``."""

import logging
import os
import secrets
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from skerry.engine import executor
from skerry.engine.adopt import adopt
from skerry.engine.engine import Engine
from skerry.engine.reconcile import reconcile
from skerry.engine.server import Server, refuse_waiting
from skerry.host import files, systemd
from skerry.model.errors import SkerryError
from skerry.model.host import CONFIG_PATH, HostConfig, load_host_config
from skerry.protocol.table import TABLE
from skerry.resources.kind import Context
from skerry.resources.registered import KINDS
from skerry.store.db import Database

RESTORED = 75  # the exit code at which systemd starts the engine anew (skerry-engine.service)
_DRAIN_SECONDS = 60.0  # a stop or an upgrade lets what has begun be carried out
_log = logging.getLogger("skerry.engine")


def _secret(host: HostConfig) -> bytes:
    """The host's secret; made once. Whoever has it can compute ids, so it never leaves the host."""
    path = Path(host.secret)
    if not path.exists():
        files.replace(host.secret, secrets.token_bytes(32), mode=0o600)
    return path.read_bytes()


def _end_once_retired(db: Database, server: Server) -> None:
    """End where a restore has put another store in the place of this one."""
    db.retired.wait()
    server.shutdown()


def main() -> int:
    """Settle what is open, then serve until systemd ends us."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        host = load_host_config(os.environ.get("SKERRY_CONFIG", CONFIG_PATH))
        adopt(host)
        db = Database.open(host.database, KINDS.tables())
        engine = Engine(Context(host, db, _secret(host)), KINDS, TABLE)
        reconcile(engine)
        if db.retired.is_set():  # what a restore had written was whole
            db.close()
            return RESTORED
    except (SkerryError, OSError, sqlite3.Error) as error:
        found = executor.readable(error)
        _log.critical("%s", found)
        refuse_waiting(found)
        return 1
    server = Server(f"{host.run}/engine.sock", TABLE, engine.answer)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    threading.Thread(target=_end_once_retired, args=(db, server), daemon=True).start()
    observers = engine.observers()
    systemd.notify("READY=1")
    for one in observers:
        one.start()
    server.serve_forever()
    systemd.notify("STOPPING=1")
    for one in observers:
        one.stop()
    if not server.drain(_DRAIN_SECONDS):
        _log.warning("a request is still being carried out; the next start settles it")
    db.close()
    return RESTORED if db.retired.is_set() else 0


if __name__ == "__main__":
    sys.exit(main())
