"""Whole Debian systems by the engine and by Incus, of one root, in turns: how soon systemd is up, what four of them hold.

``python3 whole.py IMAGE ROUNDS`` runs on the host, as root, and prints one line of JSON: milliseconds of each round after
the first, KiB that each of four holds, and KiB of what a host has once. ``peers_setup.py up`` goes first.

What a container holds is that of the processes in its cgroups: those inside, and those on the host that are there for it
alone. Ours are the one that starts it and the one that copies its log, Incus's is its monitor. ``Pss`` divides what
several hold together among them; ``Pss_Anon`` leaves the page cache out. The kernel's own memory is not counted.
"""

import collections
import contextlib
import json
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
WAYS = ("Pss", "Pss_Anon")
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


def groups_of_ours(client: EngineClient, name: str) -> set[str]:
    """The cgroup of one of ours: all else of it is below."""
    return {f"skerry-{client.call('info', container={'name': name})['container']['id']}.service"}


def groups_of_theirs(name: str) -> set[str]:
    """The cgroups of one of Incus's."""
    return {f"lxc.payload.{name}", f"lxc.monitor.{name}"}


def processes(groups: set[str]) -> Iterator[Path]:
    """All that are in cgroups of these names, or below."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if groups & {*(path / "cgroup").read_text().rpartition("0::")[2].strip().split("/")}:
                yield path


def held(groups: set[str]) -> dict[str, int]:
    """KiB that the processes in some cgroups hold, by each way to count."""
    found = collections.Counter[str]()
    for path in processes(groups):
        for line in (path / "smaps_rollup").read_text().splitlines()[1:]:
            name, size, *_ = line.split()
            found[name.rstrip(":")] += int(size)
    return {way: found[way] for way in WAYS}


def together(make: Callable[[str], object], groups: Callable[[str], set[str]]) -> list[dict[str, int]]:
    """KiB that each of four holds, some seconds after the last was up."""
    names = [f"whole-{number}" for number in range(TOGETHER)]
    for name in names:
        make(name)
    time.sleep(SETTLED)
    return [held(groups(name)) for name in names]


def in_turns(client: EngineClient, incus: Incus, image: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds until one is up, by each; the first round, in which both load what all later ones find, is left out."""
    up: dict[str, list[float]] = collections.defaultdict(list)
    for _ in range(rounds + 1):
        up["create → systemd is up: ours, socket"].append(ours(client, image, "whole"))
        client.call("delete", container={"name": "whole"})
        up["create → systemd is up: Incus, REST"].append(theirs(incus, "whole"))
        incus.delete("whole")
    return {what: each[1:] for what, each in up.items()}


def main(image: str, rounds: int) -> int:
    client, incus = EngineClient(), Incus()
    (about,) = [one for one in client.call("image_list")["images"] if one["name"] == image]
    bring(about)
    names = [f"whole-{number}" for number in range(TOGETHER)]
    try:
        up = in_turns(client, incus, image, rounds)
        each = {
            "ours": together(
                lambda name: ours(client, image, name), lambda name: groups_of_ours(client, name)
            )
        }
        for name in names:
            client.call("delete", container={"name": name})
        each["Incus"] = together(lambda name: theirs(incus, name), groups_of_theirs)
        for name in names:
            incus.delete(name)
        once = {"ours": held({"skerry-engine.service"}), "Incus": held({"incus.service"})}
    finally:
        take_away()
    print(json.dumps({"milliseconds": up, "held": each, "once": once}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
