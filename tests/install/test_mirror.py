"""A mirror with BIOS: one disk pulled, unlocked from afar and serving, a new disk, whole again. One after the other."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.install.conftest import play_on
from tests.install.installing import install
from tests.install.rescue_lab import Machine, command, machine

REPLACE = "playbooks/disk/replace.yml"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    hardware = ["--firmware", "bios", "--bus", "virtio", "--disks", "2"]
    with machine("mirror", tmp_path_factory.mktemp("mirror"), hardware) as found:
        done = install(found)
        assert done.code == 0, done.output[-4000:]
        played(found, "site.yml")
        yield found


def played(mirror: Machine, playbook: str, *options: str) -> str:
    """What a playbook that passed has printed."""
    answer = play_on(mirror, playbook, *options)
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-1000:]
    return answer.stdout


def lab(mirror: Machine, *words: str) -> None:
    subprocess.run(command(words[0], mirror.lab.name, *words[1:]), check=True)


def status(mirror: Machine) -> dict:
    return json.loads(mirror.run("skerry-boot status --json"))


def test_both_disks_have_the_same_boot(mirror):
    assert status(mirror)["mirror"] == "whole"
    assert "both disks have the same /boot" in mirror.run("skerry-boot sync")
    assert mirror.run("cd /boot; ls vmlinuz-* initrd.img-*") == mirror.run(
        "cd /boot.1; ls vmlinuz-* initrd.img-*"
    )
    first, second = (mirror.run(f"findmnt -no UUID {place}").strip() for place in ("/boot", "/boot.1"))
    menu = mirror.run("cat /boot.1/grub/grub.cfg")
    assert second in menu
    assert first not in menu


def test_a_new_initramfs_and_a_new_menu_come_to_both(mirror):
    mirror.run(
        "echo '# more' >>/boot/grub/grub.cfg; until tail -n 1 /boot.1/grub/grub.cfg | grep -q more; do sleep 1; done"
    )
    mirror.run("update-initramfs -u; cmp /boot/initrd.img-* /boot.1/initrd.img-*")


def test_without_its_first_disk_it_boots_and_is_unlocked_and_serves(mirror):
    lab(mirror, "power", "off")
    lab(mirror, "disk", "pull", "0")
    lab(mirror, "power", "on")
    played(mirror, "playbooks/unlock.yml")
    assert status(mirror)["mirror"] == "half"
    for place in ("/tmp", "/boot"):
        assert mirror.run(f"findmnt -no SOURCE {place}").strip()
    assert mirror.run("swapon --noheadings").strip()
    assert mirror.run("systemctl --failed --no-legend --plain").strip() == ""
    assert mirror.run("systemctl is-active haproxy skerry-engine").split() == ["active", "active"]
    assert "half a mirror" in played(mirror, "playbooks/status.yml")
    assert "runs on half a mirror" in " ".join(played(mirror, "playbooks/host.yml").split())


def test_a_new_disk_makes_it_whole(mirror):
    refused = play_on(mirror, REPLACE)
    assert refused.returncode != 0
    assert "there is no such disk" in refused.stdout

    lab(mirror, "disk", "new", "0")
    played(mirror, REPLACE)
    assert status(mirror)["mirror"] == "whole"
    assert "changed=0" in played(mirror, REPLACE)


def test_it_boots_from_the_new_disk_alone(mirror):
    lab(mirror, "power", "off")
    lab(mirror, "disk", "pull", "1")
    lab(mirror, "power", "on")
    played(mirror, "playbooks/unlock.yml")
    assert status(mirror)["mirror"] == "half"
