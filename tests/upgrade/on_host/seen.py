"""What is on this host, as JSON: containers, images and operations of its engine, and each container's processes.

Runs on the host, as root, with the client of the Skerry that is installed.
"""

import json
import subprocess
from pathlib import Path

from skerry.client import EngineClient


def processes(container: str) -> dict[str, list[str]]:
    """Of each process in the container's unit its name and when it started, in ticks since boot."""
    asked = ["systemctl", "show", "--property=ControlGroup", "--value", f"skerry-{container}.service"]
    group = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    found = {}
    for file in Path(f"/sys/fs/cgroup{group}").rglob("cgroup.procs") if group else ():
        for pid in file.read_text().split():
            before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
            found[pid] = [before.partition("(")[2], after.split()[19]]
    return found


def main() -> None:
    engine = EngineClient(timeout=60)
    containers = engine.call("list")["containers"]
    print(
        json.dumps(
            {
                "version": engine.call("status")["version"],
                "containers": {one["name"]: one for one in containers},
                "images": engine.call("image_list")["images"],
                "operations": engine.call("operations", count=100)["operations"],
                "processes": {one["name"]: processes(one["id"]) for one in containers},
            }
        )
    )


main()
