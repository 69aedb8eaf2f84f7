"""Volumes on a real host: they outlive containers, hold their limit, and come back from an archive."""

import hashlib
import io
import json
import shlex
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.integration.modules import Call, Result, call, four_beats
from tests.integration.playbooks import play

Skerry = Callable[..., Any]
Run = Callable[..., CommandResult]
SLEEP = "import time; time.sleep(3600)"
POOL = "/var/lib/skerry/pool/v"


@pytest.fixture
def skerry(host: Host, hello: str) -> Iterator[Skerry]:
    """Runs the command; what it answers. Whatever was made with it is deleted at the end."""

    def run(command: str, program: str = "") -> Any:
        tail = f" -- /usr/bin/python3 -c {shlex.quote(program)}" if program else ""
        done = host.run(f"skerry {command} --json{tail}")
        assert done.rc == 0, f"{command}: {done.stderr}"
        return json.loads(done.stdout)

    yield run
    for kind, word in (("container", ""), ("volume", "volume ")):
        listed = json.loads(host.check_output(f"skerry {word}list --json"))[f"{kind}s"]
        for one in listed:
            if one["name"].startswith("t-"):
                where = f"--realm {one['realm']} --project {one['project']}"
                host.check_output(f"skerry {word}delete {one['name']} {where}")


WRITE = """
import time
try: open('/data/x', 'w')
except OSError as error: said = error.strerror
open('/tmp/said', 'w').write(f"{said} {open('/data/by').read()}")
time.sleep(3600)
"""


def place(skerry: Skerry, name: str) -> str:
    """The one folder with the files of a volume."""
    return f"{POOL}/{skerry(f'volume info {name}')['volume']['id']}-1"


def refused(host: Host, command: str) -> str:
    """What the command says, which must refuse."""
    done = host.run(command)
    assert done.rc != 0, done.stdout
    return done.stderr


def test_it_outlives_its_containers_and_is_one_for_all(host: Host, skerry: Skerry) -> None:
    skerry("volume create t-data --size 64M")
    files = place(skerry, "t-data")
    program = "open('/data/by', 'a').write('one\\n'); " + SLEEP
    skerry("create t-one --image hello --wait running --volume t-data:/data", program)
    host.check_output(
        f"for n in $(seq 50); do test -s {files}/by && break; sleep 0.1; done; grep -q one {files}/by"
    )
    skerry("restart t-one --wait running")
    host.check_output(f"for n in $(seq 50); do test $(wc -l < {files}/by) = 2 && break; sleep 0.1; done")
    two = skerry("create t-two --image hello --wait running --volume t-data:/data:ro", WRITE)["after"]
    upper = f"/var/lib/skerry/pool/c/{two['id']}/upper/tmp/said"
    host.check_output(f"for n in $(seq 50); do test -s {upper} && break; sleep 0.1; done")
    assert host.check_output(f"cat {upper}") == "Read-only file system one\none"
    said = refused(host, "skerry volume delete t-data")
    assert "is in use by default/default/t-one, default/default/t-two" in said
    for name in ("t-one", "t-two"):
        skerry(f"delete {name}")
    assert host.check_output(f"cat {files}/by") == "one\none"
    assert host.check_output(f"stat -c %u:%g {files}/by") == "0:0"
    skerry("volume delete t-data")
    assert not host.file(files).exists


PLANT = "import os, time; os.symlink('/tmp', '/data/sub'); " + SLEEP
SEES = "open('/data/sub/by', 'w').write('x'); open('/data/plain/deep/by', 'w').write('x'); " + SLEEP


def test_a_volume_inside_a_shared_one_is_where_its_path_says_or_nowhere(host: Host, skerry: Skerry) -> None:
    for name in ("t-shared", "t-own", "t-more"):
        skerry(f"volume create {name} --size 32M")
    shared, own = place(skerry, "t-shared"), place(skerry, "t-own")
    skerry("create t-one --image hello --wait running --volume t-shared:/data", PLANT)
    host.check_output(f"timeout 20 sh -c 'until test -L {shared}/sub; do sleep 0.1; done'")
    options = "--volume t-shared:/data --volume t-own:/data/sub --volume t-more:/data/plain/deep"
    said = refused(host, f"skerry create t-two --image hello --wait running {options} -- /bin/sleep 60")
    assert "/data/sub: a link in the volume at /data" in said
    host.check_output(f"rm {shared}/sub")
    skerry(f"create t-two --image hello --wait running {options}", SEES)
    host.check_output(f"timeout 20 sh -c 'until test -e {own}/by; do sleep 0.1; done'")
    more = place(skerry, "t-more")
    host.check_output(f"timeout 20 sh -c 'until test -e {more}/by; do sleep 0.1; done'")
    assert host.check_output(f"ls {shared}/sub {shared}/plain/deep").split() == [
        f"{shared}/plain/deep:",
        f"{shared}/sub:",
    ]


