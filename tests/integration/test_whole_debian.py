"""Profile ``system``: a whole Debian with its own systemd, and what it may do besides an ``app``.

The tests go on with one container, in this order.
"""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.model.ends import REBOOTED
from skerry.parts.program import CAPABILITIES, SYSTEM
from tests.integration.image_lab import ImageLab
from tests.integration.playbooks import play

NAME = "whole"
IMAGES = Path(__file__).parents[2] / "images"
# Every call of these is refused to it as well; the last but one is no filter's doing, but that of the capabilities.
_REFUSED = """
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    return errno.errorcode.get(ctypes.get_errno(), "0") if libc.syscall(number, *arguments) < 0 else "passed"
def family(*of):
    try: socket.socket(*of).close()
    except OSError as error: return errno.errorcode[error.errno]
    return "passed"
print(call(321, 0, 0, 0), call(425, 1, 0), call(298, 0, 0, 0, 0, 0), call(323, 0), call(175, 0, 0, 0), call(304, 0, 0, 0),
    call(250, 0, 0, 0), family(socket.AF_PACKET, socket.SOCK_RAW), family(40, socket.SOCK_STREAM), family(38, 5, 0),
    family(16, 3, 9), family(16, 3, 12), family(2, 3, 1))
"""
_HOST = """
import os
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/mm/ksm/run", "/proc/sys/vm/drop_caches"):
    try: open(path, "w").write("1")
    except OSError as error: print(type(error).__name__, end=" ")
    else: print("wrote", path)
"""


_LAST = """
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh -c "echo x >>/srv/ended"
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture(scope="module")
def image(lab: str, images: ImageLab) -> Iterator[str]:
    """The image of images/debian, as its users import it."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    play(lab, "playbooks/image/import.yml", "-e", f"image={name}", "-e", f"folder={IMAGES}/debian").ok()
    yield name
    images.ask("image_delete", name=name).ok()


@pytest.fixture(scope="module")
def whole(images: ImageLab, image: str) -> Iterator[dict[str, Any]]:
    images.ask("ensure", container={"name": NAME}, state="absent").ok()
    spec = {"image": image, "profile": "system", "memory": "1G", "disk": "4G", "pids": 1024, "port": 80}
    yield images.ask("create", container={"name": NAME}, spec=spec, wait="ready", timeout=120).ok()["after"]
    images.ask("ensure", container={"name": NAME}, state="absent").ok()


def inside(images: ImageLab, script: str, *options: str) -> str:
    """What a shell inside says."""
    words = " ".join(options)
    return images.run(f"skerry exec {words} {NAME} -- sh -euc '{script}'").strip()


def seen(images: ImageLab) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(images.run(f"skerry info {NAME} --json"))["container"]
    return found


def wait_until(images: ImageLab, state: str, seconds: float = 60.0) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while (found := seen(images))["state"] != state:
        assert time.monotonic() < until, found
        time.sleep(0.1)
    return found


@pytest.mark.usefixtures("whole")
def test_it_runs_whole_and_no_unit_has_failed(images: ImageLab) -> None:
    assert inside(images, "systemctl --failed --no-legend; systemctl is-system-running") == "running"
    assert inside(images, "hostname; cat /proc/1/comm; stat -c %F /dev/console || true").split() == [
        NAME,
        "systemd",
    ]
    assert len(inside(images, "cat /etc/machine-id")) == 32


@pytest.mark.usefixtures("whole")
def test_its_root_has_rights_over_its_own_alone(images: ImageLab) -> None:
    status = dict(
        line.split(":\t") for line in inside(images, "cat /proc/1/status").splitlines() if ":\t" in line
    )
    assert (status["NoNewPrivs"], status["Seccomp"], status["Seccomp_filters"]) == ("0", "2", "1")
    assert status["CapBnd"] == status["CapEff"]
    assert int(status["CapBnd"], 16).bit_count() == len(SYSTEM)
    assert all(int(status["CapBnd"], 16) >> number & 1 for number in CAPABILITIES.values())


@pytest.mark.usefixtures("whole")
def test_what_reaches_the_kernel_too_far_is_refused_to_it_too(images: ImageLab) -> None:
    images.run(f"skerry put {NAME} /run/refused.py", _REFUSED.encode())
    answers = inside(images, "python3 /run/refused.py").split()
    assert answers[:7] == ["EPERM", "EPERM", "EPERM", "EPERM", "EPERM", "EPERM", "ENOSYS"], answers
    assert answers[7:] == ["EAFNOSUPPORT"] * 4 + ["passed"] * 2, answers
    images.run(f"skerry put {NAME} /run/host.py", _HOST.encode())
    assert set(inside(images, "python3 /run/host.py").split()) <= {
        "PermissionError",
        "OSError",
        "FileNotFoundError",
    }


@pytest.mark.usefixtures("whole")
def test_a_user_of_it_may_become_its_root_by_sudo_and_nobody_else(images: ImageLab) -> None:
    inside(images, 'useradd joe; echo "joe ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/joe')
    assert inside(images, "id -u; sudo id -u; grep CapEff /proc/self/status", "--user=joe").split() == [
        "1000",
        "0",
        "CapEff:",
        "0" * 16,
    ]
    uid = images.run(
        f"stat -c %u /proc/$(systemctl show -P MainPID skerry-{seen(images)['id']}.service)"
    ).strip()
    assert uid == "0", "the launcher"
    owners = images.run(
        "stat -c %u /proc/[0-9]*/exe 2>/dev/null | sort -u; pgrep -x dbus-daemon | head -1 >/dev/null"
    )
    assert any(int(owner) >= 1_000_000 for owner in owners.split())


