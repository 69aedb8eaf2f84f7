"""What befalls the unlocked machine: a power cut, at last its kernel's crash. In this order, and after test_unlock.py."""

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from skerry_lab.state import Lab, LabStore
from tests.install import markers
from tests.install.in_rescue import lab
from tests.install.rescue_lab import command, raw_image
from tests.install.trials import Server

# An unencrypted Debian as it comes, but for the swap and the /tmp on its disk that others are given by their installer.
ON_DISK = """
systemctl mask --now tmp.mount
fallocate -l 64M /swap
chmod 0600 /swap
mkswap --quiet /swap
swapon /swap
"""
SWAPPED_KIB = 8 * 1024
PATIENCE_S = 900
LATE_S = 15
LET_FIRMWARE_KEEP, CRASH = "modprobe efi_pstore", "echo c >/proc/sysrq-trigger"
# As its operator does it; it ends when the new image is half written.
UPDATE = """
update-initramfs -u </dev/null >/run/update 2>&1 &
until test -s /boot/initrd.img-*.new; do sleep 0.1; done
sleep 1
ls /boot
"""


def test_power_lost_in_the_midst_of_an_initramfs_update_and_a_network_that_comes_up_late(play, installed):
    half = installed.lab.login.run(["sh", "-eu"], stdin=UPDATE, timeout=PATIENCE_S)
    assert ".new" in half
    server, name = Server(installed), installed.lab.name
    place = server.place()
    lab("power", name, "disks")
    pull_the_cable(name)
    with ThreadPoolExecutor() as beside:
        unlocking = beside.submit(play, "playbooks/unlock.yml")
        server.wait_said(place, "Please unlock disk root_crypt")
        time.sleep(LATE_S)
        assert not unlocking.done()
        lab("link", name, "on")
    answer = unlocking.result()
    assert answer.returncode == 0, answer.stdout
    assert "changed=1" in answer.stdout
    assert installed.run("systemctl is-system-running").strip() == "running"
    assert "good: initrd.img-" in installed.run("skerry-boot check")


def pull_the_cable(name: str) -> None:
    """Of a machine that was started a moment ago."""
    until = time.monotonic() + PATIENCE_S
    while subprocess.run(command("link", name, "off"), check=False, capture_output=True).returncode:
        assert time.monotonic() < until


def test_nothing_of_a_crashed_machines_memory_and_files_is_on_its_disk_in_clear(installed):
    left = markers.fresh()
    told = markers.leave(installed.lab, left, "drive0")
    assert told["swapped_kib"] >= SWAPPED_KIB
    assert told["cores"] == []
    assert " extent" in told["extents"]
    assert "encoded" not in told["extents"]  # compressed, no scanner would know it
    drive = installed.lab.bare.disks[0]
    with raw_image(installed.lab.home / drive.file, installed.folder) as image:
        assert markers.found(image, left) == {}
    assert not markers.in_firmware(installed.lab)


@pytest.fixture
def control(tmp_path, monkeypatch) -> Iterator[Lab]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    subprocess.run(command("up", "control", "--kind", "metal", "--owner", "test of markers"), check=True)
    yield LabStore(tmp_path / "skerry").get("control")
    subprocess.run(command("down", "control"), check=True)


def test_on_an_unencrypted_machine_all_of_it_is_found(control, tmp_path):
    control.login.run(["sh", "-eu"], stdin=ON_DISK)
    left = markers.fresh()
    told = markers.leave(control, left, "disk0")
    assert told["swapped_kib"] >= SWAPPED_KIB
    with raw_image(control.home / "disk.qcow2", tmp_path) as image:
        assert markers.found(image, left).keys() == markers.PLACES
        assert markers.found(image, markers.fresh()) == {}


def test_where_it_is_not_forbidden_its_firmware_keeps_a_dying_kernels_words(installed):
    assert not markers.in_firmware(installed.lab)
    lab("rescue", installed.lab.name)
    crash = installed.lab.login.command([f"{LET_FIRMWARE_KEEP}; {CRASH}"])
    place = markers.console_end(installed.lab)
    with subprocess.Popen(crash) as ssh:
        markers.wait_until_dead(installed.lab, place)
        ssh.kill()
    assert markers.in_firmware(installed.lab)
