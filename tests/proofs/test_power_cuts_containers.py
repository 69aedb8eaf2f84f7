"""Power lost at thirty random moments of mixed work with containers: what was acknowledged is there, and nothing else."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.install.conftest import play_on
from tests.install.installing import install
from tests.install.rescue_lab import ROOT, Machine, machine
from tests.proofs.cuts import BOOT_S, chooser, switch

CUTS = int(os.environ.get("CUTS", "30"))
WORKERS = 3
LEAST_S, MOST_S = 5.0, 45.0  # of work before the power goes
PATIENCE_S = 300.0
PROGRAMS = ROOT / "tests" / "integration" / "on_host"
Containers = dict[str, dict[str, Any]]


def test_thirty_cuts_in_mixed_work(tmp_path: Path) -> None:
    choose, changes = chooser("containers"), 0
    expected: Containers = {}
    with machine("cuts-containers", tmp_path, ["--firmware", "uefi", "--disks", "1"]) as host:
        prepare(host)
        for cut in range(1, CUTS + 1):
            moment = choose.uniform(LEAST_S, MOST_S)
            lines = work_until_the_power_goes(host, f"{choose.random()}", expected, moment)
            acknowledged, open_changes = told(lines, expected)
            changes += acknowledged
            unlock(host)
            came_back(host, expected, open_changes)
            look_for_orphans(host)
            print(
                f"cut {cut}: after {moment:.1f} s, {acknowledged} changes acknowledged, {len(open_changes)} open: "
                f"{len(expected)} containers as they were wanted, 0 orphans",
                flush=True,
            )
        print(f"{CUTS} cuts, {changes} acknowledged changes: 0 lost")


def prepare(host: Machine) -> None:
    """Install it, and have it run containers of the sample image."""
    done = install(host)
    assert done.code == 0, done.output[-4000:]
    unlock(host)
    for playbook, *options in (("site.yml",), ("playbooks/image/import.yml", "-e", "image=hello")):
        answer = play_on(host, playbook, *options)
        assert answer.returncode == 0, answer.stdout[-4000:]


def unlock(host: Machine) -> None:
    answer = play_on(host, "playbooks/unlock.yml", f"--extra-vars=unlock_timeout={BOOT_S}")
    assert answer.returncode == 0, answer.stdout[-4000:]


def bring(host: Machine) -> None:
    """The programs of the tests, into the memory of the machine."""
    for name in ("mixed_work.py", "leftovers.py"):
        host.lab.login.run([f"cat > /run/{name}"], stdin=(PROGRAMS / name).read_text())


def work_until_the_power_goes(
    host: Machine, seed: str, expected: Containers, moment: float
) -> list[dict[str, Any]]:
    """Begin mixed work, cut the power after ``moment`` seconds, and start the machine; what the work had said by then."""
    bring(host)
    command = host.lab.login.command(["python3", "-u", "/run/mixed_work.py", seed, str(WORKERS)])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        process.stdin.write(json.dumps(expected))
        process.stdin.close()
        time.sleep(moment)
        switch(host, "power", "disks")
        assert process.stdout
        said = process.stdout.read()
    return [json.loads(line) for line in said.splitlines(keepends=True) if line.endswith("\n")]


def told(lines: list[dict[str, Any]], expected: Containers) -> tuple[int, Containers]:
    """Bring ``expected`` up to date; how many changes were acknowledged, and by name what an open one would have made."""
    acknowledged, still_open = 0, {}
    for line in lines:
        ((what, said),) = [(key, line[key]) for key in ("begun", "done", "failed") if key in line]
        assert what != "failed", line
        if what == "begun":
            still_open[said["worker"]] = said
            continue
        acknowledged += 1
        del still_open[said["worker"]]
        if said["after"] is None:
            expected.pop(said["name"])
        else:
            expected[said["name"]] = said["after"]
    return acknowledged, {said["name"]: said["after"] for said in still_open.values()}


def came_back(host: Machine, expected: Containers, open_changes: Containers) -> None:
    """All is as it was acknowledged; where a change was open, as before or after it, and that is expected from now on."""
    until = time.monotonic() + PATIENCE_S
    while problems := list(differences(found := containers(host), expected, open_changes)):
        assert time.monotonic() < until, problems
        time.sleep(5)
    for name in open_changes:
        if name in found:
            expected[name] = found[name]
        else:
            expected.pop(name, None)


def differences(found: Containers, expected: Containers, open_changes: Containers) -> Iterator[str]:
    for name in found.keys() | expected.keys():
        allowed = [expected.get(name)]
        if name in open_changes:
            allowed.append(open_changes[name])
        if found.get(name) not in allowed:
            yield f"{name}: {found.get(name)}, not one of {allowed}"


def containers(host: Machine) -> Containers:
    """What the machine has, as the work tells of it."""
    listed = ask(host, "list")["containers"]
    return {
        one["name"]: {
            "state": one["state"],
            "memory": one["memory"],
            "snapshots": sorted(
                snapshot["name"]
                for snapshot in json.loads(
                    host.lab.login.run([f"skerry snapshot list {one['name']} --json"])
                )["snapshots"]
            ),
        }
        for one in listed
        if one["name"].startswith("cut-")
    }


def ask(host: Machine, words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(host.lab.login.run([f"skerry {words} --json"]))
    return found


def look_for_orphans(host: Machine) -> None:
    """Nothing is there that no container owns."""
    bring(host)
    host.lab.login.run(["python3", "/run/leftovers.py"], timeout=PATIENCE_S)