@pytest.mark.usefixtures("whole")
def test_packages_are_installed_and_their_service_answers(images: ImageLab) -> None:
    inside(
        images,
        "apt-get update -q; DEBIAN_FRONTEND=noninteractive "
        "apt-get install -qy --no-install-recommends nginx-light podman crun fuse-overlayfs",
    )
    assert inside(images, "systemctl is-active nginx; systemctl is-system-running").split() == [
        "active",
        "running",
    ]
    page = f"import urllib.request as u; print(u.urlopen('http://{seen(images)['ipv4']}/').read().decode())"
    assert "nginx" in images.run(f'python3 -c "{page}"')


@pytest.mark.usefixtures("whole")
def test_a_container_inside_runs_an_image_of_a_tarball(images: ImageLab) -> None:
    files = "bin lib lib64 usr/bin/dash usr/lib/x86_64-linux-gnu/libc.so.6 usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    inside(images, f"tar -C / -c {files} usr/lib64 | podman import -q - small")
    # A fast lab has no cgroup controllers to hand down.
    said = inside(
        images, 'podman run --rm --cgroups=disabled --network=none small /usr/bin/dash -c "echo \\$\\$"'
    )
    assert said == "1"


def test_a_reboot_inside_is_one_and_no_failure(images: ImageLab, whole: dict[str, Any]) -> None:
    boot = f"skerry exec {NAME} -- cat /proc/sys/kernel/random/boot_id 2>/dev/null || true"
    before = images.run(boot)
    images.run(f"skerry exec {NAME} -- systemctl reboot")
    until = time.monotonic() + 60
    while images.run(boot) in {before, ""}:
        assert time.monotonic() < until, seen(images)
        time.sleep(0.1)
    assert seen(images)["id"] == whole["id"]
    assert inside(images, "systemctl is-system-running --wait; systemctl is-active nginx").split() == [
        "running",
        "active",
    ]
    (told,) = [line for line in images.run("skerry operations").splitlines() if " rebooted " in line]
    assert f"default/default/{NAME}" in told, told
    assert " done " in told, told


@pytest.mark.usefixtures("whole")
def test_whoever_switches_it_off_inside_finds_it_stopped(images: ImageLab) -> None:
    images.run(f"skerry exec {NAME} -- systemctl poweroff")
    assert wait_until(images, "stopped")["state_detail"] == "exit code 0"
    images.ask("start", container={"name": NAME}, wait="ready", timeout=120).ok()


@pytest.mark.usefixtures("whole")
def test_every_way_to_stop_it_lets_its_units_end(images: ImageLab) -> None:
    images.run(f"skerry put {NAME} /etc/systemd/system/last.service", _LAST.encode())
    inside(images, "systemctl enable --now last.service")
    images.ask("restart", container={"name": NAME}, wait="ready", timeout=120).ok()
    images.run(f"systemctl stop skerry-{seen(images)['id']}.service")
    wait_until(images, "stopped")
    images.ask("start", container={"name": NAME}, wait="ready", timeout=120).ok()
    assert inside(images, "wc -l </srv/ended") == "2"


@pytest.mark.usefixtures("whole")
def test_one_that_reboots_for_ever_is_started_more_and_more_slowly(images: ImageLab) -> None:
    unit = "[Service]\nExecStart=/bin/systemctl reboot\n[Install]\nWantedBy=multi-user.target\n"
    images.run(f"skerry put {NAME} /etc/systemd/system/again.service", unit.encode())
    inside(images, "systemctl enable again.service")
    images.run(f"skerry exec {NAME} -- systemctl reboot")
    until = time.monotonic() + 60
    while not (
        (found := seen(images))["state"] == "restarting" and int(found["state_detail"].split("th")[0][0]) >= 4
    ):
        assert time.monotonic() < until, found
        time.sleep(0.1)
    assert found["state_detail"].endswith("; reboot")
    assert seen(images)["desired"] == "started"


def test_an_init_that_never_says_that_it_is_up_is_told_so(images: ImageLab, image: str) -> None:
    spec = {"image": image, "profile": "system", "command": ["/bin/sleep", "1000"]}
    refused = images.ask("create", container={"name": "mute"}, spec=spec, wait="ready", timeout=2).error
    assert "init did not say that it is up within 2 s" in refused["message"]
    assert "mute" not in images.run("skerry list")


@pytest.mark.parametrize("option", [{"user": "joe"}, {"workdir": "/srv"}, {"capabilities": ["chown"]}])
def test_what_belongs_to_an_app_is_refused(images: ImageLab, image: str, option: dict[str, Any]) -> None:
    spec = {"image": image, "profile": "system", **option}
    refused = images.ask("create", container={"name": "mute"}, spec=spec).error
    assert f"{next(iter(option))} do not go with profile system" in refused["message"]


def test_no_exit_code_is_taken_for_a_reboot() -> None:
    assert REBOOTED > 255
