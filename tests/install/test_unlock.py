"""Unlocking for real: a machine that waits, as its operator meets it. The tests go on from one another, in this order."""

import json
import subprocess

from skerry_lab.power import RESCUE_CPU
from tests.install.installing import BEFORE

# Of the rescue system's own start, measured in the same run: 16 to 20 on a quiet computer. A busy one takes more
# processor time for the same work, so the limit in seconds is the proof's of installations (power-cuts-installs).
MOST_STARTS = 30
INSTALL, UNLOCK = "playbooks/install.yml", "playbooks/unlock.yml"


def variables(**values):
    return ["--extra-vars", json.dumps(values)]


def test_an_installation_takes_no_more_processor_time_than_before(installed):
    start = float((installed.lab.home / BEFORE).read_text())
    taken = float((installed.lab.home / RESCUE_CPU).read_text()) - start
    print(f"start {start:.0f} s, installation {taken:.0f} s of processor time")
    assert 0 < taken <= MOST_STARTS * start


def test_a_locked_server_is_left_alone_and_it_is_said_how_to_unlock_it(play):
    answer = play(INSTALL)
    assert answer.returncode == 0, answer.stdout
    assert "changed=0" in answer.stdout
    told = " ".join(answer.stdout.split())
    assert "is installed and locked. To unlock it: ansible-playbook playbooks/unlock.yml" in told


def test_a_locked_machine_is_told_from_one_that_is_off(play, installed):
    table = play("playbooks/status.yml").stdout
    assert f"ansible-playbook playbooks/unlock.yml -l {installed.lab.name}" in table
    host = play("playbooks/host.yml")
    assert host.returncode != 0
    assert "waits for its passphrase" in host.stdout
    assert "Unlock it: ansible-playbook" in " ".join(host.stdout.split())


def test_another_host_key_is_refused(play, installed, tmp_path):
    strange = tmp_path / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    key = (tmp_path / "key.pub").read_text()
    strange.write_text(f"[127.0.0.1]:{installed.lab.ports['unlock']} {key}")
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


def test_the_right_passphrase_is_shown_nowhere(play, installed):
    answer = play(UNLOCK)
    assert answer.returncode == 0, answer.stdout
    assert "changed=1" in answer.stdout
    passphrase = installed.lab.passphrase.read_text()
    assert passphrase not in answer.stdout + answer.stderr
    assert passphrase not in installed.lab.console_log.read_text(errors="replace")


def test_a_running_machine_is_left_alone(play):
    answer = play(UNLOCK)
    assert answer.returncode == 0, answer.stdout
    assert "changed=0" in answer.stdout
    assert " running " in play("playbooks/status.yml").stdout


def test_the_machine_knows_how_it_stands(installed):
    told = json.loads(installed.run("skerry-boot status --json"))
    assert (told["encrypted"], told["mirror"]) == (True, "none")
    assert "good: initrd.img-" in installed.run("skerry-boot check")


def test_a_bad_initramfs_fails_its_update_loudly(installed):
    """As when somebody's editor left the file empty; the old image comes back after it."""
    said = installed.run(
        "cd /etc/dropbear/initramfs; cp -p authorized_keys /root/kept; : >authorized_keys\n"
        "image=$(echo /boot/initrd.img-*); version=${image#/boot/initrd.img-}\n"
        "if run-parts --exit-on-error --arg=$version --arg=$image /etc/initramfs/post-update.d 2>&1; then echo passed; fi\n"
        "cp -p /root/kept authorized_keys"
    )
    assert "authorized-keys: /etc/dropbear/initramfs/authorized_keys holds no key" in said
    assert "DO NOT REBOOT" in said
    assert "passed" not in said