def test_no_link_of_the_roots_leads_a_volume_into_another(host: Host, skerry: Skerry) -> None:
    for name in ("t-shared", "t-own"):
        skerry(f"volume create {name} --size 32M")
    program = (
        "import os; os.path.lexists('/way') or os.symlink('/data', '/way'); open('/tmp/done', 'w'); " + SLEEP
    )
    made = skerry("create t-one --image hello --wait running --volume t-shared:/data", program)["after"]
    upper = f"/var/lib/skerry/pool/c/{made['id']}/upper/tmp/done"
    host.check_output(f"timeout 20 sh -c 'until test -e {upper}; do sleep 0.1; done'")
    skerry("update t-one --volume t-shared:/data --volume t-own:/way/in")
    said = refused(host, "skerry restart t-one --wait running")
    assert "/way/in: a link in the root leads into another volume" in said


NESTED = """
import errno, fcntl, os, struct
said = []
folder = os.open('/data', os.O_RDONLY)
for name in (b'one', b'two'):
    try:
        fcntl.ioctl(folder, 0x5000940E, bytearray(struct.pack('=q4088s', 0, name))); said.append('made')
    except OSError as error:
        said.append(errno.errorcode[error.errno])
for place in ('/data/one/fat', '/data/fat', '/data/two/fat'):
    try:
        with open(place, 'wb', buffering=0) as file:
            for n in range(64):
                file.write(os.urandom(1 << 20)); os.fsync(file.fileno())
        said.append('all')
    except OSError as error:
        said.append(errno.errorcode[error.errno])
open('/tmp/said.new', 'w').write(' '.join(said)); os.rename('/tmp/said.new', '/tmp/said')
import time; time.sleep(3600)
"""


def test_no_program_gets_past_its_limit_by_subvolumes_of_its_own(host: Host, skerry: Skerry) -> None:
    """The kernel lets every owner of a folder make subvolumes, each with a quota group of its own and no limit."""
    skerry("volume create t-data --size 32M")
    files = place(skerry, "t-data")
    one = skerry("create t-one --image hello --wait running --volume t-data:/data", NESTED)["after"]
    upper = f"/var/lib/skerry/pool/c/{one['id']}/upper/tmp/said"
    host.check_output(f"for n in $(seq 300); do test -s {upper} && break; sleep 0.1; done")
    assert host.check_output(f"cat {upper}").split() == ["made", "made", "EDQUOT", "EDQUOT", "EDQUOT"]
    used = skerry("volume info t-data")["volume"]["used"]
    assert 24 << 20 < used <= (32 << 20) + (1 << 20)
    said = refused(host, "skerry volume update t-data --size 16M")
    assert "is too little for volume default/default/t-data, whose files take 3" in said
    host.check_output(f"rm {files}/one/fat && echo room > {files}/room")
    skerry("delete t-one")
    skerry("volume delete t-data")
    assert not host.file(files).exists


def told(on_host: Run, path: str) -> dict[str, Any]:
    """All about the files in a folder of the host's."""
    done = on_host("odd_files.py", "tell", path)
    assert done.rc == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def full(on_host: Run, skerry: Skerry) -> str:
    """A volume with files of every kind; its folder."""
    skerry("volume create t-data --size 64M")
    files = place(skerry, "t-data")
    assert on_host("odd_files.py", "make", files).rc == 0
    return files


