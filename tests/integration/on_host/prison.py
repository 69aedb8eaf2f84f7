"""Put the prisoner into a container and let it try the walls. Runs on the host, as root.

``python3 prison.py OPERATION…`` prints one line of JSON: what each operation saw from inside, and what the host saw.
"""

import json
import shutil
import socket
import sys
from pathlib import Path

from skerry.client import EngineClient

HERE = Path(__file__).resolve().parent
LIMITS = {"memory": "128M", "cpu": 0.5, "pids": 64, "disk": "64M"}
CGROUPS = Path("/sys/fs/cgroup")


def make(name: str, **options: object) -> dict:
    spec = {"image": "hello", "command": ["/usr/bin/python3", "/prisoner"], **options}
    client, key = EngineClient(), {"name": name}
    client.call("ensure", container=key, state="absent")
    made = client.call("create", container=key, spec=spec, start=False)["after"]
    smuggle_in(Path(f"/var/lib/skerry/pool/c/{made['id']}/upper"))
    return client.call("start", container=key, timeout=120)["after"]


def smuggle_in(upper: Path) -> None:
    """The program, and the host's own ctypes, which the sample image's small Python lacks."""
    shutil.copy(HERE / "prisoner.py", upper / "prisoner")
    library = Path("/usr/lib/python3.13")
    wanted = [
        *library.glob("ctypes/*.py"),
        *library.glob("ctypes/macholib/*.py"),
        *library.glob("lib-dynload/_ctypes*"),
    ]
    for path in [*wanted, *Path("/usr/lib/x86_64-linux-gnu").glob("libffi.so.8*")]:
        target = upper / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def ask(container: dict, operation: str) -> dict:
    with socket.create_connection((container["ipv4"], 1071), timeout=300) as connection:
        connection.sendall(f"{operation}\n".encode())
        with connection.makefile() as stream:
            return json.loads(stream.readline())


def group(container: dict) -> Path:
    return next(CGROUPS.rglob(f"skerry-{container['id']}.service"), CGROUPS / "missing")


def read(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def seen_by_host(container: dict) -> dict:
    """Limits and events: on the way from the container's own init up to the root, and of its unit."""
    unit = group(container)
    pids = read(unit / f"monitor/lxc.payload.{container['id']}/cgroup.procs").split()
    init = int(pids[0]) if pids else 0
    own = next(
        line[4:] for line in Path(f"/proc/{init}/cgroup").read_text().splitlines() if line.startswith("0::/")
    )
    found = {}
    for name in ("memory.max", "memory.swap.max", "cpu.max", "pids.max"):
        path = CGROUPS / own
        values = []
        while path != CGROUPS:
            values.append(read(path / name))
            path = path.parent
        found[name] = values
    return {
        "init": init,
        "cgroup": own,
        "limits": found,
        "oom_kill": event(unit, "memory.events", "oom_kill"),
        "pids_max_hit": event(unit, "pids.events", "max"),
        "uid": Path(f"/proc/{init}/status").read_text().split("Uid:")[1].split()[0],
        "alive": bool(init),
    }


def event(unit: Path, name: str, key: str) -> int:
    lines = dict(line.split() for line in read(unit / name).splitlines())
    return int(lines.get(key, 0))


def main(operations: list[str]) -> None:
    prisoner, neighbour = make("prisoner", **LIMITS), make("bystander", **LIMITS)
    report = {operation: ask(prisoner, operation) for operation in operations}
    report |= {"host": seen_by_host(prisoner), "neighbour": seen_by_host(neighbour)}
    report["neighbour_answers"] = "Uid" in ask(neighbour, "who")
    for name in ("prisoner", "bystander"):
        EngineClient().call("delete", container={"name": name})
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
