"""Look for what no container owns, or what a container should own and does not have. Runs on the host, as root.

It asks the kernel, systemd, nftables, btrfs and HAProxy themselves and compares them with the store; nothing of the
engine's own code is used, so a mistake there cannot hide itself here.
"""

import json
import re
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

STATE, POOL, RUN = "/var/lib/skerry/state.db", "/var/lib/skerry/pool", "/run/skerry"
FIRST_HOST = 256


def out(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def rows(query: str) -> list[tuple]:
    with sqlite3.connect(f"file:{STATE}?mode=ro", uri=True) as db:
        return db.execute(query).fetchall()


def units() -> set[str]:
    text = out(
        "systemctl", "list-units", "--all", "--plain", "--no-legend", "--state=loaded", "skerry-*.service"
    )
    return set(re.findall(r"skerry-([0-9a-f]{24})\.service", text))


def cgroups() -> set[str]:
    return {
        match[1]
        for path in Path("/sys/fs/cgroup/skerry.slice").rglob("skerry-*.service")
        if (match := re.fullmatch(r"skerry-([0-9a-f]{24})\.service", path.name))
    }


def volumes() -> set[str]:
    listed = set(re.findall(r"path c/(\S+)", out("btrfs", "subvolume", "list", POOL)))
    return listed | {path.name for path in Path(POOL, "c").iterdir()}


def firewall_slots() -> set[int]:
    found = set()
    for item in json.loads(out("nft", "-j", "list", "ruleset"))["nftables"]:
        holder = item.get("set") or item.get("map") or {}
        if holder.get("table") != "skerry":
            continue
        text = json.dumps(holder.get("elem", []))
        found |= {int(slot) for slot in re.findall(r'"sk(\d+)"', text)}
        found |= {int(a) * 256 + int(b) - FIRST_HOST for a, b in re.findall(r'"10\.90\.(\d+)\.(\d+)"', text)}
        found |= {int(tail, 16) - FIRST_HOST for tail in re.findall(r'"fd5e:6b65:7279::([0-9a-f]+)"', text)}
    return {slot for slot in found if slot > 0}


def ways() -> tuple[set[str], set[str]]:
    """Who may reach whom: by the store, and by the firewall. Of two projects it believes the firewall."""
    started = {
        (row[0], row[1]): (row[2], json.loads(row[3]))
        for row in rows("SELECT project_id, name, slot, spec FROM container WHERE desired = 'started'")
    }
    wanted = set()
    for (project, _), (slot, spec) in started.items():
        for target, _, port in (text.rpartition(":") for text in spec.get("reaches", [])):
            if (project, target) in started:
                number, _, protocol = port.partition("/")
                wanted.add(f"{slot} {started[project, target][0]} {protocol or 'tcp'} {number}")
    found = set()
    for item in json.loads(out("nft", "-j", "list", "set", "inet", "skerry", "reaches4"))["nftables"]:
        for element in item.get("set", {}).get("elem", []):
            *ends, protocol, port = element["concat"]
            pairs = (map(int, one.split(".")[2:]) for one in ends)
            source, target = (a * 256 + b - FIRST_HOST for a, b in pairs)
            found.add(f"{source} {target} {protocol} {port}")
    projects = {row[0]: row[1] for row in rows("SELECT slot, project_id FROM container")}
    apart = {one for one in found if len({projects.get(int(slot)) for slot in one.split()[:2]}) > 1}
    return wanted, found - apart


def published() -> tuple[set[str], set[str]]:
    """Ports of the host that lead to a container, with where: by the store, and by the firewall."""
    wanted = set()
    for slot, spec in rows("SELECT slot, spec FROM container WHERE desired = 'started'"):
        for text in json.loads(spec).get("publish", []):
            ports, _, protocol = text.partition("/")
            if protocol.startswith("tls"):  # the proxy's: see the routes
                continue
            first, _, own = ports.partition(":")
            wanted |= {f"{first} {protocol or 'tcp'} {slot} {own or first} IPv{version}" for version in "46"}
    found = set()
    for item in json.loads(out("nft", "-j", "list", "table", "inet", "skerry"))["nftables"]:
        holder = item.get("map", {})
        if holder.get("name") in {"published4", "published6"}:
            for key, value in holder.get("elem", []):
                (protocol, port), (address, own) = key["concat"], value["concat"]
                version = holder["name"][-1]
                a, b = (
                    map(int, address.split(".")[2:])
                    if version == "4"
                    else divmod(int(address.rpartition(":")[2], 16), 256)
                )
                found.add(f"{port} {protocol} {a * 256 + b - FIRST_HOST} {own} IPv{version}")
    return wanted, found


def links() -> set[int]:
    return {
        int(link["ifname"][2:])
        for link in json.loads(out("ip", "-j", "link"))
        if re.fullmatch(r"sk\d+", link["ifname"])
    }


def images() -> dict[str, tuple[set[str], set[str]]]:
    """What images leave: files and mounts of those that are stored, and nothing of one that is being made."""
    stored = {row[0] for row in rows("SELECT digest FROM image")}
    mounted = re.findall(rf" {RUN}/images/([0-9a-f]{{64}}) ", Path("/proc/1/mountinfo").read_text())
    making = out("systemctl", "list-units", "--all", "--plain", "--no-legend", "skerry-image-*")
    return {
        "files of images": (stored, {path.stem for path in Path(POOL, "images").iterdir()}),
        "mounts of images": (stored, set(mounted)),
        "mount points of images": (stored, {path.name for path in Path(RUN, "images").iterdir()}),
        "units that make images": (set(), set(making.split())),
    }


def data() -> dict[str, tuple[set[str], set[str]]]:
    """What volumes and secrets leave: a subvolume of each with a group that limits it, a value and the link to it."""
    kept = {f"{row[0]}-{row[1]}" for row in rows("SELECT id, generation FROM volume")}
    values = {
        name for row in rows("SELECT id, version FROM secret") for name in (row[0], f"{row[0]}-{row[1]}")
    }
    folder = Path(POOL, "v")
    working = out("systemctl", "list-units", "--all", "--plain", "--no-legend", "skerry-files-*")
    streams_ = Path(RUN, "streams")
    return {
        "data of volumes": (kept, {path.name for path in folder.iterdir()} if folder.exists() else set()),
        "values of secrets": (values, {path.name for path in Path("/var/lib/skerry/secrets").glob("*")}),
        "units on files": (set(), set(working.split())),
        "what an export or import needs": (
            set(),
            {str(path) for path in (*Path(POOL).glob("s/export/*"), *Path(POOL).glob("c/*/opaque"))}
            | {str(path) for path in Path(RUN).glob("*.head")},
        ),
        "streams": (set(), {path.name for path in streams_.iterdir()} if streams_.exists() else set()),
    }


def slices() -> tuple[set[str], set[str]]:
    """Limits of slices, as systemd has them for the next unit too: by the quotas in the store, and by systemd."""
    wanted = set()
    projects = "SELECT 'skerry-' || realm_id || '-' || id, quota FROM project"
    for name, text in rows(f"SELECT 'skerry-' || id, quota FROM realm UNION ALL {projects}"):
        quota = json.loads(text)
        if quota.keys() & {"memory", "cpu", "pids"}:
            wanted.add(f"{name}.slice {quota.get('memory')} {quota.get('cpu')} {quota.get('pids')}")
    found = set()
    for folder in Path("/run/systemd/system.control").glob("skerry-*.slice.d"):
        text = "\n".join(path.read_text() for path in sorted(folder.iterdir()))
        memory, cpu, pids = (
            (re.findall(rf"^{key}=(\S+)$", text, re.MULTILINE) or [""])[-1]
            for key in ("MemoryMax", "CPUQuota", "TasksMax")
        )
        if {memory, cpu, pids} - {"", "infinity"}:
            found.add(f"{folder.stem} {_size(memory)} {_share(cpu)} {int(pids) if pids.isdigit() else None}")
    return wanted, found


def _size(text: str) -> str | None:
    if not text.isdigit():
        return None
    size, unit = int(text), ""
    for larger in "KMGT":
        if size % 1024 == 0:
            size, unit = size // 1024, larger
    return f"{size}{unit}"


def _share(text: str) -> float | None:
    return float(text.rstrip("%")) / 100 if text.endswith("%") else None


def proxy_map() -> dict[str, str]:
    """The live map of every worker; they must agree."""
    maps = []
    listing = master("show proc")
    for pid in re.findall(r"^(\d+)\s+worker", listing, re.MULTILINE):
        lines = master(f"@!{pid} show map /run/skerry-proxy/routes.map").splitlines()
        entries = (line.split(maxsplit=2) for line in lines if line.startswith("0x"))
        maps.append({entry[1]: entry[2] for entry in entries})
    assert maps, "the proxy has no worker"
    assert all(each == maps[0] for each in maps), f"the workers' maps differ: {maps}"
    return maps[0]


def master(command: str) -> str:
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect("/run/skerry-proxy/master.sock")
        channel.sendall(f"{command}\n".encode())
        channel.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: channel.recv(65536), b"")).decode()


