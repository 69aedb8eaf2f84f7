"""A whole Debian with PostgreSQL, Docker, sshd, Postfix and cron in it, each used for real; then beside Incus.

All five come by apt in one container of profile ``system``, as they are. The tests go on with it, in this order, on a
fast lab's host that site.yml has made.

The last one compares with Debian's Incus on the same host, in turns: the same root file system, images/debian, with
nothing installed. tests/bench/on_host/whole.py says what counts as up, and as a container's memory.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from skerry_lab import mitogen
from tests.bench import hosts, tables
from tests.integration.image_lab import ImageLab
from tests.integration.playbooks import play
from tools.files import ROOT

LAB, NAME, IMAGE, ROUNDS = "proof-whole-debian", "box", "debian", 7
PACKAGES = "postgresql openssh-server postfix cron docker.io docker-cli iptables fuse-overlayfs"
APT = "apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends"
SERVICES = ("postgresql@17-main", "docker", "ssh", "postfix", "cron")
SPEC = {
    "image": IMAGE,
    "profile": "system",
    "memory": "2G",
    "disk": "8G",
    "pids": 2048,
    "cpu": 2,
    "grace": 60,
}
CRON_PATIENCE = 90.0  # seconds: it looks once a minute
# What an image needs to run a program: the container's own.
_FILES = (
    "bin lib lib64 usr/lib64 usr/bin/dash usr/bin/sleep usr/lib/x86_64-linux-gnu/libc.so.6 "
    "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
)


@pytest.fixture(scope="module")
def fast_lab() -> Iterator[str]:
    """A lab of its own; or the one that SKERRY_LAB names, which stays."""
    if given := os.environ.get("SKERRY_LAB"):
        yield given
        return
    lab = [sys.executable, "-m", "skerry_lab"]
    subprocess.run([*lab, "up", LAB, "--owner", "test", "--fresh"], check=True, cwd=ROOT)
    try:
        settings = {**os.environ, **mitogen.environment(), "SKERRY_LAB": LAB}
        site = ["ansible-playbook", "site.yml"]
        subprocess.run(site, check=True, cwd=ROOT, env=settings, capture_output=True)
        yield LAB
    finally:
        subprocess.run([*lab, "down", LAB], check=True, cwd=ROOT)


@pytest.fixture(scope="module")
def box(fast_lab: str) -> Iterator[ImageLab]:
    """The host, with the container that has the five."""
    host = ImageLab(fast_lab)
    play(fast_lab, "playbooks/image/import.yml", "-e", f"image={IMAGE}").ok()
    host.ask("ensure", container={"name": NAME}, state="absent").ok()
    host.ask("create", container={"name": NAME}, spec=SPEC, wait="ready", timeout=120).ok()
    inside(host, 'echo "postfix postfix/main_mailer_type select Local only" | debconf-set-selections')
    inside(host, f"{APT} {PACKAGES}")
    inside(host, "useradd --create-home --shell=/bin/sh joe")
    yield host
    host.ask("ensure", container={"name": NAME}, state="absent").ok()


@pytest.fixture(scope="module")
def neighbour(box: ImageLab) -> Iterator[str]:
    """Another one of the same image, with a client of ssh, that may reach the first."""
    name = "visitor"
    box.ask("ensure", container={"name": name}, state="absent").ok()
    spec = {"image": IMAGE, "profile": "system", "reaches": [f"{NAME}:22"]}
    box.ask("create", container={"name": name}, spec=spec, wait="ready", timeout=120).ok()
    inside(box, f"{APT} openssh-client", name)
    yield name
    box.ask("ensure", container={"name": name}, state="absent").ok()


def inside(host: ImageLab, script: str, name: str = NAME) -> str:
    """What a shell inside says."""
    return host.run(shlex.join(["skerry", "exec", name, "--", "sh", "-euc", script])).strip()


def wait_for(what: str, found: Callable[[], bool], seconds: float) -> None:
    """Until it is so."""
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until, what
        time.sleep(0.5)


def expect_all(host: ImageLab) -> None:
    """Every unit is up, and the five are."""
    assert inside(host, "systemctl is-system-running --wait; systemctl --failed --no-legend") == "running"
    states = inside(host, f"systemctl is-active {' '.join(SERVICES)} || true").split()
    assert states == ["active"] * len(SERVICES), dict(zip(SERVICES, states, strict=True))


def test_all_five_run_and_no_unit_has_failed(box: ImageLab) -> None:
    expect_all(box)


def test_postgresql_keeps_a_transaction_over_a_restart(box: ImageLab) -> None:
    ask = "runuser -u postgres -- psql -qAtc"
    inside(box, f"{ask} 'create table t as select generate_series(1, 1000) as n'")
    box.ask("restart", container={"name": NAME}, wait="ready", timeout=180).ok()
    expect_all(box)
    assert inside(box, f"{ask} 'select count(*), sum(n) from t'") == "1000|500500"


def test_docker_runs_an_image_that_was_imported(box: ImageLab) -> None:
    inside(box, f"tar -C / -c {_FILES} | docker import - small >/dev/null")
    about = inside(box, "docker info -f '{{.ServerVersion}}, {{.Driver}}, cgroup {{.CgroupVersion}}'")
    print(f"\ndocker {about}")
    assert inside(box, "docker run --rm small /usr/bin/dash -c 'echo $$'") == "1"
    inside(box, "docker run -d --name kept --restart=always small /usr/bin/sleep infinity")


def test_ssh_lets_a_neighbour_in_with_its_key_and_nobody_without(box: ImageLab, neighbour: str) -> None:
    public = inside(box, "ssh-keygen -qt ed25519 -N '' -f /root/key; cat /root/key.pub", neighbour)
    inside(box, f"install -d -o joe /home/joe/.ssh; echo '{public}' >/home/joe/.ssh/authorized_keys")
    ssh = f"ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR joe@{NAME}"
    assert inside(box, f"{ssh} -i /root/key 'id -un; hostname'", neighbour).split() == ["joe", NAME]
    assert "Permission denied" in inside(box, f"{ssh} true 2>&1 || true", neighbour)


def test_postfix_delivers_a_mail(box: ImageLab) -> None:
    inside(box, "printf 'Subject: proof\\n\\nIt came.\\n' | sendmail joe")
    wait_for("no mail", lambda: "It came." in inside(box, "cat /var/mail/joe || true"), 60)


def test_cron_runs_a_line_within_its_minute(box: ImageLab) -> None:
    inside(box, "echo '* * * * * root date >/srv/cron' >/etc/cron.d/proof")
    wait_for("cron did nothing", lambda: "UTC" in inside(box, "cat /srv/cron || true"), CRON_PATIENCE)


def test_all_are_back_after_a_reboot_from_inside(box: ImageLab) -> None:
    started = f"skerry exec {NAME} -- stat -c %Z /proc/1 2>/dev/null || true"
    before = box.run(started)
    box.run(f"skerry exec {NAME} -- systemctl reboot")
    wait_for("no reboot", lambda: box.run(started) not in {before, ""}, 120)
    expect_all(box)
    wait_for("no container", lambda: inside(box, "docker ps -q | wc -l") == "1", 60)
    assert "It came." in inside(box, "cat /var/mail/joe")


def test_it_is_up_sooner_than_by_incus_and_holds_half_at_most(
    box: ImageLab, capsys: pytest.CaptureFixture[str]
) -> None:
    play(box.name, "playbooks/image/import.yml", "-e", "image=hello").ok()  # for the other benchmarks' peers
    box.ask("ensure", container={"name": NAME}, state="absent").ok()
    hosts.bring(box.name)
    try:
        versions = hosts.run(box.name, "peers_setup.py", "up")["versions"]
        found = hosts.run(box.name, "whole.py", IMAGE, ROUNDS)
    finally:
        hosts.run(box.name, "peers_setup.py", "down")
    with capsys.disabled():
        print(tables.table("What was compared", ("package", "version"), sorted(versions.items())))
        print(tables.percentiles("A whole Debian", found["milliseconds"]))
        print(tables.memory("Idle memory of each of four", found["held"]))
        print(tables.memory("Once a host", {who: [each] for who, each in found["once"].items()}))
    up = {who.rpartition(": ")[2]: tables.p50(each) for who, each in found["milliseconds"].items()}
    assert up["ours, socket"] <= up["Incus, REST"]
    for way in ("Pss", "Pss_Anon"):
        held = {who: tables.p50([one[way] for one in each]) for who, each in found["held"].items()}
        assert held["ours"] <= held["Incus"] / 2, way
