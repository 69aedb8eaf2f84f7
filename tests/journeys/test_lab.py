"""The lab itself, for real: two at once, and whatever may be killed."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from skerry_lab.process import ProcessIdentity
from skerry_lab.state import Lab, LabStore, State

FIRST, SECOND = "journey-a", "journey-b"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "skerry_lab", *words]


def up(name: str, *more: str) -> list[str]:
    return command("up", name, "--owner", "test of the lab", *more)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabStore]:
    """Labs in a folder of their own, with the user's images."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    yield LabStore(tmp_path / "skerry")
    subprocess.run(command("down", FIRST, SECOND), check=True)


def left_over(store: LabStore, name: str) -> list[str]:
    """Processes and mounts of a lab that this computer still knows."""
    marks = (f"--machine=skerry-{name}", str(store.folder(name)))
    found = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if marks[1] in line]
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if any(mark in line for mark in marks):
                found.append(line)
    return found


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def running(store: LabStore, name: str) -> Lab:
    lab = store.get(name)
    assert lab.state() is State.RUNNING
    assert lab.login.run(["hostname"]).strip() == name
    return lab


def test_two_labs_started_at_the_same_moment_do_not_collide(store: LabStore) -> None:
    both = [subprocess.Popen(up(name)) for name in (FIRST, SECOND)]
    assert [process.wait(300) for process in both] == [0, 0]
    one, other = running(store, FIRST), running(store, SECOND)
    assert not set(one.ports.values()) & set(other.ports.values())
    keys = {
        lab.login.run(["cat", "/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"]) for lab in (one, other)
    }
    assert len(keys) == 2
    one.login.run(["touch", "/root/mine"])
    assert "mine" not in other.login.run(["ls", "/root"])


def test_a_lab_that_runs_is_left_as_it_is(store: LabStore) -> None:
    subprocess.run(up(FIRST), check=True)
    process = store.get(FIRST).process()
    subprocess.run(up(FIRST), check=True)
    assert store.get(FIRST).process() == process


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 1.8])
def test_an_up_that_is_killed_leaves_nothing_that_the_next_can_not_clear(
    store: LabStore, seconds: float
) -> None:
    killed = subprocess.Popen(up(FIRST, "--fresh"))
    time.sleep(seconds)
    killed.kill()
    killed.wait()
    subprocess.run(up(FIRST), check=True)
    lab = running(store, FIRST)
    subprocess.run(command("down", FIRST), check=True)
    assert left_over(store, FIRST) == []
    assert not lab.home.exists()


def test_with_a_machines_process_everything_of_it_ends(store: LabStore) -> None:
    subprocess.run(up(FIRST), check=True)
    lab = running(store, FIRST)
    process = lab.process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    # The kernel ends the machine, then the program that holds its ports: one after the other, on its own time.
    until = time.monotonic() + 10
    while (left_over(store, FIRST) or listens(lab.ports["ssh"])) and time.monotonic() < until:
        time.sleep(0.1)
    assert left_over(store, FIRST) == []
    assert not listens(lab.ports["ssh"])
    assert lab.state() is State.DEAD
    listed = json.loads(subprocess.run(command("list", "--json"), check=True, capture_output=True).stdout)
    assert [(row["name"], row["state"]) for row in listed] == [(FIRST, "dead")]
    subprocess.run(up(FIRST), check=True)
    running(store, FIRST)


def test_nothing_of_this_computers_network_is_changed(store: LabStore) -> None:
    def network() -> list[str]:
        shown = [
            ["ip", "route"],
            ["ip", "-6", "route"],
            ["ip", "-brief", "link"],
            ["sysctl", "-a", "--pattern", "forward"],
        ]
        return [subprocess.run(words, check=True, capture_output=True, text=True).stdout for words in shown]

    before = network()
    subprocess.run(up(FIRST), check=True)
    assert running(store, FIRST).login.run(["sysctl", "-n", "-w", "net.ipv4.ip_forward=1"]).strip() == "1"
    assert network() == before


def test_a_process_that_got_a_dead_machines_number_is_not_touched(store: LabStore) -> None:
    subprocess.run(up(FIRST), check=True)
    lab = store.get(FIRST)
    process = lab.process()
    assert process is not None
    process.kill()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        ProcessIdentity(bystander.pid, process.started, process.boot).save(lab.home / "process.json")
        subprocess.run(command("down", FIRST), check=True)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
