"""How a container is started: what its program finds, as whom it runs, what ends at its user, and what a restart keeps."""

import json
import shlex
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.image_lab import ImageLab

Started = dict[str, Any]
Start = Callable[..., Started]
# What a program says: lines of JSON, since its log has LXC's words as well.
_SAY = "import json,os,sys,time\ndef say(**what): print(json.dumps(what), flush=True)\n"
_WAIT = "\ntime.sleep(3600)"
# Runs on the host: the lines of JSON in a container's log, once there are so many.
_READ = """
import json, subprocess, sys, time
unit, count, found = sys.argv[1], int(sys.argv[2]), []
until = time.monotonic() + 20
while len(found) < count and time.monotonic() < until:
    log = subprocess.run(["journalctl", "--namespace=*", "-o", "cat", "-u", unit], capture_output=True, text=True).stdout
    found = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    time.sleep(0.05)
print(json.dumps(found))
"""
# Takes all inotify instances that the kernel gives a user: by a root of the host's, they would be all of the host's.
_EXHAUST = """
import glob, subprocess
null = subprocess.DEVNULL
for _ in range(int(sys.argv[1])): subprocess.Popen(["tail", "-f", "/etc/hosts"], stderr=null, stdout=null)
def count():
    found = 0
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try: found += "inotify" in os.readlink(link)
        except OSError: pass
    return found
before = -1
while before != (now := count()) or not now: before = now; time.sleep(1)
say(inotify=now)
"""
_HAS_INOTIFY = "import ctypes; print(ctypes.CDLL(None).inotify_init1(0))"
_STATUS = """
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
say(uid=os.getuid(), gid=os.getgid(), groups=sorted(os.getgroups()), folder=os.getcwd(), home=os.environ["HOME"],
    caps=status["CapEff"].strip(), bound=status["CapBnd"].strip(), nnp=status["NoNewPrivs"].strip(),
    seccomp=status["Seccomp"].strip())
"""
_DROP = """
for call, arguments in ((os.chown, ("/srv", 33, 33)), (os.setgroups, ([],)), (os.setgid, (33,)), (os.setuid, (33,))):
    try: call(*arguments)
    except OSError as error: say(call=call.__name__, problem=error.strerror)
say(uid=os.getuid(), owner=os.stat("/srv").st_uid)
"""
_FILES = """
for name in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/dev/console"):
    with open(name, "a") as file: file.write(json.dumps({"through": name}) + chr(10))
    with open(name, "w") as file: file.write(json.dumps({"through": name}) + chr(10))
import socket
say(hosts=open("/etc/hosts").read(), hostname=open("/etc/hostname").read(), own=socket.gethostbyname(socket.gethostname()))
for port in (22, 80, 443): socket.create_server(("", port)).close()
for family, protocol in ((socket.AF_INET, 1), (socket.AF_INET6, 58)): socket.socket(family, socket.SOCK_DGRAM, protocol)
os.rename("/usr/share/misc" if os.path.isdir("/usr/share/misc") else "/usr/share/dict", "/usr/share/renamed")
say(renamed=os.path.isdir("/usr/share/renamed"))
"""
_STREAMS = """
for name in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/dev/console"):
    with open(name, "a") as file: file.write(json.dumps({"through": name}) + chr(10))
say(uid=os.getuid())
"""
# What a program begins with besides standard input, output and error.
_DESCRIPTORS = """import json,os
found = [f"/proc/self/fd/{number}" for number in range(3, 64)]
print(json.dumps({"open": [os.readlink(name) for name in found if os.path.lexists(name)]}), flush=True)
"""
_FILL = """
try:
    with open("/srv/fill", "ab") as file:
        while True: file.write(os.urandom(65536)); file.flush()
except OSError as error: say(full=error.strerror)
"""


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture
def start(images: ImageLab, hello: str) -> Iterator[Start]:
    """Starts a program of Python in a container; all are gone afterwards."""
    names: list[str] = []

    def begin(program: str, **spec: Any) -> Started:
        names.append(name := f"t-{uuid.uuid4().hex[:8]}")
        command = ["/usr/bin/python3", "-c", f"{_SAY}{program}"]
        spec = {"image": hello, "memory": "64M", "command": command} | spec
        made = images.ask("create", container={"name": name}, spec=spec, wait="running").ok()
        return dict(made["after"])

    yield begin
    for name in names:
        images.ask("ensure", container={"name": name}, state="absent").ok()


