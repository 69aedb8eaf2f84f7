"""Containers as files on real hosts: exported on one, imported on another, the same in all that a program sees."""

import contextlib
import json
import os
import random
import shlex
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from skerry import streams
from tests.conftest import ROOT
from tests.integration import kept_ssh
from tests.integration.modules import Call, Result, call, four_beats
from tests.integration.playbooks import Run, play
from tests.unit.volume_files.test_unpack import archive, member

POOL = "/var/lib/skerry/pool"
SLEEP = "import time; time.sleep(3600)"
LINKS = 5  # where odd_files.py tells how many
# What an overlay notes for itself holds on one file system only.
NOTES = {f"trusted.overlay.{name}" for name in ("origin", "impure", "uuid")}
# Each record is on the disk before the file that says how many there are: in a copy of one moment that is never too many.
WRITER = """
import hashlib, os, time
os.makedirs('/db', exist_ok=True)
def line(n): return b'%d %s\\n' % (n, hashlib.sha256(b'%d' % n).hexdigest().encode())
there = open('/db/a-log', 'rb').read() if os.path.exists('/db/a-log') else b''
count = int(open('/db/z-count').read()) if os.path.exists('/db/z-count') else 0
whole = there[:there.rfind(b'\\n') + 1].splitlines(True)
good = all(one == line(n) for n, one in enumerate(whole, 1)) and len(whole) >= count
open('/db/said', 'w').write(f'{good} {count}')
log, n = open('/db/a-log', 'r+b' if there else 'w+b', 0), len(whole)
log.truncate(sum(map(len, whole))); log.seek(0, 2)
while True:
    n += 1
    log.write(line(n)); os.fsync(log.fileno())
    with open('/db/z-new', 'w') as new: new.write(str(n)); new.flush(); os.fsync(new.fileno())
    os.rename('/db/z-new', '/db/z-count'); time.sleep(0.002)
"""


