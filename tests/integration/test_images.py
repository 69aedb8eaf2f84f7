"""Images on a real host: made of tarballs, mounted for everybody, refused, renamed, deleted."""

import base64
import bz2
import concurrent.futures
import gzip
import hashlib
import lzma
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.integration.image_lab import INCOMING, ImageLab
from tests.unit.resources.images.tarballs import folder, member, packed, with_root


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture
def name(images: ImageLab) -> Iterator[str]:
    """A name of the test's own; whatever bears it afterwards is deleted."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    yield name
    images.run(f"rm -rf {INCOMING}/{name}*")
    for image in images.ask("image_list").ok()["images"]:
        if image["name"].split("@")[0] == name:
            for container in image["containers"]:
                realm, project, own = container.split("/")
                images.ask("delete", container={"realm": realm, "project": project, "name": own}).ok()
            images.ask("image_delete", name=image["digest"]).ok()


def root(text: str, *members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A root file system that nobody else has."""
    return with_root(member("./etc/mark", data=text.encode()), *members)


def test_an_image_is_there_for_everybody(images: ImageLab, name: str) -> None:
    data = root(name, folder("./dev"), member("./dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3))
    request = images.put(f"{name}.tar", data)
    planned = images.plan("image_import", name=name, **request)
    answer = images.ask("image_import", name=name, command=["/usr/bin/true"], env={"A": "b"}, **request)
    digest = hashlib.sha256(data).hexdigest()
    assert answer.ok()["changed"]
    assert answer.result["plans"][0]["steps"] == planned["plans"][0]["steps"]
    image = images.image(name)
    assert (image["digest"], image["command"], image["env"]) == (digest, ["/usr/bin/true"], ["A"])
    seen = images.run(
        f"systemd-run --quiet --pipe --property=PrivateTmp=yes cat {images.mounted(digest)}/etc/mark"
    )
    assert seen == name
    options = images.run(
        f"findmnt --noheadings --output FSTYPE,SOURCE,OPTIONS {images.mounted(digest)}"
    ).split()
    assert options[:2] == ["erofs", f"/var/lib/skerry/pool/images/{digest}.erofs"]
    assert {"ro", "nosuid", "nodev"} <= set(options[2].split(","))
    assert images.run(f"stat --format %a:%u:%g {options[1]}").strip() == "400:0:0"


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstd], ids=lambda f: f.__module__ + f.__name__
)
def test_every_packer(images: ImageLab, name: str, pack: Callable[[bytes], bytes]) -> None:
    data = pack(root(name))
    images.bring(name, data).ok()
    assert images.run(f"cat {images.mounted(hashlib.sha256(data).hexdigest())}/etc/mark") == name


def test_the_same_again_changes_nothing(images: ImageLab, name: str) -> None:
    images.bring(name, root(name)).ok()
    before = images.traces()
    again = images.bring(name, root(name)).ok()
    assert (again["changed"], again["plans"]) == (False, [])
    assert images.traces() == before


def test_a_new_command_needs_no_new_image(images: ImageLab, name: str) -> None:
    images.bring(name, root(name), command=["/a"], env={"A": "1"}).ok()
    before = images.traces()
    changed = images.bring(name, root(name), command=["/b"]).ok()
    assert changed["plans"][0]["steps"] == []
    assert [text.split()[0] for text in changed["plans"][0]["stored"]] == ["command"]
    assert (images.image(name)["command"], images.image(name)["env_values"]) == (["/b"], {"A": "1"})
    assert images.traces() == before


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (member("../evil"), "'../evil' has '..' in its name"),
        (member("/evil"), "'/evil' begins with a slash"),
        (member("evil", tarfile.LNKTYPE, linkname="/etc/shadow"), "'/etc/shadow' begins with a slash"),
        (member("evil", tarfile.BLKTYPE, devmajor=8), "'evil' is a block device"),
        (
            member("evil", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/"}),
            "trusted.overlay.redirect",
        ),
        (member("evil", pax_headers={"size": "-1"}), ""),
        (member("./proc", tarfile.SYMTYPE, linkname="/tmp"), "'./proc' is a link to '/tmp'"),
        (member("evil", pax_headers={"mtime": "nan"}), "'evil' has the mtime 'nan'"),
    ],
    ids=[
        "climbs",
        "absolute",
        "hard link",
        "device",
        "attribute",
        "negative size",
        "mounted upon",
        "no time",
    ],
)
def test_a_hostile_tarball_leaves_nothing(
    images: ImageLab, name: str, bad: tuple[tarfile.TarInfo, bytes], message: str
) -> None:
    before = images.traces()
    refused = images.bring(name, zstd(root(name, bad))).error
    assert refused["code"] == "invalid"
    assert message in refused["message"]
    assert images.traces() == before


def test_a_root_of_one_program_starts(images: ImageLab, name: str) -> None:
    """What a start mounts upon is made, where the tarball lacks it; and a file twice in it is no matter."""
    program = base64.b64decode(images.run("base64 /usr/bin/catatonit"))
    pause = member("bin/pause", data=program)
    again = member("./bin/pause", tarfile.LNKTYPE, linkname="bin/pause")
    images.bring(
        name, packed(pause, again, member("mark", data=name.encode())), command=["/bin/pause", "-P"]
    ).ok()
    images.ask("create", container={"name": name}, spec={"image": name}, wait="running").ok()
    assert images.ask("info", container={"name": name}).ok()["container"]["state"] == "running"


