"""Whole Debian systems by the engine and by Incus, of one root, in turns: how soon systemd is up, what four of them hold.

``python3 whole.py IMAGE ROUNDS`` runs on the host, as root, and prints one line of JSON: milliseconds of each round, PSS.
``peers_setup.py up`` goes first.
"""

import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from peers import Incus
from peers_setup import POOL, run

from skerry.client import EngineClient

ALIAS, PROFILE, TOGETHER, SETTLED = "bench-whole", "bench-whole", 4, 10.0
_DEVICES = """
config: {security.nesting: "true", security.idmap.size: "65536"}
devices:
  root: {type: disk, pool: default, path: /}
  eth0: {type: nic, network: incusbr0}
"""
_LOOK = "systemctl is-system-running; systemctl show -P FinishTimestampMonotonic"


def bring(image: dict) -> None:
    """The same root for Incus, with a profile of its own."""
    with tempfile.TemporaryDirectory(dir=POOL) as folder:
        whole = Path(folder, "image.tar")
        Path(folder, "metadata.yaml").write_text(
            json.dumps({"architecture": "x86_64", "creation_date": int(time.time())})
        )
        rename = "--transform=s,^\\.,rootfs,S"
        run("tar", f"--directory={folder}", "--create", f"--file={whole}", "metadata.yaml")
        mounted = f"--directory=/run/skerry/images/{image['digest']}"
        run("tar", mounted, "--numeric-owner", rename, "--append", f"--file={whole}", ".")
        run("incus", "image", "import", str(whole), f"--alias={ALIAS}")
    run("incus", "profile", "create", PROFILE)
    run("incus", "profile", "edit", PROFILE, stdin=_DEVICES)


def take_away() -> None:
    """What :func:`bring` has made."""
    run("incus", "image", "delete", ALIAS)
    run("incus", "profile", "delete", PROFILE)


def up_after(began: float, enter: list[str]) -> float:
    """Milliseconds until systemd says that its start was over, by the clock that host and container share."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        done = subprocess.run([*enter, "sh", "-c", _LOOK], capture_output=True, text=True, check=False)
        said = done.stdout.split()
        if (
            len(said) == 2 and said[1] != "0"
        ):  # "running"; or "degraded", as by Incus: a unit has failed, but it is up
            return int(said[1]) / 1000 - began * 1000
        time.sleep(0.1)
    raise RuntimeError(f"{enter}: {done.stdout} {done.stderr}")


def ours(client: EngineClient, image: str, name: str) -> float:
    """Create one; milliseconds until it is up."""
    began = time.monotonic()
    spec = {"image": image, "profile": "system", "memory": "512M", "pids": 512}
    client.call("create", container={"name": name}, spec=spec, wait="running")
    return up_after(began, ["skerry", "exec", name, "--"])


def theirs(incus: Incus, name: str) -> float:
    """The same by Incus's REST interface."""
    began = time.monotonic()
    source = {"type": "image", "alias": ALIAS}
    incus.ask(
        "POST", "/1.0/instances", {"name": name, "source": source, "profiles": [PROFILE], "start": True}
    )
    return up_after(began, ["incus", "exec", "--mode=non-interactive", name, "--"])


def processes(init: int) -> Iterator[Path]:
    """All processes in the namespace of a container's first process, and who started that."""
    mine = os.readlink(f"/proc/{init}/ns/pid")
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "ns/pid") == mine:
                yield path
        except OSError:
            continue
    parent = (Path(f"/proc/{init}/stat").read_text().rpartition(")")[2]).split()[1]
    yield Path("/proc") / parent


def pss(init: int) -> float:
    """KiB that a container's processes hold: what several hold together is divided among them."""
    held = 0
    for path in processes(init):
        for line in (path / "smaps_rollup").read_text().splitlines():
            held += int(line.split()[1]) if line.startswith("Pss:") else 0
    return held


def together(make: Callable[[str], float], init: Callable[[str], int], stem: str) -> list[float]:
    """KiB that each of four holds, some seconds after the last was up."""
    names = [f"{stem}-{number}" for number in range(TOGETHER)]
    for name in names:
        make(name)
    time.sleep(SETTLED)
    return [pss(init(name)) for name in names]


def first_process(client: EngineClient, name: str) -> int:
    """PID 1 of one of ours: the only child of its unit's main process that is in another pid namespace."""
    unit = f"skerry-{client.call('info', container={'name': name})['container']['id']}.service"
    main = run("systemctl", "show", "-P", "MainPID", unit)
    return int(Path(f"/proc/{main}/task/{main}/children").read_text().split()[0])


def main(image: str, rounds: int) -> int:
    client, incus = EngineClient(), Incus()
    (about,) = [one for one in client.call("image_list")["images"] if one["name"] == image]
    bring(about)
    up: dict[str, list[float]] = collections.defaultdict(list)
    try:
        for _ in range(rounds):
            up["create → systemd is up: ours, socket"].append(ours(client, image, "whole"))
            client.call("delete", container={"name": "whole"})
            up["create → systemd is up: Incus, REST"].append(theirs(incus, "whole"))
            incus.delete("whole")
        held = {
            "ours": together(
                lambda name: ours(client, image, name), lambda name: first_process(client, name), "whole"
            )
        }
        for number in range(TOGETHER):
            client.call("delete", container={"name": f"whole-{number}"})
        held["Incus"] = together(lambda name: theirs(incus, name), incus.init, "whole")
        for number in range(TOGETHER):
            incus.delete(f"whole-{number}")
    finally:
        take_away()
    print(json.dumps({"milliseconds": up, "pss": held}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