def test_an_archive_has_all_of_it(host: Host, on_host: Run, skerry: Skerry, full: str) -> None:
    program = "open('/data/now', 'w').write('running'); " + SLEEP
    skerry("create t-one --image hello --wait running --volume t-data:/data", program)
    host.check_output(f"for n in $(seq 50); do test -s {full}/now && break; sleep 0.1; done")
    host.check_output("rm -f /run/t-data.tar; skerry volume backup t-data /run/t-data.tar")
    host.check_output("skerry volume restore t-copy /run/t-data.tar --size 64M")
    assert told(on_host, place(skerry, "t-copy")) == told(on_host, full)
    assert len(told(on_host, full)) == 9
    by_pipe = "skerry volume backup t-copy - 2>/run/said | skerry volume restore t-pipe - --size 64M"
    host.check_output(by_pipe)
    assert told(on_host, place(skerry, "t-pipe")) == told(on_host, full)
    assert host.check_output("btrfs subvolume list /var/lib/skerry/pool").count(".backup") == 0
    assert host.check_output("ls /run/skerry/streams") == ""
    assert "is there already" in refused(host, "skerry volume backup t-data /run/t-data.tar")


def test_files_are_destroyed_only_by_the_volumes_id(
    host: Host, on_host: Run, skerry: Skerry, full: str
) -> None:
    host.check_output("rm -f /run/t-data.tar; skerry volume backup t-data /run/t-data.tar")
    before, volume = told(on_host, full), skerry("volume info t-data")["volume"]
    said = refused(host, "skerry volume restore t-data /run/t-data.tar")
    assert "has files of its own, which take 1M" in said
    assert volume["id"] in said
    assert "is not the id of volume" in refused(
        host, f"skerry volume restore t-data /run/t-data.tar --replace {'a' * 24}"
    )
    skerry("create t-one --image hello --wait running --volume t-data:/data", SLEEP)
    word = f"skerry volume restore t-data /run/t-data.tar --replace {volume['id']}"
    assert "is in use by default/default/t-one. Stop these" in refused(host, word).replace("\n       ", " ")
    assert told(on_host, full) == before
    skerry("stop t-one --grace 0")
    host.check_output(f"echo new > {full}/new")
    host.check_output(word)
    assert told(on_host, full.removesuffix("1") + "2") == before
    assert not host.file(full).exists
    skerry("start t-one --wait running")


def hostile(name: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for number in range(3):
            info = tarfile.TarInfo(f"good-{number}")
            info.size = 1 << 20
            tar.addfile(info, io.BytesIO(bytes(1 << 20)))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo(name))
    return made.getvalue()


@pytest.mark.parametrize("name", ["../../skerry-evil", "/etc/skerry-evil", "link/skerry-evil"])
def test_a_hostile_archive_is_refused_by_name_and_leaves_nothing(
    host: Host, skerry: Skerry, tmp_path: Path, lab: str, name: str
) -> None:
    subvolumes = host.check_output("btrfs subvolume list /var/lib/skerry/pool")
    path = put(host, hostile(name))
    said = refused(host, f"skerry volume restore t-evil {path}")
    assert f"member {name!r}" in said
    assert host.run("ls /etc/skerry-evil").rc != 0
    assert "there is no volume" in refused(host, "skerry volume info t-evil")
    assert host.check_output("btrfs subvolume list /var/lib/skerry/pool") == subvolumes


def put(host: Host, data: bytes) -> str:
    """A file on the host with these bytes, which are mostly zero; its path."""
    import base64  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    path = f"/run/{hashlib.sha256(data).hexdigest()[:8]}.tar"
    packed = base64.b64encode(zlib.compress(data)).decode()
    write = f"import base64,zlib; open('{path}','wb').write(zlib.decompress(base64.b64decode('{packed}')))"
    host.check_output(f'python3 -c "{write}"')
    return path


def test_an_archive_without_room_or_end_leaves_nothing(host: Host, skerry: Skerry) -> None:
    path = put(host, hostile("fine"))
    host.check_output(f"head -c 20000000 /dev/urandom > /run/fat; tar -C /run -cf {path} fat")
    said = refused(host, f"skerry volume restore t-small {path} --size 16M")
    assert "there is no room for member 'fat'" in said
    assert "Make the volume larger" in said
    assert "cut off" in refused(host, f"head -c 1000000 {path} | skerry volume restore t-small - --size 64M")
    assert "there is no volume" in refused(host, "skerry volume info t-small")
    host.check_output(f"rm /run/fat {path}")