def differences() -> Iterator[str]:
    """Every disagreement between the store and the machine, in words. Nothing is what a test wants to see."""
    stored = {row[0]: row for row in rows("SELECT id, slot, desired FROM container")}
    running = {name for name, row in stored.items() if row[2] == "started"}
    slots = {row[1] for row in stored.values() if row[2] == "started"}
    routes = dict(rows("SELECT host, value FROM route_map"))
    live_routes = {name: value for name, value in proxy_map().items() if not name.startswith("#")}
    mounts = {
        match[1] for match in re.finditer(rf" {RUN}/c/([0-9a-f]+)", Path("/proc/1/mountinfo").read_text())
    }
    compared = {
        "units": (running, units()),
        "cgroups": (running, cgroups()),
        "volumes": (set(stored), volumes()),
        "firewall elements of slots": (slots, firewall_slots()),
        "network links of slots": (slots, links()),
        "firewall elements between containers": ways(),
        "published ports": published(),
        "rendered configurations": (running, {path.name for path in Path(RUN, "c").iterdir()}),
        "mounts that PID 1 sees": (set(), mounts),
        "routes": (set(routes.items()), {item for item in live_routes.items() if "." in item[0]}),
        "limits of slices": slices(),
        **images(),
        **data(),
        "open operations": (set(), {row[0] for row in rows("SELECT id FROM operation WHERE state = 'open'")}),
    }
    for what, (wanted, found) in compared.items():
        if missing := wanted - found:
            yield f"{what} missing: {sorted(missing)}"
        if extra := found - wanted:
            yield f"{what} left over: {sorted(extra)}"
    ids = [row[0] for row in rows("SELECT id FROM container UNION ALL SELECT id FROM tombstone")]
    if len(ids) != len(set(ids)):
        yield "an id is alive and buried at once, or buried twice"


if __name__ == "__main__":
    import sys
    import time

    deadline = time.monotonic() + 60  # the kernel frees network namespaces behind our back
    while (problems := list(differences())) and time.monotonic() < deadline:
        time.sleep(0.1)
    print("\n".join(problems) or "nothing left over, nothing missing")
    sys.exit(bool(problems))
