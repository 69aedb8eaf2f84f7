"""Snapshots on a real host: of what runs, restored with their image, counted for the disk, gone with their container."""

import json
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration import pool
from tests.integration.modules import Call, call, four_beats
from tests.integration.pool import FILL, FULL, MEBI, POOL, Skerry, falls, fill, group, refused, upper, used

REMOVE = """/usr/bin/python3 -c 'import os; os.unlink("/fat")'"""
SLEEP = "import time; time.sleep(3600)"
# Sets a column of a row to a time from now.
AT = """
import sqlite3, sys
table, column, name, when = sys.argv[1:]
with sqlite3.connect("/var/lib/skerry/state.db") as db:
    at = "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', ?)"
    db.execute(f"UPDATE {table} SET {column} = {at} WHERE name GLOB ?", (when, name))
"""
# It says whether it could write, and goes on.
WRITES = (
    "import time\ntry: open('/tmp/new', 'wb').write(bytes(1 << 20)); said = 'written'\n"
    "except OSError as error: said = error.strerror\nprint(said, flush=True); time.sleep(3600)"
)


@pytest.fixture
def skerry(host: Host, hello: str) -> Iterator[Skerry]:
    """Runs the command; what it answers. Whatever was made with it is deleted at the end."""

    yield from pool.skerry(host)


@pytest.fixture
def blog(skerry: Skerry) -> dict[str, Any]:
    """A running container with 64 MiB of disk."""
    made = skerry("create t-blog --image hello --memory 64M --disk 64M --wait running", WRITES)
    return dict(made["after"])


def names(skerry: Skerry, of: str = "t-blog") -> list[str]:
    return [one["name"] for one in skerry(f"snapshot list {of}")["snapshots"]]


def at(host: Host, *change: str) -> None:
    """Let a row of the store, while no engine runs, have another time: table, column, name, when."""
    host.check_output(f"python3 -c {shlex.quote(AT)} {shlex.join(change)}")


