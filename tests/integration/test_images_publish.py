"""Containers as images on a real host: what a container sees is what its image has, and nothing else is."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.conftest import ROOT
from tests.integration import pool
from tests.integration.image_lab import ImageLab
from tests.integration.modules import Call, call, four_beats
from tests.integration.playbooks import play
from tests.integration.pool import Skerry, refused, upper
from tests.integration.test_images_crash import KILL

SLEEP = "import time; time.sleep(3600)"
WORK = "/var/lib/skerry/pool/images/work"
ODD_FILES = ROOT / "tests/integration/on_host/odd_files.py"
# A file of the image's is deleted, a folder of it is another one.
HIDDEN = (
    "cd {0} && mkdir -p srv/hello etc/default && mknod srv/hello/index.html c 0 0 && echo own > etc/default/own && "
    "python3 -c \"import os; os.setxattr('etc/default', 'trusted.overlay.opaque', b'y')\""
)


@pytest.fixture(scope="session")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture
def skerry(host: Host, hello: str, images: ImageLab) -> Iterator[Skerry]:
    """Runs the command; what it answers. Containers, volumes and images that were made with it are deleted at the end."""
    yield from pool.skerry(host)
    for one in images.ask("image_list").ok()["images"]:
        if one["name"].startswith("t-"):
            images.ask("image_delete", name=one["digest"]).ok()


@pytest.fixture
def shop(skerry: Skerry) -> dict[str, Any]:
    """A running container."""
    return dict(skerry("create t-shop --image hello --wait running --env A=b --workdir /srv", SLEEP)["after"])


def traces(images: ImageLab) -> dict[str, list[str]]:
    """All that the making of images may leave, the mount of a container's root among it."""
    mounts = images.run("findmnt --noheadings --list --output TARGET --types overlay").split()
    units = images.run("systemctl list-units --all --plain --no-legend '*work-merged.mount'").split()
    return {**images.traces(), "overlays": mounts, "mount units": units}


def told(images: ImageLab, path: str) -> dict[str, Any]:
    """All about the files in a folder, without what an overlay notes for itself."""
    found: dict[str, Any] = json.loads(images.run(f"python3 /run/odd_files.py tell {path}"))
    return {
        name: [
            {key: one for key, one in value.items() if not key.startswith("trusted.")}
            if isinstance(value, dict)
            else value
            for value in about
        ]
        for name, about in found.items()
    }


def test_it_has_what_the_container_sees(images: ImageLab, skerry: Skerry, shop: dict[str, Any]) -> None:
    images.run("skerry exec t-shop -- /bin/mv /usr/share/doc /usr/share/doc2")  # the overlay may only note it
    skerry("stop t-shop")
    images.run("cat > /run/odd_files.py", ODD_FILES.read_bytes())
    images.run(f"mkdir {upper(shop)}/odd && python3 /run/odd_files.py make {upper(shop)}/odd")
    images.run(HIDDEN.format(upper(shop)))
    image = skerry("image publish t-mine t-shop")["after"]
    mounted = images.mounted(image["digest"])
    assert told(images, f"{mounted}/odd") == told(images, f"{upper(shop)}/odd")
    assert images.run(f"ls {mounted}/usr/share/doc2") != ""
    assert images.run(f"ls {mounted}/etc/default").split() == ["own"]
    assert images.run(f"ls {mounted}/srv/hello").split() == ["app.py"]
    made = skerry("create t-next --image t-mine --wait running", SLEEP)["after"]
    see = "import os; print(os.environ['A'], os.getcwd(), os.stat('/odd/sub/file').st_uid, os.listdir('/srv/hello'))"
    said = images.run(f"skerry exec t-next -- /usr/bin/python3 -c {shlex.quote(see)}")
    assert said.split() == ["b", "/srv", "1000", "['app.py']"]
    assert made["image"] == "t-mine"


def test_the_same_files_are_the_same_image(images: ImageLab, skerry: Skerry, shop: dict[str, Any]) -> None:
    skerry("stop t-shop")
    skerry("snapshot create t-shop monday")
    digest = skerry("image publish t-mine t-shop")["after"]["digest"]
    before = traces(images)
    assert skerry("image publish t-mine t-shop --rebuild")["changed"] is False
    assert "image t-other: the same one is on this host as image 't-mine'" in " ".join(
        images.ask("image_publish", name="t-other", source="t-shop@monday").error["message"].split()
    )
    assert traces(images) == before
    images.run(f"echo new > {upper(shop)}/new")
    moved = skerry("image publish t-mine t-shop --rebuild")
    assert moved["after"]["digest"] != digest
    assert [plan["verb"] for plan in moved["plans"]] == ["image_publish", "image_publish", "image_delete"]


def test_it_has_the_files_of_a_snapshot(images: ImageLab, skerry: Skerry, shop: dict[str, Any]) -> None:
    write = "open('/srv/then', 'w').write('then')"
    images.run(f"skerry exec t-shop -- /usr/bin/python3 -c {shlex.quote(write)}")
    skerry("snapshot create t-shop monday")
    images.run("skerry exec t-shop -- /usr/bin/python3 -c \"import os; os.unlink('/srv/then')\"")
    image = skerry("image publish t-mine t-shop@monday")["after"]
    assert images.run(f"cat {images.mounted(image['digest'])}/srv/then") == "then"
    assert image["reference"] == "container:default/default/t-shop@monday"
    now = skerry("image publish t-now t-shop")["after"]
    assert images.run(f"ls {images.mounted(now['digest'])}/srv").split() == ["hello"]