class Machine:
    """A host with the sample image: asked through one kept login."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, command: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            kept_ssh.command(self.name, command), input=data, capture_output=True, check=False
        )

    def out(self, command: str, data: bytes | None = None) -> str:
        done = self.run(command, data)
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
        return done.stdout.decode()

    def skerry(self, command: str, program: str = "") -> Any:
        tail = f" -- /usr/bin/python3 -c {shlex.quote(program)}" if program else ""
        return json.loads(self.out(f"skerry {command} --json{tail}"))

    def refused(self, command: str, data: bytes | None = None) -> str:
        done = self.run(command, data)
        assert done.returncode != 0, done.stdout
        return " ".join(done.stderr.decode().split())

    def play(self, playbook: str, *options: str) -> Run:
        """Run a playbook on it: the inventory has one lab at a time."""
        with mock.patch.dict(os.environ, {"SKERRY_LAB": self.name}):
            return play(self.name, playbook, *options)

    def upper(self, name: str) -> str:
        """The folder of what a container has written."""
        return f"{POOL}/c/{self.skerry(f'info {name}')['container']['id']}/upper"

    def told(self, path: str) -> dict[str, Any]:
        """All about the files in a folder, without what an overlay notes: of whiteouts it keeps a link of its own."""
        found = json.loads(self.out(f"python3 /run/odd_files.py tell {path}"))
        for about in found.values():
            about[LINKS] = 0 if int(about[0], 8) == stat.S_IFCHR else about[LINKS]
        return {
            name: [
                {key: item for key, item in value.items() if key not in NOTES}
                if isinstance(value, dict)
                else value
                for value in about
            ]
            for name, about in found.items()
        }

    def clear(self) -> None:
        for one in self.skerry("list")["containers"]:
            if one["name"].startswith("t-"):
                self.out(f"skerry delete {one['name']}")


def ready(name: str) -> Machine:
    """The host of that name, with the program that makes and tells of odd files."""
    machine = Machine(name)
    program = ROOT / "tests/integration/on_host/odd_files.py"
    machine.out("cat > /run/odd_files.py", program.read_bytes())
    return machine


@pytest.fixture(scope="module")
def near_host(lab: str, hello: str) -> Machine:
    return ready(lab)


@pytest.fixture(scope="module")
def far_host(near_host: Machine) -> Iterator[Machine]:
    """Another host, which nothing but archives comes to."""
    name = f"{near_host.name}2"
    lab = [sys.executable, "-m", "skerry_lab"]
    subprocess.run([*lab, "up", name, "--owner", "test"], cwd=ROOT / "src", check=True, capture_output=True)
    try:
        Machine(name).play("site.yml").ok()
        yield ready(name)
    finally:
        subprocess.run([*lab, "down", name], cwd=ROOT / "src", check=True, capture_output=True)


@pytest.fixture
def near(near_host: Machine) -> Iterator[Machine]:
    yield near_host
    near_host.clear()


@pytest.fixture
def far(far_host: Machine) -> Iterator[Machine]:
    yield far_host
    far_host.clear()


CHANGES = """
set -e
rm -r /srv/hello; mkdir /srv/hello; echo new > /srv/hello/new
rm /usr/bin/perl; ln /srv/hello/new /hard; ln -s /etc/passwd /soft; chmod 750 /srv
mkdir -p /deep/er; echo x > /deep/er/x; chmod 1777 /deep
"""


def make_odd(machine: Machine, name: str) -> str:
    """A running container with whiteouts, an opaque folder and files of every kind; its upper layer."""
    machine.skerry(f"create {name} --image hello --wait running --env GREETING=hi --label a=b", SLEEP)
    machine.out(f"skerry exec {name} -- /bin/sh -c {shlex.quote(CHANGES)}")
    upper = machine.upper(name)
    machine.out(f"mkdir {upper}/odd; python3 /run/odd_files.py make {upper}/odd; sync -f {upper}")
    return upper


def test_a_host_without_the_image_says_how_to_bring_it(near: Machine, far_host: Machine) -> None:
    near.skerry("create t-odd --image hello --wait running", SLEEP)
    data = near.run("skerry export t-odd -").stdout
    said = far_host.refused("skerry import t-new -", data)
    assert "image hello of the archive (sha256:" in said
    assert "playbooks/image/import.yml" in said
    assert far_host.skerry("list")["containers"] == []
    far_host.play("playbooks/image/hello.yml").ok()


def test_a_container_is_the_same_on_another_host(near: Machine, far: Machine, tmp_path: Path) -> None:
    far.play("playbooks/image/hello.yml").ok()
    upper, path = make_odd(near, "t-odd"), tmp_path / "odd.tar"
    wanted = near.told(upper)
    words = ("-e", "container_name=t-odd", "-e", f"path={path}")
    checked = near.play("playbooks/container/export.yml", "--check", *words).ok()
    assert "take snapshot of the archive" in checked.output
    assert not path.exists()
    near.play("playbooks/container/export.yml", *words).ok()
    assert "is there already" in near.play("playbooks/container/export.yml", *words).output
    assert path.stat().st_mode & 0o777 == 0o600
    wrong = ("-e", "container_name=t-none", "-e", f"path={tmp_path / 'none.tar'}")
    assert "there is no container" in near.play("playbooks/container/export.yml", *wrong).output
    assert [one.name for one in tmp_path.iterdir()] == ["odd.tar"]
    with tarfile.open(path) as tar:
        assert tar.getnames()[:2] == [streams.HEAD, "upper"]
    words = ("-e", "container_name=t-new", "-e", f"path={path}")
    checked = far.play("playbooks/container/import.yml", "--check", *words).ok()
    assert "unpack archive into" in checked.output
    assert checked.changed
    assert far.skerry("list")["containers"] == []
    far.play("playbooks/container/import.yml", *words).ok()
    assert "t-new is there already" in far.play("playbooks/container/import.yml", *words).ok().output
    assert far.told(far.upper("t-new")) == wanted
    old, new = near.skerry("info t-odd")["container"], far.skerry("info t-new")["container"]
    assert {
        old[key] == new[key] for key in ("image", "image_digest", "env", "labels", "command", "disk")
    } == {True}
    assert (new["state"], old["state"], old["id"] != new["id"]) == ("stopped", "running", True)
    far.skerry("start t-new --wait running")
    look = "ls /srv/hello; test -e /usr/bin/perl || echo gone; readlink /soft"
    assert far.out(f"skerry exec t-new -- /bin/sh -c {shlex.quote(look)}").split() == [
        "new",
        "gone",
        "/etc/passwd",
    ]
    for place in ("incoming", "outgoing"):
        for machine in (near, far):
            assert machine.out(f"find /var/lib/skerry/{place} -name '*.tar*' 2>/dev/null || true") == ""
    assert near.out(f"ls {POOL}/s/export; ls /run/skerry/streams; ls /run/skerry/*.head || true") == ""


def test_a_program_that_writes_goes_on_and_its_copy_recovers(near: Machine) -> None:
    near.skerry("create t-db --image hello --wait running", WRITER)
    upper = near.upper("t-db")
    near.out(f"head -c 60M /dev/urandom > {upper}/db/m-large; sync -f {upper}")
    before = int(near.out(f"cat {upper}/db/z-count"))
    process = near.out("systemctl show --value -p MainPID skerry-*.service | sort -u")
    near.out("skerry export t-db - 2>/dev/null | skerry import t-copy - --memory 128M")
    assert near.out("systemctl show --value -p MainPID skerry-*.service | sort -u") == process
    assert int(near.out(f"cat {upper}/db/z-count")) > before
    assert near.skerry("info t-copy")["container"]["memory"] == "128M"
    near.skerry("start t-copy --wait running")
    copy = near.upper("t-copy")
    near.out(f"timeout 20 sh -c 'until test $(cat {copy}/db/said | cut -c1-4) = True; do sleep 0.1; done'")
    assert int(near.out(f"cat {copy}/db/said").split()[1]) >= before > 0


def test_a_snapshot_is_exported_as_it_was(near: Machine) -> None:
    near.skerry("create t-odd --image hello --wait running", SLEEP)
    upper = near.upper("t-odd")
    near.out(f"echo one > {upper}/one")
    near.skerry("snapshot create t-odd first")
    near.out(f"echo two > {upper}/one")
    near.out("skerry export t-odd - --snapshot first 2>/dev/null | skerry import t-new -")
    assert near.out(f"cat {near.upper('t-new')}/one") == "one\n"
    assert "has no snapshot second" in near.refused("skerry export t-odd - --snapshot second")


def test_a_folder_of_the_image_that_was_renamed_is_named_with_what_to_do(near: Machine) -> None:
    near.skerry("create t-odd --image hello --wait running", SLEEP)
    near.out("skerry exec t-odd -- /bin/mv /usr/share/doc /usr/share/doc2")
    said = near.refused("skerry export t-odd /run/t-odd.tar")
    assert "/usr/share/doc2 is a folder of the image's that was renamed from /usr/share/doc" in said
    assert near.run("ls /run/t-odd.tar").returncode != 0
    assert near.out(f"ls {POOL}/s/export") == ""
    mend = "cd /usr/share && cp -a doc2 doc2.own && rm -r doc2 && mv doc2.own doc2"
    near.out(f"skerry exec t-odd -- /bin/sh -c {shlex.quote(mend)}")
    near.out("skerry export t-odd - 2>/dev/null | skerry import t-new -")
    assert near.told(near.upper("t-new")) == near.told(near.upper("t-odd"))


@pytest.fixture
def head(near: Machine) -> bytes:
    """What an archive begins with, as an export wrote it."""
    near.skerry("create t-odd --image hello --disk 32M --wait running", SLEEP)
    data = near.run("skerry export t-odd -").stdout
    size = tarfile.TarInfo.frombuf(data[:512], "utf-8", "strict").size
    return data[: 512 + -(-size // 512) * 512]


@contextlib.contextmanager
def nothing_left(machine: Machine) -> Iterator[None]:
    """Within it, whatever is refused leaves no subvolume, no file, no unit and no name."""
    command = (
        f"btrfs subvolume list {POOL} | sed 's/gen [0-9]* //'; skerry list; ls /run/skerry /run/skerry/streams; "
        "systemctl list-units --all --plain --no-legend 'skerry-files-*'"
    )
    before = machine.out(command)
    yield
    assert machine.out(command) == before
    assert "there is no container" in machine.refused("skerry info t-evil")


HOSTILE: dict[str, tuple[tuple[tarfile.TarInfo, bytes], str]] = {
    "above": (member("upper/../../../../etc/skerry-evil"), "'..' in its name"),
    "below a link": (member("upper/link/skerry-evil"), "member 'upper/link/skerry-evil' cannot be there"),
    "a device": (
        member("upper/dev/vda", kind=tarfile.BLKTYPE, devmajor=254),
        "member 'upper/dev/vda' is a device",
    ),
    "a second manifest": (member(streams.HEAD, b"{}"), "member 'skerry.json' is not below upper/"),
    "a folder renamed": (
        member(
            "upper/x", kind=tarfile.DIRTYPE, pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/etc"}
        ),
        "member 'upper/x' carries the attribute 'trusted.overlay.redirect'",
    ),
    "too large": (
        member("upper/fat", random.Random(1).randbytes(40 << 20)),
        "there is no room for member 'upper/fat'",
    ),
}


def test_hostile_archives_are_refused_by_name_and_leave_nothing(near: Machine, head: bytes) -> None:
    before = (
        member("upper", kind=tarfile.DIRTYPE, mode=0o755),
        member("upper/good", b"x" * (1 << 20)),
        member("upper/link", kind=tarfile.SYMTYPE, linkname="/etc"),
    )
    with nothing_left(near):
        for name, (hostile, said) in HOSTILE.items():
            assert said in near.refused("skerry import t-evil -", head + archive(*before, hostile)), name
        assert "cut off" in near.refused("skerry import t-evil -", head + archive(*before)[:100_000])
        wrong = head.replace(b'"version": 1', b'"version": 2')
        assert "is of version 2" in near.refused("skerry import t-evil -", wrong)
        assert "packed one" in near.refused("skerry import t-evil -", b"\x28\xb5\x2f\xfd" * 1000)
        assert near.run("ls /etc/skerry-evil").returncode != 0


def test_an_engine_that_dies_in_the_middle_and_a_reader_that_goes_leave_nothing(
    near: Machine, head: bytes
) -> None:
    near.out(f"head -c 40M /dev/urandom > {near.upper('t-odd')}/fat || true")
    with nothing_left(near):
        beginning = (
            head + archive(member("upper", kind=tarfile.DIRTYPE), member("upper/good", b"x" * 9999))[:4096]
        )
        near.out("cat > /run/t-begin.tar", beginning)
        stalled = "(cat /run/t-begin.tar; sleep 8) | skerry import t-evil - >/run/t-said 2>&1 & "
        kill = "systemctl kill -s KILL skerry-engine; rm /run/t-begin.tar; wait; skerry list"
        works = f"timeout 20 sh -c 'until ls {POOL}/c/*/upper/good; do sleep 0.1; done'"
        near.out(f"{stalled} {works} && {kill}")
        near.run("skerry export t-odd - | head -c 600")
    assert near.out(f"ls {POOL}/s/export") == ""


@pytest.mark.usefixtures("head")
def test_a_client_that_is_killed_at_once_holds_no_container(near: Machine) -> None:
    """Before, while and after its stream is opened at the other end."""
    with nothing_left(near):
        for hundredths in range(5, 50, 5):
            near.run(f"timeout --signal=KILL 0.{hundredths:02} skerry export t-odd - >/dev/null")
            near.run(f"timeout --signal=KILL 0.{hundredths:02} skerry import t-evil - </dev/zero")
        near.out("timeout 30 skerry export t-odd - >/dev/null && skerry list")


def test_a_full_container_arrives_full(near: Machine) -> None:
    near.skerry("create t-odd --image hello --disk 32M --no-start", SLEEP)
    odd = near.upper("t-odd")
    near.out(f"mkdir {odd}/many; for n in $(seq 300); do echo $n > {odd}/many/$n; done")
    assert (
        "quota exceeded" in near.run(f"head -c 64M /dev/urandom > {odd}/fat; sync -f {odd}").stderr.decode()
    )
    near.out("skerry export t-odd - 2>/dev/null | skerry import t-new -")
    assert near.told(near.upper("t-new")) == near.told(odd)
    assert near.skerry("info t-new")["container"]["disk"] == "32M"
    # The limit holds again.
    more = f"head -c 8M /dev/urandom > {near.upper('t-new')}/more; sync -f {near.upper('t-new')}"
    assert "quota exceeded" in near.run(more).stderr.decode()


def test_an_output_without_room_is_told_once(near: Machine) -> None:
    near.skerry("create t-odd --image hello --wait running", SLEEP)
    done = near.run("skerry export t-odd > /dev/full")
    assert (done.returncode, done.stderr.decode().splitlines()[-1]) == (
        2,
        "error: -: No space left on device.",
    )
    assert "Exception" not in done.stderr.decode()


def test_what_a_killed_client_has_left_goes_with_the_next_one(near: Machine) -> None:
    near.skerry("create t-odd --image hello --wait running", SLEEP)
    near.out(f"head -c 4M /dev/urandom > {near.upper('t-odd')}/fat")
    kill = "skerry export t-odd > /run/t-pipe & sleep 1; kill -9 $!; wait; rm /run/t-pipe"
    near.run(f"mkfifo /run/t-pipe; sleep 4 < /run/t-pipe & {kill}")
    assert near.out("ls /run/skerry/streams | wc -l").strip() == "1"
    near.out("skerry export t-odd > /dev/null")
    assert near.out("ls /run/skerry/streams") == ""


def test_whoever_unpacks_may_set_no_trusted_attribute(near: Machine) -> None:
    """Not even if the unpacker were taken over: the kernel refuses it."""
    wants = "import os; os.setxattr('/mnt', 'trusted.overlay.redirect', b'/')"
    program = (
        "from skerry.host import sandbox; import os, sys; os.makedirs(sys.argv[1], exist_ok=True); "
        "job = sandbox.Job(('/usr/bin/python3', '-c', sys.argv[2]), scratch=sys.argv[1], files=True); "
        "sandbox.run(job, lambda: None)"
    )
    folder = f"{POOL}/t-try"
    said = near.refused(f"python3 -c {shlex.quote(program)} {folder} {shlex.quote(wants)}")
    near.out(f"rmdir {folder}")
    assert "Operation not permitted" in said


Beats = dict[str, list[Result]]


@pytest.fixture(scope="module")
def beats(near_host: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beats]:
    """Four answers of each: check, do, again, check again."""
    near_host.out("rm -f /run/b-odd.tar")
    near_host.skerry("create t-beats --image hello --wait running", SLEEP)
    module = "skerry_container_archive"
    asked: dict[str, dict[str, Any]] = {
        "exported": {"name": "t-beats", "path": "/run/b-odd.tar", "state": "exported"},
        "imported": {"name": "t-beats2", "path": "/run/b-odd.tar", "state": "imported"},
    }
    calls = [
        Call(one.options, one.check, module) for options in asked.values() for one in four_beats(options)
    ]
    wrong = [
        Call({"name": "t-x", "path": "/run/none.tar", "state": "imported"}, check, module)
        for check in (True, False)
    ]
    answers = call(near_host.name, tmp_path_factory.mktemp("beats"), *calls, *wrong)
    yield {title: answers[4 * n : 4 * n + 4] for n, title in enumerate(asked)} | {"wrong": answers[-2:]}
    near_host.out("rm -f /run/b-odd.tar")
    near_host.clear()


@pytest.mark.parametrize("title", ["exported", "imported"])
def test_four_beats(beats: Beats, title: str) -> None:
    check, do, again, check_again = beats[title]
    for answer in (check, do, again, check_again):
        assert not answer["failed"], answer
    assert (check["changed"], do["changed"]) == (True, True)
    assert not again["changed"]
    assert not check_again["changed"]
    assert check["steps"] == do["steps"] != []
    assert check["diff"] == do["diff"]
    assert again["steps"] == check_again["steps"] == []


def test_a_missing_archive_is_named(beats: Beats) -> None:
    for answer in beats["wrong"]:
        assert answer["failed"]
        assert "path: /run/none.tar: No such file or directory" in answer["msg"]
