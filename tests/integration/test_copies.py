"""Copies and other names on a real host: the same files, a quota of their own, and who names what is renamed follows."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration import pool
from tests.integration.modules import Call, call, four_beats
from tests.integration.pool import MEBI, POOL, Skerry, fill, group, refused, upper, used

SLEEP = "import time; time.sleep(3600)"
# Appends a number to one file, then to another one, each surely on the disk.
COUNTS = """
import os, time
files = [open(name, 'ab', buffering=0) for name in ('/first', '/second')]
for number in range(1_000_000):
    for file in files: file.write(b'%d\\n' % number); os.fsync(file.fileno())
"""
# All that a folder has, in the order of the names: what can be read, and what cannot be seen at once.
ALL = """
import hashlib, json, os, stat, sys
found = []
for top, folders, files in os.walk(sys.argv[1]):
    folders.sort()
    for name in ['.', *sorted([*files, *folders])]:
        path = os.path.join(top, name)
        about = os.lstat(path)
        whole = hashlib.sha256(open(path, 'rb').read()).hexdigest() if stat.S_ISREG(about.st_mode) else ''
        link = os.readlink(path) if stat.S_ISLNK(about.st_mode) else ''
        names = os.listxattr(path, follow_symlinks=False)
        own = {one: os.getxattr(path, one, follow_symlinks=False).hex() for one in names}
        found.append([os.path.relpath(path, sys.argv[1]), about.st_mode, about.st_uid, about.st_gid, about.st_nlink,
            about.st_size, about.st_rdev, about.st_mtime_ns, own, whole, link])
print(json.dumps(found))
"""
# Attributes: one of a user, the right to bind low ports, and what an overlay says of a folder that hides the image's.
ATTRIBUTES = """
import os
os.setxattr('odd/a', 'user.x', b'y')
os.setxattr('odd/b', 'security.capability', bytes.fromhex('0100000200040000' + '00' * 12))
os.setxattr('odd/deep', 'trusted.overlay.opaque', b'y')
"""
# Files of every sort; the last one is a hole of 8 MiB.
ODD = (
    "cd {0} && mkdir -p odd/deep && echo a > odd/a && ln odd/a odd/b && ln -s /etc/hosts odd/link && mkfifo odd/fifo && "
    "echo s > odd/suid && chown 1000:1001 odd/suid && chmod 4750 odd/suid && mknod odd/white c 0 0 && "
    f"truncate -s 8M odd/hole && python3 -c {shlex.quote(ATTRIBUTES)} && touch -d 2001-02-03 odd/deep && chmod 711 ."
)


@pytest.fixture
def skerry(host: Host, hello: str) -> Iterator[Skerry]:
    """Runs the command; what it answers. Whatever was made with it is deleted at the end."""
    yield from pool.skerry(host)


@pytest.fixture
def blog(skerry: Skerry) -> dict[str, Any]:
    """A running container with 64 MiB of disk."""
    made = skerry("create t-blog --image hello --memory 64M --disk 64M --wait running --env A=b", SLEEP)
    return dict(made["after"])


def everything(host: Host, folder: str) -> list[list[Any]]:
    """All that a folder has."""
    return list(json.loads(host.check_output(f"python3 -c {shlex.quote(ALL)} {folder}")))


def hosts_of(host: Host, name: str) -> set[str]:
    """The names in a container's /etc/hosts, without those that all have."""
    read = "print(open('/etc/hosts').read())"
    text = host.check_output(f"skerry exec {name} -- /usr/bin/python3 -c {shlex.quote(read)}")
    return {line.split()[1] for line in text.splitlines() if line} - {"localhost"}