def test_volumes_and_secrets_stay_behind(images: ImageLab, skerry: Skerry) -> None:
    skerry("volume create t-data --size 64M")
    images.run("printf s3cret | skerry secret set t-word --json")
    write = "open('/data/own', 'w').write('x'); open('/own', 'w').write('x')"
    options = "--volume t-data:/data --secret t-word --wait running"
    skerry(f"create t-shop --image hello {options}", f"{write}; {SLEEP}")
    images.run("for _ in $(seq 50); do skerry exec t-shop -- /usr/bin/test -e /own && break; sleep 0.2; done")
    assert images.run("skerry exec t-shop -- /usr/bin/cat /run/secrets/t-word") == "s3cret"
    mounted = images.mounted(skerry("image publish t-mine t-shop")["after"]["digest"])
    assert images.run(f"ls -A {mounted}/data") == ""
    assert images.run(f"ls {mounted}/own").strip() == f"{mounted}/own"
    assert images.run(f"find {mounted} -name 't-word*'; grep -rlI s3cret {mounted} || true") == ""
    skerry("delete t-shop")
    images.run("skerry secret delete t-word")


def test_a_whole_debian_keeps_its_machine_id(images: ImageLab, skerry: Skerry) -> None:
    made = skerry("create t-shop --image hello --profile system --no-start")["after"]
    place = f"{upper(made)}/etc"
    images.run(
        f"mkdir -p {place}/ssh; echo 0123 > {place}/machine-id; echo key > {place}/ssh/ssh_host_rsa_key"
    )
    answer = skerry("image publish t-mine t-shop")
    mounted = images.mounted(answer["after"]["digest"])
    assert "0123" not in images.run(f"cat {mounted}/etc/machine-id 2>&1 || true")
    assert [text.split(",")[0] for text in answer["warnings"]] == [
        "image t-mine has the ssh host keys of container default/default/t-shop"
    ]
    assert images.run(f"cat {place}/machine-id").strip() == "0123"


def test_what_is_too_large_is_refused_and_leaves_nothing(
    images: ImageLab, host: Host, skerry: Skerry, shop: dict[str, Any]
) -> None:
    before = traces(images)
    images.run(f"truncate -s 9G {upper(shop)}/hole")
    said = refused(host, "skerry image publish t-mine t-shop", 6)
    assert "too little room" in said or "more than 8G, the most that an image may hold" in said
    assert traces(images) == before
    assert skerry("info t-shop")["container"]["state"] == "running"


def test_what_no_image_may_have_is_named_and_leaves_nothing(
    images: ImageLab, host: Host, skerry: Skerry, shop: dict[str, Any]
) -> None:
    skerry("stop t-shop")
    before = traces(images)
    images.run(f"ln -s /tmp {upper(shop)}/dev; ln -s /tmp {upper(shop)}/sys")
    assert "member './dev' is a link to '/tmp'" in refused(host, "skerry image publish t-mine t-shop", 2)
    assert traces(images) == before


@pytest.mark.parametrize("seen", ["kept", "merged", "tar", "digest", "plain", "scratch/erofs"])
def test_killed_in_the_middle_it_leaves_nothing(
    images: ImageLab, skerry: Skerry, shop: dict[str, Any], seen: str
) -> None:
    before = traces(images)
    request = {"verb": "image_publish", "name": "t-mine", "source": "t-shop"}
    said = images.python(KILL, json.dumps(request), f"{WORK}/{seen}")
    assert "the engine ended" in said
    assert traces(images) == before
    assert skerry("info t-shop")["container"]["state"] == "running"
    assert skerry("image publish t-mine t-shop")["changed"]


def test_the_module_has_four_beats(lab: str, tmp_path: Path, shop: dict[str, Any], images: ImageLab) -> None:
    options = {"name": "t-mine", "container": {"source": "t-shop"}, "env": {"C": "d"}}
    plan, done, again, planned = call(
        lab, tmp_path, *(Call(one.options, one.check, "skerry_image") for one in four_beats(options))
    )
    assert [one["changed"] for one in (plan, done, again, planned)] == [True, True, False, False]
    assert plan["steps"][0] == done["steps"][0]
    assert (plan["image"]["digest"], done["image"]["env"]) == (None, ["C"])
    wrong = {"name": "t-mine", "container": {"source": "t-shop"}, "oci": {"source": "oci:/x"}}
    missing = {"name": "t-other", "container": {"source": "t-shap"}}
    both, none = call(lab, tmp_path, Call(wrong, False, "skerry_image"), Call(missing, False, "skerry_image"))
    assert "mutually exclusive" in both["msg"]
    assert "there is no container default/default/t-shap" in none["msg"]


def test_the_playbook_publishes_once(
    lab: str, shop: dict[str, Any], skerry: Skerry, images: ImageLab
) -> None:
    skerry("snapshot create t-shop monday")
    options = ("-e", "image=t-mine", "-e", "container_name=t-shop", "-e", "snapshot=monday")
    assert play(lab, "playbooks/image/publish.yml", *options).ok().changed != []
    assert play(lab, "playbooks/image/publish.yml", *options).ok().changed == []
    assert images.image("t-mine")["reference"] == "container:default/default/t-shop@monday"
