"""A new kernel's trial, on the machine that test_unlock.py unlocked: Debian's other flavour. They go on from one another.

No hand touches the machine but one that sends the passphrase: whatever a kernel does, it comes back by itself.
"""

import json

import pytest

from skerry_lab.run import CommandFailed
from tests.install.trials import Server, kernels

PACKAGE = "linux-image-amd64"
TRIAL = "playbooks/kernel/trial.yml"
UNLOCK_S = 45
# As early as systemd starts anything, on a trial boot only.
PANIC = """\
cat >/etc/systemd/system/panic.service <<'END'
[Unit]
DefaultDependencies=no
ConditionKernelCommandLine=skerry.trial
[Service]
ExecStart=sh -c 'echo c >/proc/sysrq-trigger'
[Install]
WantedBy=sysinit.target
END
systemctl --quiet enable panic.service
"""
# The running kernel under another name, without the driver of its network card.
CRIPPLED = """\
version=$(uname -r); new=$version-nonic
cp -a /lib/modules/$version /lib/modules/$new
find /lib/modules/$new -name 'virtio_net.ko*' -delete
for name in vmlinuz initrd.img config; do ln /boot/$name-$version /boot/$name-$new; done
depmod $new
"""
UNCRIPPLED = "rm -r /lib/modules/*-nonic /boot/*-nonic"


@pytest.fixture(scope="module")
def server(locked) -> Server:
    found = Server(locked)
    found.unlock_and_wait()
    return found


@pytest.fixture(scope="module")
def old(server: Server) -> str:
    """The kernel that runs, and has ever since the installation."""
    return server.run("uname", "-r").strip()


@pytest.fixture(scope="module")
def new(server: Server, old: str) -> str:
    """The kernel that apt has brought."""
    server.run(
        "sh",
        "-eu",
        stdin=f"export DEBIAN_FRONTEND=noninteractive\napt-get -q update\napt-get -q -y install {PACKAGE}",
    )
    (version,) = [name for name in kernels(server.run("ls", "/boot").split()) if name != old]
    return version


def first_of_the_menu(server: Server) -> str:
    line = server.run("grep -m1 'linux.*/vmlinuz-' /boot/grub/grub.cfg")
    return line.split("/vmlinuz-")[1].split()[0]


def test_a_kernel_that_apt_brings_waits_for_its_trial(server, old, new):
    told = server.status()
    assert (told["running"], told["default"], told["candidate"]) == (old, old, new)
    assert first_of_the_menu(server) == old


def test_a_kernel_without_the_cards_driver_is_refused_by_name(server, old, new):
    server.run("sh", "-eu", stdin=CRIPPLED)
    try:
        answer = json.loads(server.run(f"skerry-boot fit {old}-nonic --json || true"))
        with pytest.raises(CommandFailed, match="does not fit this machine"):
            server.run("skerry-boot", "trial", f"{old}-nonic")
    finally:
        server.run("sh", "-eu", stdin=UNCRIPPLED)
    assert not answer["fits"]
    (lack,) = [one for one in answer["lacks"] if one["name"] == "virtio_net"]
    assert lack["text"].startswith("the default route's network card ")
    assert "next_entry" not in server.run("grub-editenv", "/boot/grub/grubenv", "list")


def test_it_panics_and_the_machine_waits_on_the_old_kernel(server, old, new):
    server.run("sh", "-eu", stdin=PANIC)
    server.run("skerry-boot", "trial", new)
    place = server.wait_starting(server.reboot(), new)
    server.unlock()
    place = server.wait_said(place, "Kernel panic")
    server.wait_starting(place, old)
    assert server.is_locked()
    server.unlock_and_wait()
    told = server.status()
    assert (told["running"], told["default"], told["candidate"]) == (old, old, "")
    assert told["last_trial"]["version"] == new
    assert told["last_trial"]["reason"].startswith("it died after root was opened")


def test_nobody_unlocks_it_and_the_machine_waits_on_the_old_kernel(server, old, new, play):
    server.run("systemctl", "disable", "panic.service")
    server.run("skerry-boot", "trial", new, f"--unlock={UNLOCK_S}")
    place = server.wait_starting(server.reboot(), new)
    place = server.wait_said(place, f"nobody unlocked it within {UNLOCK_S} s")
    server.wait_starting(place, old)
    assert server.is_locked()
    server.unlock_and_wait()
    told = server.status()
    assert (told["running"], told["default"]) == (old, old)
    assert told["last_trial"]["reason"] == "nobody unlocked it within the time limit"
    shown = " ".join(play("playbooks/status.yml").stdout.split())
    assert f"kernel {new} was given up: nobody unlocked it" in shown


def test_it_proves_itself_and_is_the_default(server, old, new, play):
    answer = play(TRIAL, "--extra-vars", json.dumps({"kernel_trial_version": new}))
    assert answer.returncode == 0, answer.stdout
    told = server.status()
    assert (told["running"], told["default"], told["proven"]) == (new, new, [old, new])
    assert (told["trial"], told["last_trial"]["proven"]) == ("", True)
    assert first_of_the_menu(server) == new
    assert server.run("systemctl", "is-system-running").strip() == "running"
    # Nothing guards it any more: it may take its time with whatever it does.
    assert server.run("cat", "/sys/class/watchdog/watchdog0/state").strip() == "inactive"
    assert "next_entry" not in server.run("grub-editenv", "/boot/grub/grubenv", "list")


def test_no_other_kernel_waits_and_nothing_is_rebooted(play):
    answer = play(TRIAL)
    assert answer.returncode == 0, answer.stdout
    assert "changed=0" in answer.stdout