def test_a_copy_has_the_same_files_and_options_and_both_go_on_by_themselves(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    host.check_output(ODD.format(upper(blog)))
    made = skerry("copy t-blog t-copy --no-start")
    copy = made["after"]
    assert made["plans"][0]["steps"][0].endswith("the files of t-blog as they are now")
    assert everything(host, upper(copy)) == everything(host, upper(blog))
    own = {"id", "name", "url", "urls", "ipv4", "ipv6", "state", "desired", "created", "version"}
    assert {name for name in copy if copy[name] != blog[name]} <= own
    assert {name for name in ("id", "url", "ipv4") if copy[name] != blog[name]} == {"id", "url", "ipv4"}
    assert skerry("info t-copy --show-env")["container"]["env_values"] == {"A": "b"}
    skerry("start t-copy --wait running")
    for one, text in ((blog, "blog"), (copy, "copy")):
        write = f"open('/odd/a', 'w').write('{text}')"
        host.check_output(f"skerry exec {one['name']} -- /usr/bin/python3 -c {shlex.quote(write)}")
    assert [host.check_output(f"cat {upper(one)}/odd/b") for one in (blog, copy)] == ["blog", "copy"]
    owner = "import os; print(*os.stat('/odd/suid')[4:6])"
    assert host.check_output(f"skerry exec t-copy -- /usr/bin/python3 -c {shlex.quote(owner)}") == "1000 1001"
    assert hosts_of(host, "t-copy") == {"t-copy"}


def test_a_copy_of_what_runs_is_of_one_moment(host: Host, skerry: Skerry) -> None:
    skerry("create t-count --image hello --wait running", COUNTS)
    for number in range(5):
        copy = skerry(f"copy t-count t-copy{number} --no-start")["after"]
        ends = f"tail -qn1 {upper(copy)}/first {upper(copy)}/second"
        first, second = map(int, host.check_output(ends).split())
        assert second <= first <= second + 1
        assert first > number
    assert skerry("info t-count")["container"]["state"] == "running"


def test_of_a_snapshot_it_has_the_files_of_then_and_the_options_of_now(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    host.check_output(f"echo then > {upper(blog)}/file")
    skerry("snapshot create t-blog first")
    host.check_output(f"echo now > {upper(blog)}/file")
    skerry("snapshot restore t-blog first --no-keep --wait running")  # its root has another number now
    host.check_output(f"echo now > {upper(blog)}/file")
    skerry("update t-blog --label side=now")
    for source, text in (("t-blog@first", "then"), ("t-blog", "now")):
        copy = skerry(f"copy {source} t-copy --wait running --memory 96M")["after"]
        assert host.check_output(f"cat {upper(copy)}/file") == text
        assert (copy["memory"], copy["labels"], copy["state"]) == ("96M", {"side": "now"}, "running")
        skerry("restart t-copy --wait running --grace 0")
        skerry("snapshot create t-copy own")
        skerry("snapshot restore t-copy own --wait running --no-keep")
        assert host.check_output(f"cat {upper(copy)}/file") == text
        skerry("delete t-copy")


def test_it_has_a_quota_of_its_own_and_outlives_what_it_is_copied_of(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    host.check_output(f"head -c 40M /dev/urandom > {upper(blog)}/big; sync -f {upper(blog)}")
    before, digest = used(host, blog), host.check_output(f"sha256sum < {upper(blog)}/big")
    said = refused(host, "skerry copy t-blog t-copy --disk 32M", 2)
    assert "disk: 32M is too little for its files, which take 40M" in said
    assert "41M" in said
    copy = skerry("copy t-blog t-copy --wait running")["after"]
    assert (used(host, copy) < MEBI, used(host, blog) - before < MEBI) == (True, True)
    fill(host, upper(copy))
    assert 63 * MEBI < used(host, copy) <= 64 * MEBI + 256 * 1024
    host.check_output(f"rm {upper(copy)}/fat")
    skerry("delete t-blog")
    host.check_output(f"timeout 60 btrfs subvolume sync {POOL}; systemctl restart skerry-engine")
    assert host.check_output(f"sha256sum < {upper(copy)}/big") == digest
    skerry("restart t-copy --wait running --grace 0")
    again = skerry("copy t-copy t-blog --wait running")["after"]
    assert again["id"] != blog["id"]
    assert host.check_output(f"sha256sum < {upper(again)}/big") == digest
    for name in ("t-copy", "t-blog"):
        skerry(f"delete {name}")
    host.check_output(
        f"timeout 60 btrfs subvolume sync {POOL}; sync -f {POOL}; systemctl restart skerry-engine"
    )
    left = host.check_output(f"btrfs qgroup show {POOL}")
    assert not [one["name"] for one in (blog, copy, again) if group(one) in left], left


def test_what_only_one_can_have_is_said(host: Host, skerry: Skerry) -> None:
    skerry("volume create t-data --size 64M")
    uses = "--volume t-data:/data --publish 25432 --publish 25433:53/udp"
    skerry(f"create t-blog --image hello --wait running {uses}", SLEEP)
    said = refused(host, "skerry copy t-blog t-copy", 2).replace("\n       ", " ")
    assert "volumes: container t-blog writes to t-data, and its copy would write to the same files" in said
    assert "skerry volume copy t-data NEW, then --volume NEW:/data" in said
    skerry("volume copy t-data t-data2")
    planned = host.run("skerry plan copy t-blog t-copy --volume t-data2:/data")
    assert "publish: 25432, 25433:53/udp of the host leads to t-blog as before" in planned.stderr
    made = skerry("copy t-blog t-copy --volume t-data2:/data --wait running")
    assert (made["after"]["publish"], len(made["warnings"])) == ([], 1)
    assert [one["volume"] for one in made["after"]["volumes"]] == ["t-data2"]
    said = refused(host, "skerry copy t-blog t-more --volume t-data:/data --publish 25432", 4)
    assert "publish: port 25432/tcp of the host is taken" in said
    more = skerry("copy t-blog t-more --volume t-data:/data:ro --publish 25434:5432 --wait running")
    assert (more["after"]["publish"], more["warnings"]) == (["25434:5432"], [])
    same = skerry("copy t-more t-ro --wait running --publish 25435")["after"]
    assert same["volumes"] == more["after"]["volumes"]
    assert skerry("copy t-blog t-none --volume '' --wait running")["after"]["volumes"] == []


def test_a_whole_debian_gets_a_machine_id_of_its_own(host: Host, skerry: Skerry) -> None:
    made = skerry("create t-sys --image hello --profile system --no-start")["after"]
    etc = f"{upper(made)}/etc"
    host.check_output(f"mkdir -p {etc} && echo {'a' * 32} > {etc}/machine-id && echo x > {etc}/other")
    copy = skerry("copy t-sys t-copy --no-start")["after"]
    assert host.check_output(f"ls {upper(copy)}/etc") == "other"
    skerry("delete t-copy")
    host.check_output(
        f"rm -r {etc}; mkdir /tmp/t-etc; echo mine > /tmp/t-etc/machine-id; ln -s /tmp/t-etc {etc}"
    )
    skerry("copy t-sys t-copy --no-start")
    assert host.check_output("cat /tmp/t-etc/machine-id; rm -r /tmp/t-etc") == "mine"


NESTED = """
import fcntl, os, struct, time
fcntl.ioctl(os.open('/data', os.O_RDONLY), 0x5000940E, bytearray(struct.pack('=q4088s', 0, b'inner')))
open('/data/inner/file', 'w').write('inside'); open('/data/done', 'w').close(); time.sleep(3600)
"""


def test_a_volume_is_copied_while_a_container_has_it(host: Host, skerry: Skerry) -> None:
    data = skerry("volume create t-data --size 64M --snapshot-every 1d")["after"]
    files = f"{POOL}/v/{data['id']}-1"
    host.check_output(ODD.format(files))
    host.check_output(f"chown 1000:1000 {files}; head -c 20M /dev/urandom > {files}/big; sync -f {files}")
    skerry("snapshot create volume/t-data first")
    copy = skerry("volume copy t-data t-copy")["after"]
    place = f"{POOL}/v/{copy['id']}-1"
    assert everything(host, place) == everything(host, files)
    assert (copy["size"], copy["snapshot_every"]) == ("64M", "1d")
    assert used(host, copy) < MEBI
    fill(host, place)
    assert used(host, copy) <= 64 * MEBI + 256 * 1024
    host.check_output(f"rm {files}/big; chown 0:0 {files}")
    small = "size: 16M is too little for volume default/default/t-then, whose files take"
    assert small in refused(host, "skerry volume copy t-data@first t-then --size 16M", 2)
    then = skerry("volume copy t-data@first t-then --size 48M")["after"]
    assert (then["size"], host.file(f"{POOL}/v/{then['id']}-1/big").size) == ("48M", 20 * MEBI)
    skerry("create t-one --image hello --wait running --volume t-data:/data", NESTED)
    host.check_output(f"for n in $(seq 100); do test -e {files}/done && break; sleep 0.1; done")
    made = skerry("volume copy t-data t-nested")
    assert made["warnings"] == [
        "t-nested has nothing of the 1 subvolumes which a program has made in what it is copied of"
    ]
    skerry("delete t-one")
    skerry("volume delete t-data")
    assert host.file(f"{POOL}/v/{then['id']}-1/big").size == 20 * MEBI
    skerry("create t-two --image hello --wait running --volume t-then:/data", SLEEP)


def test_another_name_leaves_all_else_and_others_know_it_at_once(
    host: Host, skerry: Skerry, blog: dict[str, Any]
) -> None:
    skerry("create t-web --image hello --wait running --reach t-blog:5432 --after t-blog", SLEEP)
    skerry("snapshot create t-blog first")
    skerry("alias set t-shop --container t-blog --wait running")
    firewall = host.check_output("nft list set inet skerry reaches4")
    pid = host.check_output(f"systemctl show -P MainPID skerry-{blog['id']}.service")
    planned = skerry("plan rename t-blog t-diary")
    done = skerry("rename t-blog t-diary")
    assert planned["plans"] == done["plans"]
    assert done["plans"][0]["stored"] == [
        "name t-blog to t-diary",
        "default/default/t-web: after t-blog to t-diary",
        "default/default/t-web: reaches t-blog:5432 to t-diary:5432",
    ]
    now = skerry("info t-diary")["container"]
    assert [now[name] for name in ("id", "url", "ipv4")] == [blog[name] for name in ("id", "url", "ipv4")]
    assert pid == host.check_output(f"systemctl show -P MainPID skerry-{blog['id']}.service")
    assert firewall == host.check_output("nft list set inet skerry reaches4")
    assert hosts_of(host, "t-web") == {"t-web", "t-diary"}
    assert hosts_of(host, "t-diary") == {"t-diary"}
    assert [one["name"] for one in skerry("snapshot list t-diary")["snapshots"]] == ["first"]
    assert [one["container"] for one in skerry("alias list")["aliases"]] == ["t-diary"]
    assert (now["restart_pending"], skerry("info t-web")["container"]["restart_pending"]) == (True, False)
    skerry("restart t-diary --wait running --grace 0")
    name = "import os; print(os.environ['SKERRY_NAME'], os.uname().nodename)"
    assert (
        host.check_output(f"skerry exec t-diary -- /usr/bin/python3 -c {shlex.quote(name)}")
        == "t-diary t-diary"
    )
    assert "there is no container default/default/t-blog" in refused(host, "skerry rename t-blog t-diary", 3)
    assert "exists already" in refused(host, "skerry rename t-diary t-web", 4)
    said = refused(host, "skerry rename t-diary localhost", 2)
    assert "'localhost' means the container itself in every /etc/hosts" in said
    assert skerry("create t-blog --image hello --no-start")["after"]["id"] != blog["id"]
    skerry("alias delete t-shop")


def test_a_volume_is_renamed_under_a_container_that_runs(host: Host, skerry: Skerry) -> None:
    data = skerry("volume create t-data --size 64M")["after"]
    write = "open('/data/file', 'w').write('kept'); import time; time.sleep(3600)"
    skerry("create t-one --image hello --wait running --volume t-data:/data", write)
    done = skerry("volume rename t-data t-pages")
    assert done["plans"][0]["stored"] == [
        "name t-data to t-pages",
        "default/default/t-one: volume t-data to t-pages",
    ]
    one = skerry("info t-one")["container"]
    assert (one["restart_pending"], [use["volume"] for use in one["volumes"]]) == (False, ["t-pages"])
    assert skerry("volume info t-pages")["volume"]["containers"] == ["default/default/t-one"]
    skerry("restart t-one --wait running --grace 0")
    read = "print(open('/data/file').read())"
    assert host.check_output(f"skerry exec t-one -- /usr/bin/python3 -c {shlex.quote(read)}") == "kept"
    assert skerry("volume info t-pages")["volume"]["id"] == data["id"]
    assert "there is no volume default/default/t-data" in refused(host, "skerry volume rename t-data t-x", 3)


def test_what_cannot_be_copied_is_said_in_words(host: Host, skerry: Skerry, blog: dict[str, Any]) -> None:
    skerry("volume create t-data --size 64M")
    for command, code, said in (
        ("copy t-blgo t-copy", 3, "Did you mean t-blog?"),
        ("copy t-data t-copy", 3, "There is a volume of that name: volume/t-data"),
        ("copy t-blog@nope t-copy", 3, "container default/default/t-blog has no snapshot nope"),
        ("copy t-blog/first t-copy", 2, "NAME@SNAPSHOT for the files of a snapshot"),
        ("copy other/t-blog t-copy", 2, "Give a NAME of the same project"),
        ("copy t-blog t-blog", 4, "container default/default/t-blog exists already"),
        ("copy t-blog t-copy --image nope", 2, "image: the files of t-blog stand on image hello"),
        ("copy t-blog t-copy --memory 1", 2, "memory"),
        ("volume copy t-blog t-copy", 3, "There is a container of that name: t-blog"),
        ("volume copy t-data t-data", 4, "volume default/default/t-data exists already"),
        ("volume copy t-data@x t-copy", 3, "volume default/default/t-data has no snapshot x"),
        ("volume copy t-data t-copy --size 900T", 2, "is more than this host has"),
    ):
        assert said in refused(host, f"skerry {command}", code).replace("\n       ", " "), command
    assert [one["name"] for one in skerry("list")["containers"] if one["name"].startswith("t-")] == ["t-blog"]


def test_the_modules_do_what_their_check_mode_says_and_only_once(
    lab: str, tmp_path: Path, skerry: Skerry, blog: dict[str, Any], host: Host
) -> None:
    host.check_output(f"echo one > {upper(blog)}/one")
    skerry("volume create t-data --size 64M")
    container, volume = "skerry_container", "skerry_volume"
    every = [
        ({"name": "t-copy", "copy_of": "t-blog", "memory": "96M", "wait": "running"}, container),
        ({"name": "t-new", "renamed_from": "t-copy", "pids": 99, "wait": "running"}, container),
        ({"name": "t-data2", "copy_of": "t-data", "size": "96M"}, volume),
        ({"name": "t-data3", "renamed_from": "t-data2", "size": "128M"}, volume),
    ]
    calls = [Call(one.options, one.check, module) for options, module in every for one in four_beats(options)]
    wrong = [
        Call({"name": "t-x", "copy_of": "t-nobody"}),
        Call({"name": "t-x", "renamed_from": "t-nobody", "create": False}),
        Call({"name": "t-x", "renamed_from": "t-blog", "state": "absent"}),
    ]
    answers = call(lab, tmp_path, *calls, *wrong)
    for number in range(len(every)):
        planned, done, again, last = answers[4 * number : 4 * number + 4]
        assert [one["changed"] for one in (planned, done, again, last)] == [True, True, False, False], number
        assert (planned["steps"], planned["stored"]) == (done["steps"], done["stored"])
        assert planned["diff"]["prepared"] == done["diff"]["prepared"]
    copied, renamed = answers[1]["container"], answers[5]["container"]
    assert (copied["id"], copied["url"]) == (renamed["id"], renamed["url"])
    assert answers[5]["diff"]["before"]["name"] == "t-copy"
    assert (renamed["memory"], renamed["pids"], renamed["image"]) == ("96M", 99, "hello")
    assert answers[5]["restart_required"] == ["name"]
    assert host.check_output(f"cat {upper(copied)}/one") == "one"
    assert answers[9]["volume"]["id"] == answers[13]["volume"]["id"]
    assert [one["failed"] for one in answers[16:18]] == [True, True]
    assert "there is no container default/default/t-nobody" in answers[16]["msg"]
    assert answers[18]["changed"] is False
    assert skerry("info t-blog")["container"]["id"] == blog["id"]


def test_many_at_once_are_whole_or_refused(host: Host, skerry: Skerry, blog: dict[str, Any]) -> None:
    skerry("create t-web --image hello --wait running --reach t-blog:5432", SLEEP)
    host.check_output(
        "for n in 1 2 3; do skerry copy t-blog t-copy --wait running & skerry copy t-blog t-copy$n --no-start & "
        "skerry rename t-blog t-b$n & skerry update t-web --memory 9${n}M & done >/dev/null 2>&1; wait"
    )
    there = {one["name"]: one for one in skerry("list")["containers"] if one["name"].startswith("t-")}
    (renamed,) = [name for name, one in there.items() if one["id"] == blog["id"]]
    assert there["t-web"]["reaches"] == [f"{renamed}:5432"]
    assert hosts_of(host, "t-web") == {"t-web", renamed}
    assert not [one for one in skerry("operations --count 40")["operations"] if one["state"] == "open"]


def test_the_time_that_a_copy_takes_does_not_grow_with_what_it_has(
    host: Host, skerry: Skerry, capsys: pytest.CaptureFixture[str]
) -> None:
    took: dict[str, float] = {}
    for name, size in (("t-empty", "0"), ("t-full", "2G")):
        made = skerry(f"create {name} --image hello --disk 4G --no-start")["after"]
        host.check_output(f"head -c {size} /dev/zero | tr '\\0' x > {upper(made)}/big; sync -f {upper(made)}")
        times = []
        for number in range(3):
            begun = time.monotonic()
            skerry(f"copy {name} {name}{number} --no-start")
            times.append(time.monotonic() - begun)
        took[name] = min(times)
    with capsys.disabled():
        shown = {name: f"{seconds * 1000:.0f} ms" for name, seconds in took.items()}
        print(f"\ncopy: empty {shown['t-empty']}, 2 GiB {shown['t-full']}")
    assert took["t-full"] <= 2 * took["t-empty"]
