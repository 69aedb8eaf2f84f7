"""The installed system, once test_unlock.py has unlocked it."""

import json

from tests.install import hardened

INSTALL = "playbooks/install.yml"
ENCRYPTED = ("/", "/home", "/var/log", "/var/lib/skerry/pool", "/tmp")


def test_everything_but_the_boot_partitions_is_encrypted(locked):
    for place in ENCRYPTED:
        source = locked.run(f"findmnt --noheadings --nofsroot --output SOURCE --mountpoint {place}").strip()
        assert "crypt" in locked.run(f"lsblk --inverse --noheadings --raw --output TYPE {source}").split(), (
            place
        )
    swap = locked.run("swapon --noheadings --raw --show=NAME").split()
    assert len(swap) == 1
    assert "crypt" in locked.run(f"lsblk --inverse --noheadings --raw --output TYPE {swap[0]}").split()


def test_the_keys_of_swap_and_tmp_are_new_and_those_of_root_are_strong(locked):
    table = locked.run("dmsetup table --showkeys")
    keys = {line.split(":")[0]: line.split()[5] for line in table.splitlines()}
    assert set(keys) == {"root_crypt", "swap_crypt", "tmp_crypt"}
    assert len(keys["swap_crypt"]) == len(keys["tmp_crypt"]) == 128
    assert keys["swap_crypt"] != keys["tmp_crypt"]
    header = json.loads(locked.run("cryptsetup luksDump --dump-json-metadata /dev/nvme0n1p7"))
    assert header["segments"]["0"]["encryption"] == "aes-xts-plain64"
    assert [(slot["key_size"], slot["kdf"]["type"]) for slot in header["keyslots"].values()] == [
        (64, "argon2id")
    ]
    memory = locked.run("awk '/MemTotal/ {print $2}' /proc/meminfo")
    assert all(slot["kdf"]["memory"] <= int(memory) / 4 for slot in header["keyslots"].values())


def test_it_is_known_what_was_installed(locked):
    record = json.loads(locked.run("cat /etc/skerry/install.json"))
    assert record["disks"] == [locked.disk(0)]
    assert record["layout"]["root"] == locked.run("findmnt --noheadings --output UUID --mountpoint /").strip()
    assert locked.lab.passphrase.read_text() not in locked.run(
        "cat /etc/skerry/install.json /etc/crypttab /etc/fstab"
    )


def test_its_first_boot_was_one_with_the_hardened_command_line(locked):
    hardened.see_words(locked)


def test_the_rest_of_hardening_is_set_while_it_runs(play):
    """test_unlocked_accidents.py sees that a boot brings it back."""
    answer = play(*hardened.PLAY)
    assert answer.returncode == 0, answer.stdout
    assert "settings hold" in answer.stdout
    assert hardened.AT_ITS_START not in " ".join(answer.stdout.split())


def test_no_unit_failed(locked):
    assert locked.run("systemctl is-system-running").strip() == "running"


def test_a_second_run_changes_nothing(play):
    answer = play(INSTALL)
    assert answer.returncode == 0, answer.stdout
    assert "changed=0" in answer.stdout


def test_a_server_that_runs_is_not_mended(play):
    answer = play("playbooks/rescue.yml", "--extra-vars", "repair=true")
    assert answer.returncode != 0
    assert "this is not a rescue system: its root is btrfs, on a disk" in " ".join(answer.stdout.split())
    assert "changed=0" in answer.stdout
