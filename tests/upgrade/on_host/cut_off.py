"""Kill the engine in the midst of a create and of a stop, and leave it down: as after a power cut.

Runs on the host, as root. Prints what it leaves open in the journal: verb, container, steps that are done.
"""

import contextlib
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

from skerry.client import EngineClient, EngineError

# It takes connections once nothing but SIGKILL ends it.
DEAF = (
    "import signal, socket, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "server = socket.create_server(('', 1071)); time.sleep(9999)"
)
DROP_IN = Path("/run/systemd/system/skerry-engine.service.d/cut-off.conf")
# The create waits for a port on which nobody listens, the stop for a program that ends by nothing.
AWAITED = {("create", "default/default/half", 3), ("stop", "default/default/deaf", 1)}


def call(verb: str, name: str, **arguments: object) -> None:
    """Ask for what the engine will not live to answer."""
    with contextlib.suppress(EngineError):
        EngineClient(timeout=60).call(verb, container={"name": name}, **arguments)


def opened() -> set[tuple[str, str, int]]:
    db = sqlite3.connect("file:/var/lib/skerry/state.db?mode=ro", uri=True)
    found = db.execute("SELECT verb, container, done FROM operation WHERE state = 'open'").fetchall()
    db.close()
    return set(found)


def systemctl(*words: str) -> None:
    subprocess.run(["systemctl", *words], check=True)


def main() -> None:
    spec = {"image": "hello", "memory": "64M", "command": ["/usr/bin/python3", "-c", DEAF]}
    EngineClient(timeout=60).call("create", container={"name": "deaf"}, spec=spec)
    half = {"spec": {"image": "hello", "memory": "64M", "port": 9}, "timeout": 600}
    for verb, name, arguments in (("create", "half", half), ("stop", "deaf", {"grace": 600})):
        threading.Thread(target=call, args=(verb, name), kwargs=arguments, daemon=True).start()
    deadline = time.monotonic() + 120
    while (found := opened()) != AWAITED:
        if time.monotonic() > deadline:
            raise SystemExit(f"the journal has {found}")
        time.sleep(0.1)
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text("[Service]\nRestart=no\n")
    systemctl("daemon-reload")
    systemctl("kill", "--signal=KILL", "skerry-engine.service")
    systemctl("stop", "skerry-engine.socket", "skerry-engine.service")
    DROP_IN.unlink()
    systemctl("daemon-reload")
    print(opened())


main()