def test_a_restore_brings_files_back_and_keeps_those_of_now(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    files = upper(blog)
    host.check_output(f"echo one > {files}/one")
    skerry("snapshot create t-blog first")
    host.check_output(f"rm {files}/one; echo two > {files}/two")
    restored = skerry("snapshot restore t-blog first --wait running")["after"]
    assert (restored["id"], restored["url"]) == (blog["id"], blog["url"])
    assert (restored["state"], restored["kept_roots"]) == ("running", [])
    assert host.check_output(f"cat {files}/one") == "one"
    assert not host.file(f"{files}/two").exists
    first, before = names(skerry)
    assert (first, before[:9]) == ("first", "before-20")
    skerry(f"snapshot restore t-blog {before} --wait running --no-keep")
    assert (host.file(f"{files}/two").exists, host.file(f"{files}/one").exists) == (True, False)
    assert names(skerry) == ["first", before]
    assert host.check_output(f"ls {POOL}/kept") == ""


def test_a_stopped_one_stays_stopped_and_a_frozen_one_runs(skerry: Skerry, blog: dict[str, Any]) -> None:
    skerry("snapshot create t-blog first")
    skerry("freeze t-blog")
    assert skerry("snapshot restore t-blog first --wait running --no-keep")["after"]["state"] == "running"
    skerry("stop t-blog --grace 0")
    assert skerry("snapshot restore t-blog first --no-keep")["after"]["state"] == "stopped"


def test_what_it_shares_counts_once_and_what_changes_twice(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    host.check_output(f"head -c 20M /dev/urandom > {upper(blog)}/one; sync -f {upper(blog)}")
    before = used(host, blog)
    assert 20 * MEBI <= before < 24 * MEBI
    skerry("snapshot create t-blog first")
    assert used(host, blog) - before < MEBI
    host.check_output(f"head -c 20M /dev/urandom > {upper(blog)}/one; sync -f {upper(blog)}")
    assert 19 * MEBI < used(host, blog) - before < 22 * MEBI
    told = skerry("snapshot info t-blog first")["snapshot"]
    assert (20 * MEBI <= told["size"] < 22 * MEBI, told["frees"]) == (True, 20 * MEBI)
    skerry("snapshot delete t-blog first")
    assert falls(host, blog, before + MEBI)


def test_no_snapshot_and_no_restore_gives_more_than_the_limit(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    """What a snapshot holds stays booked on the root that wrote it, and a new root begins with nothing booked."""
    for number in range(3):
        host.run(f"head -c 40M /dev/urandom > {upper(blog)}/{number}; sync -f {upper(blog)}")
        skerry(f"snapshot create t-blog n{number}")
        skerry("snapshot restore t-blog n0 --wait running --no-keep")
        assert used(host, blog) <= 64 * MEBI + 256 * 1024
    fill(host, upper(blog))
    assert used(host, blog) <= 64 * MEBI + 256 * 1024


def test_on_a_full_disk_all_that_makes_room_works(host: Host, skerry: Skerry, blog: dict[str, Any]) -> None:
    fill(host, upper(blog))
    skerry("snapshot create t-blog full")
    skerry("restart t-blog --wait running --grace 0")
    assert host.run(f"touch {upper(blog)}/more").rc == 1
    said = refused(host, "skerry snapshot restore t-blog full", 2)
    assert "disk: 64M is too little for the files of now beside those of the snapshot" in said
    assert "--no-keep" in said
    host.check_output(f"skerry exec t-blog -- {REMOVE}")
    skerry("snapshot restore t-blog full --wait running --no-keep --grace 0")
    assert host.file(f"{upper(blog)}/fat").size > 40 * MEBI
    host.check_output(f"skerry exec t-blog -- {REMOVE}")
    skerry("snapshot delete t-blog full")
    assert falls(host, blog, 4 * MEBI)
    skerry("restart t-blog --wait running --grace 0")
    said = host.check_output(
        "for n in $(seq 50); do skerry logs t-blog | grep -q written && break; sleep 0.1; done; skerry logs t-blog"
    )
    assert said.splitlines()[-1].endswith("written")


@pytest.fixture
def full_pool(host: Host) -> Iterator[Callable[[], None]]:
    """Fills the pool to the last MiB, until the test ends."""
    program = f"{FILL}\nfill()"
    yield lambda: print(host.check_output(f"python3 -c {shlex.quote(program)}"))
    host.check_output(f"rm -f {FULL}; sync -f {POOL}")


def test_on_a_full_pool_all_can_be_deleted(
    host: Host, skerry: Skerry, blog: dict[str, Any], full_pool: Callable[[], None]
) -> None:
    for name in ("t-other", "t-full"):
        skerry(f"volume create {name} --size 64M")
    made = skerry("create t-next --image hello --disk 64M --volume t-other:/data --no-start")["after"]
    fill(host, upper(blog))  # and what is deleted is at its own limit
    fill(host, f"{POOL}/v/{skerry('volume info t-full')['volume']['id']}-1")
    host.check_output(f"head -c 8M /dev/urandom > {upper(made)}/file")
    for source in ("t-blog", "t-next", "volume/t-full"):
        skerry(f"snapshot create {source} one")
    full_pool()
    assert host.run(f"head -c 8M /dev/urandom > {POOL}/more").rc != 0
    host.run(f"rm -f {POOL}/more")
    skerry("snapshot delete t-next one")
    skerry("delete t-next")
    skerry("snapshot delete t-blog one")
    skerry("delete t-blog")
    for name in ("t-full", "t-other"):
        skerry(f"volume delete {name}")
    assert [one["name"] for one in skerry("list")["containers"] if one["name"].startswith("t-")] == []
    assert [one["name"] for one in skerry("volume list")["volumes"] if one["name"].startswith("t-")] == []
    assert not [one for one in skerry("operations --count 20")["operations"] if one["state"] != "done"]


def test_it_brings_its_image_back_which_cannot_be_deleted_meanwhile(
    host: Host, skerry: Skerry, blog: dict[str, Any], second: str
) -> None:
    skerry("snapshot create t-blog first")
    skerry(f"update t-blog --image {second} --discard-root --rollbacks 0 --wait running")
    said = refused(host, "skerry image delete hello", 5)
    assert "image hello is in use by" in said
    assert "default/default/t-blog (snapshot first)" in said
    assert "hello" not in host.check_output("skerry plan image prune")
    plan = host.check_output("skerry plan snapshot restore t-blog first")
    assert f"image {second} back to hello" in plan
    back = skerry("snapshot restore t-blog first --wait running")["after"]
    assert (back["image"], back["image_digest"]) == ("hello", blog["image_digest"])
    assert [one["image"] for one in skerry("snapshot list t-blog")["snapshots"]] == ["hello", second]


@pytest.fixture
def second(host: Host, hello: str) -> Iterator[str]:
    """Another image."""
    name, path = "t-second", "/var/lib/skerry/incoming/t-second.tar"
    images = json.loads(host.check_output("skerry image list --json"))["images"]
    digest = next(one["digest"] for one in images if one["name"] == hello)
    host.check_output(
        f"mkdir -p /var/lib/skerry/incoming && rm -rf /root/t && cp -a /run/skerry/images/{digest} /root/t && "
        f"echo 2 > /root/t/second && tar -C /root/t -cf {path} . && rm -rf /root/t"
    )
    sha256 = host.check_output(f"sha256sum {path}").split()[0]
    host.check_output(
        f"skerry image import {name} {path} --sha256 {sha256} -- /usr/bin/python3 /srv/hello/app.py"
    )
    yield name
    host.run(f"skerry delete t-blog; skerry image delete {name}; rm -f {path}")


def test_it_goes_with_its_container_and_what_nobody_knows_goes_at_a_start(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    skerry("snapshot create t-blog first")
    (place,) = host.check_output(f"ls {POOL}/s/container").split()
    host.check_output(
        f"btrfs subvolume snapshot {POOL}/s/container/{place} {POOL}/s/container/{'a' * 24} && "
        f"mkdir -p {POOL}/s/volume && btrfs subvolume snapshot {POOL}/s/container/{place} {POOL}/s/volume/{'b' * 24} && "
        "systemctl restart skerry-engine"
    )
    assert host.check_output(f"ls {POOL}/s/container").split() == [place]
    assert host.check_output(f"ls {POOL}/s/volume").split() == ["b" * 24]
    host.check_output(f"btrfs subvolume delete {POOL}/s/volume/{'b' * 24}")
    assert "remove snapshot first" in host.check_output("skerry plan delete t-blog")
    skerry("delete t-blog")
    assert host.check_output(f"ls {POOL}/s/container") == ""
    host.check_output(f"timeout 60 btrfs subvolume sync {POOL}; systemctl restart skerry-engine")
    assert group(blog) not in host.check_output(f"btrfs qgroup show {POOL}")


def test_a_volume_goes_back_when_nobody_uses_it(host: Host, skerry: Skerry) -> None:
    data = skerry("volume create t-data --size 64M")["after"]
    files = f"{POOL}/v/{data['id']}"
    host.check_output(f"echo one > {files}-1/one; chown 1000:1000 {files}-1")
    skerry("snapshot create volume/t-data first")
    host.check_output(f"rm {files}-1/one; head -c 20M /dev/urandom > {files}-1/two; sync -f {files}-1")
    skerry("create t-one --image hello --wait running --volume t-data:/data", SLEEP)
    said = refused(host, "skerry snapshot restore volume/t-data first", 5)
    assert "is in use by default/default/t-one" in said
    skerry("stop t-one --grace 0")
    skerry("snapshot restore volume/t-data first")
    assert host.check_output(f"ls {files}-2") == "one"
    assert host.check_output(f"stat -c %u:%a {files}-2") == "1000:755"
    assert not host.file(f"{files}-1").exists
    assert 20 * MEBI < used(host, data) < 22 * MEBI
    fill(host, f"{files}-2")
    assert used(host, data) <= 64 * MEBI + 256 * 1024
    assert "too little for the files of now" in refused(
        host, "skerry snapshot restore volume/t-data first", 2
    )
    _, before = names(skerry, "volume/t-data")
    skerry("snapshot delete volume/t-data first")
    skerry(f"snapshot restore volume/t-data {before} --no-keep")
    assert host.file(f"{files}-3/two").size == 20 * MEBI
    assert falls(host, data, 22 * MEBI)
    assert used(host, data) > 20 * MEBI
    skerry("start t-one --wait running")
    skerry("delete t-one")
    plan = host.check_output("skerry plan volume delete t-data")
    assert f"remove snapshot {before}" in plan
    skerry("volume delete t-data")
    assert host.check_output(f"ls {POOL}/s/volume") == ""


NESTED = """
import fcntl, os, struct, time
fcntl.ioctl(os.open('/data', os.O_RDONLY), 0x5000940E, bytearray(struct.pack('=q4088s', 0, b'inner')))
open('/data/inner/file', 'w').write('inside'); open('/data/done', 'w').close(); time.sleep(3600)
"""


def test_what_a_snapshot_of_a_volume_cannot_have_is_said(host: Host, skerry: Skerry) -> None:
    data = skerry("volume create t-data --size 64M")["after"]
    skerry("create t-one --image hello --wait running --volume t-data:/data", NESTED)
    host.check_output(
        f"for n in $(seq 100); do test -e {POOL}/v/{data['id']}-1/done && break; sleep 0.1; done"
    )
    (warning,) = skerry("snapshot create volume/t-data first")["warnings"]
    assert (
        "has nothing of the 1 subvolumes which a program has made in volume default/default/t-data" in warning
    )
    skerry("delete t-one")
    said = refused(host, "skerry snapshot restore volume/t-data first", 2)
    assert "has 1 subvolumes that a program has made, which no snapshot keeps" in said
    skerry("snapshot restore volume/t-data first --no-keep")
    assert host.check_output(f"find {POOL}/v/{data['id']}-2 -name file") == ""


def test_names_that_are_wrong_are_refused_in_words(host: Host, skerry: Skerry, blog: dict[str, Any]) -> None:
    skerry("create t-other --image hello --no-start")
    skerry("snapshot create t-other theirs")
    skerry("snapshot create t-blog first")
    for command, code, said in (
        ("restore t-blog theirs", 3, "has no snapshot theirs"),
        ("restore t-blog theirs", 3, "One of that name is of t-other"),
        ("restore t-blog firstt", 3, "Did you mean first?"),
        ("create t-blog first", 4, "has a snapshot first already"),
        ("create t-nobody", 3, "there is no container default/default/t-nobody"),
        ("create volume/t-blog", 3, "There is a container of that name: t-blog"),
        ("create t-blog Bad_", 2, "lower-case letters, digits, dots and dashes"),
        ("create t-blog x --expires soon", 2, "'soon' is not a duration. Give a number with m, h, d or w"),
        ("delete t-blog nope", 3, "has no snapshot nope"),
        ("info t-blog nope", 3, "has no snapshot nope"),
    ):
        assert said in refused(host, f"skerry snapshot {command}", code).replace("\n       ", " "), command


def test_what_has_expired_is_deleted_while_the_engine_runs_and_after_it_did_not(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    skerry("volume create t-data --size 64M")
    for words in ("t-blog one", "t-blog ever", "volume/t-data two", "volume/t-data hour"):
        skerry(f"snapshot create {words}{'' if 'ever' in words else ' --expires 1h'}")
    host.check_output("systemctl stop skerry-engine.socket skerry-engine")
    for name, seconds in (("one", -60), ("two", 4)):
        at(host, "snapshot", "expires", name, f"{seconds} seconds")
    host.check_output("systemctl start skerry-engine.socket skerry-engine")
    deadline = time.monotonic() + 60
    while (found := sorted([*names(skerry), *names(skerry, "volume/t-data")])) != ["ever", "hour"]:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    assert len(host.check_output(f"ls {POOL}/s/container {POOL}/s/volume").split()) == 2 + 2
    steps = [step for one in skerry("operations")["operations"] for step in one["steps"]]
    assert len([step for step in steps if "it expired at 20" in step]) == 2


def test_those_of_an_option_are_taken_when_they_are_due_once_for_all_that_was_missed(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    skerry("update t-blog --snapshot-every 15m --snapshot-keep 1h")
    for expected, table, name in ((1, "container", "t-blog"), (2, "snapshot", "auto-*")):
        host.check_output(f"echo {expected} > {upper(blog)}/new; sync -f {upper(blog)}")
        host.check_output("systemctl stop skerry-engine.socket skerry-engine")
        at(host, table, "created", name, "-50 minutes")
        host.check_output("systemctl start skerry-engine.socket skerry-engine")
        deadline = time.monotonic() + 30
        while len(found := names(skerry)) != expected:
            assert time.monotonic() < deadline, found
            time.sleep(0.5)
    assert all(one.startswith("auto-") for one in found)
    assert skerry(f"snapshot info t-blog {found[-1]}")["snapshot"]["expires"]


def test_two_at_once_are_one_after_the_other(host: Host, skerry: Skerry, blog: dict[str, Any]) -> None:
    command = "for n in 1 2 3 4 5 6; do skerry snapshot create t-blog same >/dev/null 2>&1 & done; wait"
    host.check_output(
        f"{command}; skerry snapshot restore t-blog same --wait running & skerry stop t-blog --grace 0; wait"
    )
    assert names(skerry)[0] == "same"
    assert len(names(skerry)) == 2
    assert skerry("info t-blog")["container"]["state"] in {"running", "stopped"}
    assert [one["state"] for one in skerry("operations")["operations"][:4]].count("open") == 0


def test_its_module_does_what_its_check_mode_says(
    lab: str, tmp_path: Path, skerry: Skerry, blog: dict[str, Any], host: Host
) -> None:
    present = {"container": "t-blog", "name": "first", "expires": "7d"}
    restored = {"container": "t-blog", "name": "first", "state": "restored", "wait": "running"}
    absent = {"container": "t-blog", "name": "first", "state": "absent"}
    calls = [
        *(
            Call(one.options, one.check, "skerry_snapshot")
            for options in (present, absent)
            for one in four_beats(options)
        ),
        Call(present, module="skerry_snapshot"),
        Call(restored, check=True, module="skerry_snapshot"),
        Call(restored, module="skerry_snapshot"),
        Call({"container": "t-blog"}, module="skerry_snapshot_info"),
        Call({"name": "first"}, module="skerry_snapshot"),
        Call({"name": "first", "container": "a", "volume": "b"}, module="skerry_snapshot"),
        Call({"name": "first", "container": "t-nobody"}, module="skerry_snapshot"),
    ]
    (
        planned,
        done,
        again,
        last,
        p_absent,
        d_absent,
        a_absent,
        l_absent,
        _,
        p_restored,
        d_restored,
        info,
        *wrong,
    ) = call(lab, tmp_path, *calls)
    assert [one["changed"] for one in (planned, done, again, last)] == [True, True, False, False]
    assert [one["changed"] for one in (p_absent, d_absent, a_absent, l_absent)] == [True, True, False, False]
    assert (planned["steps"], planned["diff"]) == (done["steps"], done["diff"])
    assert done["steps"] == ["take snapshot first: the files of t-blog as they are now"]
    assert done["snapshot"]["expires"] > done["snapshot"]["created"]
    assert "has no snapshot first" in a_absent["missing"]
    assert len(p_restored["steps"]) == len(d_restored["steps"])
    assert (d_restored["changed"], d_restored["container"]["id"]) == (True, blog["id"])
    assert [one["name"][:6] for one in info["snapshots"]] == ["first", "before"]
    assert [one["failed"] for one in wrong] == [True] * 3
    assert "there is no container default/default/t-nobody" in wrong[2]["msg"]


def test_the_time_that_it_takes_does_not_grow_with_what_it_has(
    host: Host, skerry: Skerry, capsys: pytest.CaptureFixture[str]
) -> None:
    took: dict[str, list[float]] = {}
    for name, size in (("t-empty", "0"), ("t-full", "2G")):
        made = skerry(f"create {name} --image hello --disk 4G --no-start")["after"]
        host.check_output(f"head -c {size} /dev/zero | tr '\\0' x > {upper(made)}/big; sync -f {upper(made)}")
        took[name] = []
        for number in range(3):
            begun = time.monotonic()
            skerry(f"snapshot create {name} n{number}")
            skerry(f"snapshot restore {name} n{number} --no-keep")
            took[name].append(time.monotonic() - begun)
    with capsys.disabled():
        shown = {name: f"{min(times) * 1000:.0f} ms" for name, times in took.items()}
        print(f"\nsnapshot and restore: empty {shown['t-empty']}, 2 GiB {shown['t-full']}")
    assert min(took["t-full"]) <= 2 * min(took["t-empty"])
