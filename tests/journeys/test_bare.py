"""A machine with blank disks, for real: firmware, its rescue system, its switches. BIOS and virtio are the quickest."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skerry_base.core.run import CommandError
from skerry_lab.process import children
from skerry_lab.state import Lab, LabStore, State

NAME = "journey-bare"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "skerry_lab", *words]


def said_no(*words: str) -> str:
    done = subprocess.run(command(*words), check=False, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stderr


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabStore]:
    """One machine in its rescue system, in a folder of its own, with the user's images."""
    folder = tmp_path_factory.mktemp("bare")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        bare = [
            "--kind",
            "metal",
            "--image",
            "rescue",
            "--firmware",
            "bios",
            "--bus",
            "virtio",
            "--disks",
            "2",
        ]
        subprocess.run(command("up", NAME, "--owner", "test of the lab", *bare), check=True)
        yield LabStore(folder / "skerry")
        subprocess.run(command("down", NAME), check=True)


@pytest.fixture
def lab(store: LabStore) -> Lab:
    """The machine, in its rescue system."""
    found = store.get(NAME)
    if found.state() is not State.RUNNING:
        subprocess.run(command("rescue", NAME), check=True)
    return store.get(NAME)


def by_id(lab: Lab) -> set[str]:
    return set(lab.login.run(["ls", "/dev/disk/by-id"]).split())


def test_it_starts_in_memory_with_blank_disks_by_name(lab: Lab) -> None:
    assert lab.login.run(["findmnt", "-no", "FSTYPE", "/"]).strip() == "overlay"
    assert {f"virtio-{disk.serial}" for disk in lab.bare.disks} <= by_id(lab)
    blank = f"/dev/disk/by-id/virtio-{lab.bare.disks[0].serial}"
    assert lab.login.run(["wipefs", blank]) == ""
    assert lab.login.run(["lsblk", "-bdno", "SIZE", blank]).strip() == str(16 * 1024**3)


def test_the_network_cable_can_be_pulled(lab: Lab) -> None:
    subprocess.run(command("link", NAME, "off"), check=True)
    with pytest.raises(CommandError):
        lab.login.run(["true"])
    subprocess.run(command("link", NAME, "on"), check=True)
    lab.login.wait(60, lambda: True)


def test_a_disk_is_pulled_from_under_it_and_replaced_by_a_blank_one(store: LabStore, lab: Lab) -> None:
    old = lab.bare.disks[1].serial
    assert "has a disk in slot 1" in said_no("disk", NAME, "new", "1")
    subprocess.run(command("disk", NAME, "pull", "1"), check=True)
    wait_until(lambda: f"virtio-{old}" not in by_id(lab))
    assert "pulled already" in said_no("disk", NAME, "pull", "1")
    subprocess.run(command("disk", NAME, "new", "1"), check=True)
    new = store.get(NAME).bare.disks[1].serial
    assert new != old
    wait_until(lambda: f"virtio-{new}" in by_id(lab))


def test_after_a_reboot_firmware_looks_for_a_system_on_its_disks(lab: Lab) -> None:
    before = lab.cpu_seconds()
    assert before > 1
    lab.login.run(["reboot"])
    process = lab.process()
    assert process is not None
    wait_until(lambda: children(process.pid) == [])
    assert process.alive()
    assert lab.cpu_seconds() >= before
    with pytest.raises(CommandError):
        lab.login.run(["true"])
    subprocess.run(command("rescue", NAME), check=True)
    lab.login.run(["true"])


def test_whoever_ends_its_process_ends_all_of_it(lab: Lab) -> None:
    process = lab.process()
    assert process is not None
    qemu = children(process.pid)
    assert len(qemu) == 1
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{qemu[0]}").exists(), 10)
    assert lab.state() is State.DEAD
    assert "is off" in said_no("link", NAME, "on")


def test_what_was_written_outlives_the_power(store: LabStore, lab: Lab) -> None:
    blank = f"/dev/disk/by-id/virtio-{lab.bare.disks[0].serial}"
    lab.login.run([f"echo kept | dd of={blank} conv=fsync; poweroff"])
    wait_until(lambda: store.get(NAME).state() is State.DEAD)
    subprocess.run(command("rescue", NAME), check=True)
    assert lab.login.run(["head", "-c", "4", blank]) == "kept"


def test_saved_disks_come_back_as_they_were_and_pulled_ones_too(store: LabStore, lab: Lab) -> None:
    blank = f"/dev/disk/by-id/virtio-{lab.bare.disks[0].serial}"
    lab.login.run([f"echo first | dd of={blank} conv=fsync"])
    assert "runs" in said_no("save", NAME, "then")
    subprocess.run(command("power", NAME, "cut"), check=True)
    for _again in range(2):
        subprocess.run(command("save", NAME, "then"), check=True)
    assert "(there is: then)" in said_no("restore", NAME, "now")
    subprocess.run(command("disk", NAME, "pull", "1"), check=True)
    subprocess.run(command("rescue", NAME), check=True)
    lab.login.run([f"echo other | dd of={blank} conv=fsync"])
    subprocess.run(command("power", NAME, "cut"), check=True)
    subprocess.run(command("restore", NAME, "then"), check=True)
    subprocess.run(command("rescue", NAME), check=True)
    assert lab.login.run(["head", "-c", "5", blank]) == "first"
    assert store.get(NAME).bare == lab.bare
