"""The program of ``skerry-engine.service``."""

import logging
import os
import secrets
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

from skerry.engine import executor, images, requests
from skerry.engine.engine import Engine
from skerry.engine.executor import Progress
from skerry.engine.reconcile import reconcile
from skerry.engine.server import Server, refuse_waiting
from skerry.model.errors import SkerryError
from skerry.model.host import CONFIG_PATH, HostConfig, load_host_config
from skerry.store.db import Database
from skerry.system import files, systemd

_DRAIN_SECONDS = 60.0  # a stop or an upgrade lets what has begun be carried out
_log = logging.getLogger("skerry.engine")


def _secret(host: HostConfig) -> bytes:
    """The host's secret; made once. Whoever has it can compute ids, so it never leaves the host."""
    path = Path(host.secret)
    if not path.exists():
        files.replace(host.secret, secrets.token_bytes(32), mode=0o600)
    return path.read_bytes()


def _handle(engine: Engine, request: requests.Request, progress: Progress) -> dict[str, Any]:
    match request:
        case requests.Info():
            return engine.info(request.container)
        case requests.List():
            return engine.list(request.realm, request.project)
        case requests.Operations():
            return engine.operations(request.count)
        case requests.Status():
            return engine.status()
        case requests.ImageList():
            return images.list_all(engine.db)
        case requests.ImageImport() | requests.ImageBuild() | requests.ImageDelete():
            return images.carry_out(engine.host, engine.db, request, progress)
        case requests.PlanOnly():
            if isinstance(request.of, requests.ImageDeed):
                return images.plan(engine.host, engine.db, request.of)
            return engine.plan(request.of)
        case _:
            return engine.carry_out(request, progress)


def main() -> int:
    """Settle what is open, then serve until systemd ends us."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        host = load_host_config(os.environ.get("SKERRY_CONFIG", CONFIG_PATH))
        engine = Engine(host, Database.open(host.database), _secret(host))
        reconcile(engine)
    except (SkerryError, sqlite3.Error) as error:
        found = error if isinstance(error, SkerryError) else executor.store_error(error)
        _log.critical("%s", found)
        refuse_waiting(found)
        return 1
    server = Server(f"{host.run}/engine.sock", lambda request, progress: _handle(engine, request, progress))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    systemd.notify("READY=1")
    server.serve_forever()
    systemd.notify("STOPPING=1")
    if not server.drain(_DRAIN_SECONDS):
        _log.warning("a request is still being carried out; the next start settles it")
    engine.db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
