"""The program of ``skerry-engine.service``."""

import logging
import os
import pwd
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
from skerry.engine.server import FOR_TOKENS, Server, handed_over, refuse_waiting
from skerry.engine.under_way import UnderWay
from skerry.host import files, systemd
from skerry.model.errors import SkerryError
from skerry.model.host import CONFIG_PATH, HostConfig, load_host_config
from skerry.protocol.table import TABLE
from skerry.resources.kind import Context
from skerry.resources.registered import KINDS
from skerry.store.db import Database

RESTORED = 75  # the exit code at which systemd starts the engine anew (skerry-engine.service)
API_USER = "skerry-api"
_DRAIN_SECONDS = 60.0  # a stop or an upgrade lets what has begun be carried out
_log = logging.getLogger("skerry.engine")


def _secret(host: HostConfig) -> bytes:
    """The host's secret; made once. Whoever has it can compute ids, so it never leaves the host."""
    path = Path(host.secret)
    if not path.exists():
        files.replace(host.secret, secrets.token_bytes(32), mode=0o600)
    return path.read_bytes()


def _servers(engine: Engine) -> list[Server]:
    """Root's server, and the one for tokens, where systemd hands its socket over."""
    run, under_way = engine.context.host.run, UnderWay(engine.is_good, engine.goes_on)
    found = [Server(f"{run}/engine.sock", TABLE, engine.answer, under_way)]
    if handed_over(FOR_TOKENS) is not None:
        uid = pwd.getpwnam(API_USER).pw_uid
        found.append(Server(f"{run}/tokens.sock", TABLE, engine.answer, under_way, for_tokens=uid))
        threading.Thread(target=found[-1].serve_forever, daemon=True).start()
        threading.Thread(target=under_way.watch, daemon=True).start()
    return found


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
    servers = _servers(engine)
    server = servers[0]
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
    for other in servers[1:]:
        other.shutdown()
    server.under_way.stop()
    drained = [each.drain(_DRAIN_SECONDS) for each in servers]
    if not all(drained):
        _log.warning("a request is still being carried out; the next start settles it")
    db.close()
    return RESTORED if db.retired.is_set() else 0


if __name__ == "__main__":
    sys.exit(main())