def unit(container: Started) -> str:
    return f"skerry-{container['id']}.service"


def said(images: ImageLab, container: Started, count: int = 1) -> list[dict[str, Any]]:
    """What its program said, once it said so much."""
    found: list[dict[str, Any]] = images.python(_READ, unit(container), str(count))
    assert len(found) >= count, found
    return found


def main_process(images: ImageLab, container: Started) -> str:
    return images.run(f"systemctl show --property=MainPID --value {unit(container)}").strip()


def test_what_one_takes_of_the_kernels_counts_its_neighbour_and_the_host_still_have(
    images: ImageLab, start: Start
) -> None:
    limit = int(images.run("cat /proc/sys/fs/inotify/max_user_instances"))
    asked = min(limit, 180) + 20
    program = ["/usr/bin/python3", "-c", f"{_SAY}{_EXHAUST}{_WAIT}", str(asked)]
    hog, neighbour = (start("", command=program, memory="256M") for _ in range(2))
    assert said(images, hog)[0]["inotify"] == min(limit, asked), "the control: it took what it could"
    assert said(images, neighbour)[0]["inotify"] == min(limit, asked)
    assert int(images.run(f"python3 -c '{_HAS_INOTIFY}'")) >= 0, "root of the host has none left"


def test_its_port_goes_with_it(images: ImageLab, start: Start) -> None:
    """By the kernel, soon after: nobody waits for that, since no process is left and no packet passes."""
    container = start(_WAIT.strip())
    ports = set(images.run("ls /sys/class/net").split())
    images.ask("delete", container={"name": container["name"]}).ok()
    until = time.monotonic() + 10
    while len(ports - set(images.run("ls /sys/class/net").split())) != 1:
        assert time.monotonic() < until, ports
        time.sleep(0.05)


def test_a_restart_by_systemd_keeps_port_and_namespaces(images: ImageLab, start: Start) -> None:
    container = start(f"say(up=True){_WAIT}")
    slot = images.run("ip -json address | grep -o 'sk[0-9]*' | sort -V | tail -1").strip()
    see = (
        "readlink /proc/$(systemctl show --property=MainPID --value {0})/fd/3 "
        "/proc/$(systemctl show --property=MainPID --value {0})/fd/4; "
        f"cat /sys/class/net/{slot}/ifindex /sys/class/net/{slot}/brport/isolated"
    ).format(unit(container))
    before = images.run(see)
    assert before.split()[-1] == "1", "the port is isolated"
    for _ in range(2):
        said(images, container)
        old = main_process(images, container)
        images.run(f"kill -9 {old}")
        until = time.monotonic() + 20
        # A new one has files of systemd's own open, until it becomes the launcher.
        while main_process(images, container) in {old, "0"} or images.run(see) != before:
            assert time.monotonic() < until, images.run(see)
            time.sleep(0.05)
    images.run("systemctl daemon-reexec")
    assert images.run(see) == before
    assert len(said(images, container, 3)) == 3


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("sys.exit(7)", 7),
        ("os.kill(os.getpid(), 11)", 139),
        ("os.kill(os.getpid(), 9)", 137),
        ("sys.exit(0)", 0),
    ],
)
def test_the_unit_ends_as_the_program_ended(
    images: ImageLab, start: Start, program: str, status: int
) -> None:
    container = start(f"time.sleep(1)\n{program}")
    file = f"/run/skerry/c/{container['id']}/ended"
    assert images.run(f"timeout 20 sh -c 'until cat {file} 2>/dev/null; do sleep 0.02; done'").split() == [
        str(status),
        "0",
    ]


def test_the_program_is_who_it_shall_be(images: ImageLab, start: Start) -> None:
    container = start(
        f"{_STATUS}{_WAIT}", user="www-data", groups=["games", "1234"], workdir="/srv", capabilities=["chown"]
    )
    (found,) = said(images, container)
    assert (found["uid"], found["gid"], found["groups"]) == (33, 33, [60, 1234])
    assert (found["folder"], found["home"]) == ("/srv", "/var/www")
    assert (int(found["caps"], 16), int(found["bound"], 16)) == (0, 1), "capabilities are root's alone"
    assert (found["nnp"], found["seccomp"]) == ("1", "2")