def test_another_digest_is_named_and_leaves_nothing(images: ImageLab, name: str) -> None:
    before, request = images.traces(), images.put(f"{name}.tar", root(name))
    refused = images.ask("image_import", name=name, path=request["path"], sha256="0" * 64).error
    assert f"has the digest {request['sha256']}, not {'0' * 64}" in refused["message"]
    assert images.traces() == before


@pytest.mark.parametrize(
    ("make", "message"),
    [("true", "cannot be read: No such file"), ("mkdir {}", "is not a file"), ("mkfifo {}", "is not a file")],
)
def test_what_is_no_tarball_at_all(images: ImageLab, name: str, make: str, message: str) -> None:
    path = f"{INCOMING}/{name}"
    images.run(f"mkdir -p {INCOMING}; {make.format(path)}")
    assert message in images.ask("image_import", name=name, path=path, sha256="0" * 64).error["message"]


def test_damaged_packing(images: ImageLab, name: str) -> None:
    before = images.traces()
    refused = images.bring(name, zstd(root(name))[:-20]).error
    assert "cannot be decompressed by zstd" in refused["message"]
    assert images.traces() == before


def test_a_bomb_is_stopped_at_the_limit(images: ImageLab, name: str) -> None:
    """12 GiB of zeros in a few kilobytes: no more is ever written than an image may have."""
    before = images.traces()
    path = f"{INCOMING}/{name}"
    gibibyte = "head -c 1G /dev/zero | zstd -q -1 >gibibyte"  # frames one after another are one stream
    images.run(
        f"mkdir -p {INCOMING}; cd {INCOMING}; {gibibyte}; for n in $(seq 12); do cat gibibyte; done >{path}; rm gibibyte"
    )
    digest = images.run(f"sha256sum {path}").split()[0]
    refused = images.ask("image_import", name=name, path=path, sha256=digest).error
    assert "unpacks to more than" in refused["message"] or "too little room" in refused["message"]
    assert images.traces() == before


def test_two_at_once_one_does_it(images: ImageLab, name: str) -> None:
    images.put(f"{name}.tar", root(name))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _n: images.bring(name, root(name)).ok(), range(2)))
    assert sorted(answer["changed"] for answer in answers) == [False, True]
    assert images.image(name)["digest"] == hashlib.sha256(root(name)).hexdigest()


def test_one_tarball_has_one_name(images: ImageLab, name: str) -> None:
    images.bring(name, root(name)).ok()
    refused = images.bring(f"{name}-b", root(name)).error
    assert (refused["code"], f"as image '{name}'" in refused["message"]) == ("exists", True)


def test_a_name_moves_and_the_image_in_use_stays(images: ImageLab, name: str) -> None:
    old, new = root("old" + name), root("new" + name)
    digest = hashlib.sha256(old).hexdigest()
    images.bring(name, old, command=["/usr/bin/true"]).ok()
    container = {"name": name}
    images.ask("create", container=container, spec={"image": name}, start=False).ok()
    refused = images.ask("image_delete", name=name).error
    assert (refused["code"], f"default/default/{name}" in refused["message"]) == ("busy", True)
    images.bring(name, new, command=["/usr/bin/true"]).ok()
    retired = images.image(f"{name}@{digest[:12]}")
    assert (retired["digest"], retired["containers"]) == (digest, [f"default/default/{name}"])
    assert images.run(f"cat {images.mounted(digest)}/etc/mark") == "old" + name
    assert images.ask("info", container=container).ok()["container"]["image_digest"] == digest
    images.bring(name, old).ok()
    assert images.image(name)["digest"] == digest
    images.ask("delete", container=container).ok()
    assert images.ask("image_delete", name=name).ok()["changed"]
    assert digest not in str(images.traces())


def test_an_unused_image_goes_with_its_name(images: ImageLab, name: str) -> None:
    images.bring(name, root("old" + name)).ok()
    images.bring(name, root("new" + name)).ok()
    assert hashlib.sha256(root("old" + name)).hexdigest() not in str(images.traces())


@pytest.mark.parametrize("plan", ["", "plan "])
def test_deleting_what_is_not_there_is_told(images: ImageLab, name: str, plan: str) -> None:
    images.bring(name, root(name)).ok()
    said = images.run(f"skerry {plan}image delete {name}x 2>&1; echo exit code $?").splitlines()
    assert said[0] == f"error: there is no image {name}x."
    assert f"The nearest name is '{name}'. Images here: " in said[1]
    assert said[2] == "exit code 3"


def test_progress_is_told(images: ImageLab, name: str) -> None:
    answer = images.bring(name, zstd(root(name, member("./big", data=bytes(range(256)) * 200_000))))
    answer.ok()
    assert answer.events[0]["event"] == "plan"
    assert {event["stage"] for event in answer.events if event["event"] == "progress"} <= {
        "verify", "decompress", "check", "sort", "mkfs.erofs",
    }  # fmt: skip
    assert any(event["event"] == "progress" for event in answer.events)
    assert answer.events[-1]["event"] == "step"