def test_a_new_volume_has_what_its_image_has_there(host: Host, on_host: Run, skerry: Skerry) -> None:
    images = json.loads(host.check_output("skerry image list --json"))["images"]
    image = next(one["digest"] for one in images if one["name"] == "hello")
    skerry("volume create t-data --size 64M")
    made = skerry("create t-one --image hello --volume t-data:/srv/hello")
    assert [
        step
        for step in made["plans"][0]["steps"]
        if step.startswith("copy the image's /srv/hello into volume")
    ]
    files = place(skerry, "t-data")
    copied, there = told(on_host, files), told(on_host, f"/run/skerry/images/{image}/srv/hello")
    assert copied.pop(".")[:3] == there.pop(".")[:3], "the program may have written there since"
    assert copied == there
    host.check_output(f"echo mine > {files}/mine; rm {files}/app.py")
    skerry("stop t-one --grace 0")
    assert not [step for step in skerry("plan start t-one")["plans"][0]["steps"] if "copy" in step]


def test_a_new_volume_belongs_to_the_programs_user_where_the_image_has_nothing(
    host: Host, skerry: Skerry
) -> None:
    skerry("volume create t-data --size 64M")
    program = "open('/nowhere/x', 'w').write('mine'); " + SLEEP
    skerry("create t-one --image hello --user 1234:5678 --wait running --volume t-data:/nowhere", program)
    files = place(skerry, "t-data")
    host.check_output(f"for n in $(seq 50); do test -s {files}/x && break; sleep 0.1; done")
    assert host.check_output(f"stat -c %u:%g {files} {files}/x").split() == ["1234:5678", "1234:5678"]


# The modules and the playbooks.


@pytest.fixture(scope="module")
def beats(
    lab: str, hello: str, host: Host, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Result]]:
    """Four answers of each: check, do, again, check again."""
    host.run("rm -f /run/b-data.tar; mkdir -p /run/b")
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "new": ("skerry_volume", {"name": "b-data", "size": "64M"}),
        "larger": ("skerry_volume", {"name": "b-data", "size": "128M"}),
        "as it is": ("skerry_volume", {"name": "b-data"}),
        "saved": ("skerry_volume_archive", {"name": "b-data", "path": "/run/b-data.tar", "state": "saved"}),
        "gone": ("skerry_volume", {"name": "b-data", "state": "absent"}),
    }
    calls = [
        Call(one.options, one.check, module)
        for module, options in asked.values()
        for one in four_beats(options)
    ]
    answers = call(lab, tmp_path_factory.mktemp("beats"), *calls)
    return {title: answers[4 * n : 4 * n + 4] for n, title in enumerate(asked)}


@pytest.mark.parametrize("title", ["new", "larger", "as it is", "saved", "gone"])
def test_four_beats(beats: dict[str, list[Result]], title: str) -> None:
    check, do, again, check_again = beats[title]
    for answer in (check, do, again, check_again):
        assert not answer["failed"], answer
    assert check["changed"] == do["changed"] == (title != "as it is")
    assert not again["changed"]
    assert not check_again["changed"]
    assert check["steps"] == do["steps"]
    assert again["steps"] == check_again["steps"] == []
    assert check["diff"] == do["diff"] if "diff" in check else "diff" not in do


def test_the_playbooks_bring_data_to_this_computer_and_back(
    lab: str, hello: str, host: Host, skerry: Skerry, tmp_path: Path
) -> None:
    archive = tmp_path / "data.tar"
    play(lab, "playbooks/volume/create.yml", "-e", "volume=t-book", "-e", "size=64M").ok()
    files = place(skerry, "t-book")
    host.check_output(f"echo kept > {files}/kept")
    play(lab, "playbooks/volume/backup.yml", "-e", "volume=t-book", "-e", f"path={archive}").ok()
    with tarfile.open(archive) as tar:
        assert "./kept" in tar.getnames()
    assert (
        "is there already"
        in play(lab, "playbooks/volume/backup.yml", "-e", "volume=t-book", "-e", f"path={archive}").output
    )
    assert "t-book" in play(lab, "playbooks/volume/list.yml").ok().output
    play(lab, "playbooks/volume/delete.yml", "-e", "volume=t-book").ok()
    play(
        lab, "playbooks/volume/restore.yml", "-e", "volume=t-book", "-e", f"path={archive}", "-e", "size=64M"
    ).ok()
    assert host.check_output(f"cat {place(skerry, 't-book')}/kept") == "kept"
    assert host.check_output("find /var/lib/skerry/incoming /var/lib/skerry/outgoing -name '*.tar*'") == ""
