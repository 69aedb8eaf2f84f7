"""What an operator does from the rescue system: keys of a real volume, and boots that are broken for real.

The tests go on from one another, in this order. The machine runs when they begin; at the end it has another passphrase
and a mended boot, and waits; test_unlock.py unlocks it.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.install.in_rescue import VOLUME, Rescued, rescue_system
from tests.install.rescue_lab import Machine
from tests.install.rotating import DESTROYS, cut, given, slots

RESCUE = "playbooks/rescue.yml"
MEND = ("--extra-vars", "repair=true")
NEW, PAPER = "the passphrase of tomorrow", "written on a paper"
NOBODY = "00000000-0000-4000-8000-000000000000"
BREAK = Path(__file__).parent / "break_boot.sh"
# What rescue.yml calls what break_boot.sh does.
BROKEN = ("boot loader", "initramfs: no-dropbear", "crypttab")


@pytest.fixture(scope="module")
def server(installed: Machine) -> Iterator[Rescued]:
    with rescue_system(installed) as rescued:
        yield rescued


@pytest.fixture
def keys(server: Rescued) -> Callable:
    """Runs a playbook of the keys on the server's volume: ``keys("add", keys_name="paper")``."""
    return lambda name, **values: server.play(f"playbooks/keys/{name}.yml", *given(**values))


def words(text: str) -> str:
    """As it was said, whatever lines it was broken into."""
    return " ".join(text.split())


def test_a_server_that_runs_is_not_mended(play):
    answer = play(RESCUE, *MEND)
    assert answer.returncode != 0
    assert "this is not a rescue system: its root is btrfs, on a disk" in words(answer.stdout)
    assert "changed=0" in answer.stdout


def test_nothing_is_said_of_a_good_server_and_nothing_changed(server):
    answer = server.play(RESCUE, *MEND)
    assert answer.returncode == 0, answer.stdout
    assert "Nothing is wrong with the boot" in answer.stdout
    assert "changed=0" in answer.stdout
    assert server.machine.run("dmsetup ls; findmnt --list --noheadings --output TARGET").count("/target") == 0


def test_the_last_key_is_never_removed(keys, server):
    answer = keys("remove", keys_name="slot0")
    assert answer.returncode != 0
    assert "is the last key" in words(answer.stdout)
    assert slots(server) == {"0"}


def test_a_key_cannot_be_removed_by_itself(keys, server):
    added = keys("add", keys_name="paper", keys_new_passphrase=PAPER)
    assert added.returncode == 0, added.stdout
    answer = keys("remove", keys_name="paper", luks_root_passphrase=PAPER)
    assert answer.returncode != 0
    assert "is the key 'paper' itself" in words(answer.stdout)
    assert slots(server) == {"0", "1"}


def test_a_header_is_kept_and_put_back(keys, server, tmp_path):
    key, other = tmp_path / "headers.key", tmp_path / "other.key"
    for file in (key, other):
        subprocess.run(["age-keygen", "-o", file], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True).stdout
    folder = tmp_path / "headers"
    saved = keys("backup", keys_backup_recipients=[public.strip()], keys_backup_folder=str(folder))
    assert saved.returncode == 0, saved.stdout
    [kept] = folder.iterdir()
    uuid = server.machine.run(f"cryptsetup luksUUID {VOLUME}").strip()
    assert uuid in kept.name
    assert kept.stat().st_mode & 0o077 == 0

    server.machine.run(f"dd if=/dev/zero of={VOLUME} bs=64K count=1 conv=fsync status=none")
    assert not server.opens(server.passphrase())

    strange = keys("restore", keys_file=str(kept), keys_identity=str(other), keys_uuid=uuid)
    assert strange.returncode != 0
    assert "no identity matched any of the recipients" in words(strange.stdout)
    back = {"keys_file": str(kept), "keys_identity": str(key)}
    refused = keys("restore", **back, keys_uuid=NOBODY)
    assert refused.returncode != 0
    assert f"the backup is of the volume {uuid}" in words(refused.stdout)
    restored = keys("restore", **back, keys_uuid=uuid)
    assert restored.returncode == 0, restored.stdout
    assert server.opens(server.passphrase())
    assert server.opens(PAPER)


def test_a_power_cut_in_a_rotation_leaves_a_key_and_the_next_run_goes_on(keys, server):
    old = server.passphrase()
    left = cut(server, NEW, DESTROYS)
    assert left.old or left.new, left
    rotated = keys("rotate", keys_new_passphrase=NEW)
    assert rotated.returncode == 0, rotated.stdout
    server.machine.lab.passphrase.write_text(NEW)
    assert server.opens(NEW)
    assert not server.opens(old)

    removed = keys("remove", keys_name="paper")
    assert removed.returncode == 0, removed.stdout
    assert not server.opens(PAPER)
    assert len(slots(server)) == 1


def test_three_broken_boots_are_found_and_mended(server):
    server.machine.lab.login.run(["sh", "-c", "umask 077; cat >/run/passphrase"], stdin=server.passphrase())
    server.machine.lab.login.run(["sh", "-eu"], stdin=BREAK.read_text(), timeout=600)

    shown = server.play(RESCUE, *MEND, "--check", "--diff")
    assert shown.returncode == 0, shown.stdout
    assert all(name in shown.stdout for name in BROKEN)
    assert "+root_crypt UUID=" in shown.stdout
    assert "disks, initramfs, grub" in words(shown.stdout)

    mended = server.play(RESCUE, *MEND)
    assert mended.returncode == 0, mended.stdout
    assert "is mended" in mended.stdout


def test_what_was_mended_boots(server):
    server.start_from_disks()
    locked = server.play(RESCUE)
    assert locked.returncode != 0
    assert "Start its provider's rescue system" in words(locked.stdout)