def test_root_has_what_is_granted_and_no_more(images: ImageLab, start: Start) -> None:
    plain, granted = start(f"{_STATUS}{_WAIT}"), start(f"{_STATUS}{_WAIT}", capabilities=["kill", "setuid"])
    assert int(said(images, plain)[0]["bound"], 16) == 0
    (found,) = said(images, granted)
    assert int(found["caps"], 16) == int(found["bound"], 16) == 1 << 5 | 1 << 7
    listed = images.ask("info", container={"name": granted["name"]}).ok()["container"]
    assert listed["capabilities"] == ["kill", "setuid"]


def test_root_that_may_becomes_another_user(images: ImageLab, start: Start) -> None:
    may = start(f"{_DROP}{_WAIT}", capabilities=["chown", "setgid", "setuid"])
    assert said(images, may) == [{"uid": 33, "owner": 33}]
    may_not = said(images, start(f"{_DROP}{_WAIT}"), 5)
    assert [one.get("problem") for one in may_not[:4]] == ["Operation not permitted"] * 4


def test_a_user_that_the_image_has_not_is_named(images: ImageLab, hello: str) -> None:
    asked = images.ask(
        "create", container={"name": "t-nobody"}, spec={"image": hello, "user": "carla"}, wait="running"
    )
    assert "the image has no user carla" in asked.error["journal"], asked.error
    asked = images.ask(
        "create",
        container={"name": "t-nowhere"},
        spec={"image": hello, "workdir": "/nowhere"},
        wait="running",
    )
    assert "the folder /nowhere" in asked.error["journal"], asked.error


def test_what_a_program_expects_is_there(images: ImageLab, start: Start) -> None:
    container = start(f"{_FILES}{_WAIT}")
    found = said(images, container, 10)
    through = [one["through"] for one in found if "through" in one]
    assert sorted(set(through)) == ["/dev/console", "/dev/stderr", "/dev/stdout", "/proc/self/fd/1"]
    assert len(through) == 8
    about = next(one for one in found if "hosts" in one)
    assert about["hostname"] == f"{container['name']}\n"
    assert about["own"] == container["ipv4"]
    assert found[-1] == {"renamed": True}


@pytest.mark.parametrize("user", ["www-data", "1234:1234"])
def test_a_user_who_is_not_root_opens_its_streams_by_name(images: ImageLab, start: Start, user: str) -> None:
    container = start(f"{_STREAMS}{_WAIT}", user=user)
    found = said(images, container, 5)
    through = {one["through"] for one in found if "through" in one}
    assert through == {"/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/dev/console"}
    assert found[-1]["uid"] != 0


def test_a_program_begins_with_its_three_streams_alone(images: ImageLab, start: Start) -> None:
    container = start("", command=["/usr/bin/python3", "-c", f"{_DESCRIPTORS}import time\ntime.sleep(3600)"])
    assert said(images, container) == [{"open": []}]
    entered = shlex.join(["skerry", "exec", container["name"], "--", "/usr/bin/python3", "-c", _DESCRIPTORS])
    assert json.loads(images.run(f"exec 9</etc/shadow; {entered}")) == {"open": []}


def test_a_full_disk_starts_again_with_its_limit(images: ImageLab, start: Start) -> None:
    container = start(f"{_FILL}{_WAIT}", disk="16M")
    assert said(images, container) == [{"full": "Disk quota exceeded"}]
    for _ in range(2):
        images.ask("restart", container={"name": container["name"]}, wait="running", grace=0).ok()
    assert said(images, container, 3)[-1] == {"full": "Disk quota exceeded"}
    shown = images.run(f"btrfs qgroup show --raw -r -F /var/lib/skerry/pool/c/{container['id']}")
    assert str(16 * 1024**2) in shown, "its limit holds again"


def test_a_maker_of_namespaces_that_dies_leaves_nothing(images: ImageLab, start: Start) -> None:
    images.run("systemctl kill --signal=KILL skerry-namespaces.service")
    start(f"say(up=True){_WAIT}")
    images.run("systemctl kill --signal=KILL skerry-namespaces.service")
    assert json.loads(images.run("ip -json link"))
