"""Runs the probe in a container of Skerry's, with its defaults. On the host, as root; prints what the probe found.

What the host loads for a container has been loaded for another one before; /run/surface/modules.before has it.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from skerry.client import EngineClient

HERE = Path("/run/surface")
NAME = {"name": "surface"}
PATIENCE_S = 3600


def main() -> int:
    client = EngineClient()
    client.call("ensure", container=NAME, state="absent")
    client.call("create", container=NAME, spec={"image": "hello"}, timeout=300)
    client.call("delete", container=NAME)
    shutil.copy("/proc/modules", HERE / "modules.before")

    # It goes on for as long as the container shall run.
    probe = "/usr/bin/python3 /surface/inside.py 2>/surface/problem || touch /surface/found.json"
    command = ["/bin/sh", "-c", f"{probe}; sleep infinity"]
    spec = {"image": "hello", "command": command}
    made = client.call("create", container=NAME, spec=spec, start=False)["after"]
    upper = Path(f"/var/lib/skerry/pool/c/{made['id']}/upper")
    subprocess.run(["tar", "-C", upper, "-xf", HERE / "extra.tar"], check=True)
    client.call("start", container=NAME, wait="running")
    found, until = upper / "surface/found.json", time.monotonic() + PATIENCE_S
    while not found.exists():
        assert time.monotonic() < until
        time.sleep(1)
    said, problem = found.read_text(), (upper / "surface/problem").read_text()
    client.call("delete", container=NAME)
    print(problem, file=sys.stderr, end="")
    print(said)
    return 0 if said else 1


if __name__ == "__main__":
    sys.exit(main())
