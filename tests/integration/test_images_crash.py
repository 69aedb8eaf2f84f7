"""Images when the engine is killed in the middle, the disk fills up, or somebody unmounts them."""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator

import pytest

from tests.integration.image_lab import INCOMING, ImageLab
from tests.integration.pool import FILL, FULL
from tests.integration.test_images import root, zstd
from tests.unit.resources.images.tarballs import member

# Kills the engine as soon as a file of the workshop is there, in the middle of an import.
KILL = """
import json, os, signal, subprocess, sys, threading, time
from skerry.client import EngineClient, EngineError
request, path = json.loads(sys.argv[1]), sys.argv[2]
show = ["systemctl", "show", "--property=MainPID", "--value", "skerry-engine.service"]
subprocess.run(["systemctl", "reset-failed", "skerry-engine.service"], check=True)  # no limit on restarts here
pid = int(subprocess.run(show, capture_output=True, text=True).stdout)
def watch():
    while not os.path.exists(path):
        time.sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
try:
    EngineClient().call(**request)
    print(json.dumps("it was done before"))
except EngineError as error:
    print(json.dumps(error.message))
deadline = time.monotonic() + 60
while True:
    try:
        EngineClient().call("status")
        break
    except EngineError:
        assert time.monotonic() < deadline
        time.sleep(0.05)
"""
RESTART = "systemctl reset-failed skerry-engine.service; systemctl restart skerry-engine.service"
# Fills it as soon as mkfs.erofs is at work, and asks how that ended.
_FILL_MEANWHILE = f"""{FILL}
import json, sys
from skerry.client import EngineClient, EngineError
def event(message):
    if message.get("stage") == "mkfs.erofs" and not os.path.exists("{FULL}"):
        fill()
try:
    EngineClient().call(on_event=event, **json.loads(sys.argv[1]))
    print(json.dumps("it was done before"))
except EngineError as error:
    print(json.dumps(error.message))
"""


@pytest.fixture(scope="session")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture
def name(images: ImageLab) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    yield name
    images.run(f"rm -f {INCOMING}/{name}*")
    images.ask("image_delete", name=name)


def large(name: str, mebibytes: int) -> bytes:
    """A root with as many MiB that do not compress, so that every stage takes its time."""
    return root(name, member("./big", data=os.urandom(mebibytes << 20)))


@pytest.mark.parametrize(
    "seen",
    ["work/packed", "work/tar", "work/scratch/erofs", "{digest}.erofs"],
    ids=["verify", "unpack", "mkfs", "mount"],
)
def test_killed_in_the_middle_it_leaves_nothing(images: ImageLab, name: str, seen: str) -> None:
    before = images.traces()
    for _ in range(5):  # on a busy machine the kill may come when all is done
        data = zstd(large(name, 16))
        digest = hashlib.sha256(data).hexdigest()
        path = f"/var/lib/skerry/pool/images/{seen.format(digest=digest)}"
        request = {"verb": "image_import", "name": name, **images.put(f"{name}.tar", data)}
        said = images.python(KILL, json.dumps(request), path)
        if said != "it was done before":
            break
        images.ask("image_delete", name=name).ok()
    assert "the engine ended" in said
    assert images.traces() == before
    images.bring(name, data).ok()
    assert images.run(f"cat {images.mounted(digest)}/etc/mark") == name


@pytest.fixture
def emptied(images: ImageLab) -> Iterator[None]:
    """Takes away what filled the pool; btrfs gives the space back at its next commit."""
    yield
    images.run(f"rm -f {FULL}; sync")


@pytest.mark.usefixtures("emptied")
def test_a_disk_that_fills_up_in_the_middle_is_told_and_leaves_nothing(images: ImageLab, name: str) -> None:
    before = images.traces()
    data = large(name, 96)
    request = {"verb": "image_import", "name": name, **images.put(f"{name}.tar", data)}
    assert "too little room to make this image" in images.python(_FILL_MEANWHILE, json.dumps(request))
    images.run(f"rm {FULL}; sync")
    assert images.traces() == before
    images.bring(name, root(name)).ok()


@pytest.mark.usefixtures("emptied")
def test_a_disk_that_is_full_before_is_told_at_once(images: ImageLab, name: str) -> None:
    before = images.traces()
    images.python(f"{FILL}\nfill(); print(0)")
    said = images.bring(name, root(name)).error
    assert (said["code"], "too little room" in said["message"]) == ("host", True)
    images.run(f"rm {FULL}; sync")
    assert images.traces() == before


def test_an_engine_that_starts_mounts_what_is_not_mounted(images: ImageLab, name: str) -> None:
    data = root(name)
    images.bring(name, data).ok()
    place = images.mounted(hashlib.sha256(data).hexdigest())
    before = images.traces()
    images.run(f"umount {place} && {{ {RESTART}; }}")
    assert images.traces() == before
    assert images.run(f"cat {place}/etc/mark") == name
    images.run(RESTART)
    assert images.traces() == before


def test_an_engine_that_starts_takes_away_what_has_no_row(images: ImageLab) -> None:
    before = images.traces()
    stray = f"/var/lib/skerry/pool/images/{'e' * 64}.erofs"
    images.run(f"touch {stray}; mkdir /run/skerry/images/{'e' * 64}; {RESTART}")
    assert images.traces() == before


def test_one_lost_file_does_not_keep_the_engine_down(images: ImageLab, name: str) -> None:
    data = root(name)
    digest = hashlib.sha256(data).hexdigest()
    images.bring(name, data).ok()
    images.run(f"umount {images.mounted(digest)}; rm /var/lib/skerry/pool/images/{digest}.erofs")
    images.run(RESTART)
    assert images.image(name)["digest"] == digest
    assert "is missing" in images.run("journalctl --unit=skerry-engine --lines=5 --output=cat")
    assert images.ask("image_delete", name=name).ok()["changed"]
