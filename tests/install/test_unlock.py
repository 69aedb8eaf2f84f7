"""Unlocking for real: a machine that waits, as its operator meets it. The tests go on from one another, in this order."""

import json
import subprocess
import threading
import time

from tests.install.rescue_lab import command

UNLOCK = "playbooks/unlock.yml"
LATE_S = 60


def variables(**values):
    return ["--extra-vars", json.dumps(values)]


def test_a_locked_machine_is_told_from_one_that_is_off(play):
    table = play("playbooks/status.yml").stdout
    assert "ansible-playbook playbooks/unlock.yml -l locked" in table
    host = play("playbooks/host.yml")
    assert host.returncode != 0
    assert "waits for its passphrase" in host.stdout
    assert "Unlock it: ansible-playbook" in " ".join(host.stdout.split())


def test_another_host_key_is_refused(play, locked, tmp_path):
    strange = tmp_path / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    key = (tmp_path / "key.pub").read_text()
    strange.write_text(f"[127.0.0.1]:{locked.lab.ports['unlock']} {key}")
    answer = play(UNLOCK, *variables(skerry_known_hosts=str(strange)))
    assert answer.returncode != 0
    assert "wrong_host_key" in answer.stdout
    assert "nothing was sent" in " ".join(answer.stdout.split())


def test_check_mode_sends_nothing(play):
    answer = play(UNLOCK, "--check", *variables(luks_root_passphrase="not this one"))
    assert answer.returncode == 0, answer.stdout
    assert "changed=1" in answer.stdout


def test_wrong_four_times_and_it_still_waits(play):
    for attempt in range(4):
        answer = play(UNLOCK, *variables(luks_root_passphrase=f"not this one {attempt}"))
        assert answer.returncode != 0
        assert "wrong_passphrase" in answer.stdout
        assert "still waits" in answer.stdout


def test_a_network_that_comes_up_late_and_the_right_passphrase(play, locked):
    switch = command("link", locked.lab.name)
    subprocess.run([*switch, "off"], check=True)
    begin = time.monotonic()
    late = threading.Timer(LATE_S, subprocess.run, args=[[*switch, "on"]])
    late.start()
    answer = play(UNLOCK)
    late.join()
    assert answer.returncode == 0, answer.stdout
    assert "changed=1" in answer.stdout
    assert time.monotonic() - begin > LATE_S
    passphrase = locked.lab.passphrase.read_text()
    assert passphrase not in answer.stdout + answer.stderr
    assert passphrase not in locked.lab.console_log.read_text(errors="replace")


def test_a_running_machine_is_left_alone(play):
    answer = play(UNLOCK)
    assert answer.returncode == 0, answer.stdout
    assert "changed=0" in answer.stdout
    assert " running " in play("playbooks/status.yml").stdout


def test_the_machine_knows_how_it_stands(locked):
    told = json.loads(locked.run("skerry-boot status --json"))
    assert (told["encrypted"], told["mirror"]) == (True, "none")
    assert "good: initrd.img-" in locked.run("skerry-boot check")


def test_a_bad_initramfs_fails_its_update_loudly(locked):
    """As when somebody's editor left the file empty; the old image comes back after it."""
    said = locked.run(
        "cd /etc/dropbear/initramfs; cp -p authorized_keys /root/kept; : >authorized_keys\n"
        "image=$(echo /boot/initrd.img-*); version=${image#/boot/initrd.img-}\n"
        "if run-parts --exit-on-error --arg=$version --arg=$image /etc/initramfs/post-update.d 2>&1; then echo passed; fi\n"
        "cp -p /root/kept authorized_keys"
    )
    assert "authorized-keys: /etc/dropbear/initramfs/authorized_keys holds no key" in said
    assert "DO NOT REBOOT" in said
    assert "passed" not in said
