"""Kernels on trial with BIOS and a mirror: six bad ones, three good ones in a row, and one on the other disk alone.

No hand touches the machine but one that sends the passphrase. The steps go on from one another.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.install import bad_kernels
from tests.install.conftest import play_on
from tests.install.installing import install
from tests.install.rescue_lab import Machine, machine
from tests.install.trials import Server
from tests.mirror.mirror_lab import SIZES, lab

SHORT_S, WATCHDOG_S = 20, 30
Say = Callable[[str], None]
# After the hardened one, which is not newer than Debian's backports: the standard flavour and the cloud's.
HARDENED = ["--extra-vars", "kernel_trial_hardened=true hardened_kernel_flavour=lab"]
UPGRADES = ["6.16.12+deb13-amd64", "6.17.13+deb13-cloud-amd64"]
BACKPORTS = """
cd /etc/apt
archive=$(grep -ohE 'https?://[^] ]+' sources.list | grep -v security | head -n 1)
echo "deb $archive trixie-backports main" >sources.list.d/backports.list
apt-get -q update
"""
INSTALL, FETCH = "DEBIAN_FRONTEND=noninteractive apt-get -q -y install", "cd /root; apt-get -q download"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    hardware = ["--firmware", "bios", "--bus", "virtio", "--disks", "2"]
    with machine("proof-trial", tmp_path_factory.mktemp("trial"), hardware) as found:
        done = install(found, "--extra-vars", json.dumps(SIZES))
        assert done.code == 0, done.output[-4000:]
        yield found


@pytest.fixture(scope="module")
def server(mirror: Machine) -> Server:
    found = Server(mirror)
    found.unlock_and_wait()
    return found


@pytest.fixture(scope="module")
def old(server: Server) -> str:
    """The kernel that it was installed with."""
    return server.run("uname", "-r").strip()


@pytest.fixture(scope="module")
def bad(server: Server, old: str) -> Iterator[str]:
    server.shell(bad_kernels.MAKE)
    yield f"{old}-bad"
    server.shell(bad_kernels.REMOVE)


@pytest.fixture
def say() -> Say:
    """Prints what held, and how many seconds it took."""
    begin = time.monotonic()
    return lambda what: print(f"\n{time.monotonic() - begin:6.0f} s  {what}", flush=True)


def test_no_driver_for_the_card(server, old, say):
    bad_kernels.see_it_refused(server, old)
    say("no driver for the network card: refused by name, not booted")


def test_grub_cannot_start_it(server, old, bad, say):
    place = server.trial(bad, first=bad_kernels.NOT_THERE, started=False)
    told = server.see_it_back(place, old)
    assert told["last_trial"]["reason"].startswith("it never came as far as its initramfs")
    say(f"GRUB can't start it: back on the old kernel, unlocked; {told['last_trial']['reason']}")


def test_a_panic_at_once(server, old, bad, say):
    place = server.trial(bad, first=bad_kernels.PANIC_AT_ONCE)
    server.wait_said(place, "Kernel panic")
    told = server.see_it_back(place, old)
    assert told["last_trial"]["reason"].startswith("it never came as far as its initramfs")
    say(f"a panic at once: back on the old kernel, unlocked; {told['last_trial']['reason']}")


def test_a_hang_in_the_initramfs(server, old, bad, say):
    place = server.trial(bad, f"--watchdog={WATCHDOG_S}", first=bad_kernels.HANG)
    place = server.wait_said(place, "hang: nothing runs from now on")
    told = server.see_it_back(place, old)
    assert told["last_trial"]["reason"].startswith("it died in its initramfs")
    say(f"a hang in the initramfs: back on the old kernel, unlocked; {told['last_trial']['reason']}")


def test_nobody_unlocks_it(server, old, bad, say):
    place = server.trial(bad, f"--unlock={SHORT_S}")
    server.wait_said(place, f"nobody unlocked it within {SHORT_S} s")
    told = server.see_it_back(place, old)
    assert told["last_trial"]["reason"] == "nobody unlocked it within the time limit"
    say(f"nobody there: back on the old kernel, unlocked; {told['last_trial']['reason']}")


def test_a_panic_once_root_is_mounted(server, old, bad, say):
    server.shell(bad_kernels.PANIC)
    place = server.trial(bad)
    server.unlock()
    server.wait_said(place, "Kernel panic")
    told = server.see_it_back(place, old)
    assert told["last_trial"]["reason"].startswith("it died after root was opened")
    say(f"a panic once root is mounted: back on the old kernel, unlocked; {told['last_trial']['reason']}")


def test_three_good_ones_in_a_row(server, mirror, old, say):
    """The hardened one is built where there is none; the last one comes from a folder of the controller."""
    server.shell(bad_kernels.REMOVE)
    see_nothing_changed(play_on(mirror, "playbooks/kernel/update.yml"))
    answer = play_on(mirror, "playbooks/kernel/update.yml", *HARDENED)
    hardened = see_it_proven(server, answer)
    assert "-skerry-lab-" in hardened
    see_room(server, {old, hardened}, say)
    see_nothing_changed(play_on(mirror, "playbooks/kernel/update.yml"))

    server.shell(BACKPORTS)
    server.shell(f"{INSTALL} linux-image-{UPGRADES[0]}")
    named = ["--extra-vars", f"kernel_trial_version={UPGRADES[0]}"]
    assert see_it_proven(server, play_on(mirror, "playbooks/kernel/trial.yml", *named)) == UPGRADES[0]
    see_room(server, {old, UPGRADES[0]}, say)

    folder = ["--extra-vars", json.dumps({"kernel_trial_folder": str(fetched(server, UPGRADES[1]))})]
    assert see_it_proven(server, play_on(mirror, "playbooks/kernel/update.yml", *folder)) == UPGRADES[1]
    see_room(server, {old, UPGRADES[1]}, say)
    see_nothing_changed(play_on(mirror, "playbooks/kernel/update.yml", *folder))


def see_nothing_changed(answer: subprocess.CompletedProcess[str]) -> None:
    """A playbook that had nothing to try passed."""
    assert answer.returncode == 0, answer.stdout[-4000:]
    assert "changed=0" in answer.stdout, answer.stdout[-4000:]


def see_it_proven(server: Server, answer: subprocess.CompletedProcess[str]) -> str:
    """A playbook that tried a kernel passed, and it is the default; its name."""
    assert answer.returncode == 0, answer.stdout[-4000:]
    told = server.status()
    assert (told["default"], told["trial"]) == (told["running"], "")
    assert told["last_trial"]["proven"]
    assert "could not be removed" not in " ".join(answer.stdout.split()), answer.stdout[-4000:]
    return str(told["running"])


def fetched(server: Server, version: str) -> Path:
    """A folder of this computer with the package of a kernel."""
    server.shell(f"{FETCH} linux-image-{version}")
    name = server.shell(f"cd /root; ls linux-image-{version}_*.deb").strip()
    folder = server.machine.folder / "kernels"
    folder.mkdir()
    with (folder / name).open("wb") as file:
        subprocess.run(server.machine.lab.login.command(["cat", f"/root/{name}"]), stdout=file, check=True)
    return folder


def test_it_starts_from_the_other_disk_alone(server, mirror, say):
    """Both disks have the trial, whichever the firmware chooses."""
    now = server.run("uname", "-r").strip()
    server.shell(bad_kernels.MAKE)
    server.run("skerry-boot", "trial", f"{now}-bad", f"--unlock={SHORT_S}")
    place = server.place()
    lab(mirror, "power", "cut")
    lab(mirror, "disk", "pull", "0")
    lab(mirror, "power", "on")
    place = server.wait_starting(place, f"{now}-bad")
    server.wait_said(place, f"nobody unlocked it within {SHORT_S} s")
    told = server.see_it_back(place, now)
    assert told["last_trial"]["reason"] == "nobody unlocked it within the time limit"
    say("the first disk pulled: the other one started the trial, and the old kernel after it")


def see_room(server: Server, kept: set[str], say: Say) -> None:
    """/boot holds the running kernel and one that is proven, and has room for the next one."""
    listed = server.run("cd /boot; ls vmlinuz-*").split()
    assert {name.removeprefix("vmlinuz-") for name in listed} == kept
    server.run("skerry-boot", "check")
    used = server.run("df --output=pcent,used --block-size=M /boot | tail -n 1").split()
    say(f"proved itself; /boot holds {' and '.join(sorted(kept))}: {used[1]}, {used[0]} of it")
