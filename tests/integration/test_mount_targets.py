"""What a start mounts upon, whatever the image has there: the name server's file, and the folders of a root."""

import base64
import tarfile
import uuid
from collections.abc import Iterator

import pytest

from tests.integration.image_lab import ImageLab
from tests.unit.resources.images.tarballs import folder, member, packed

PROGRAM = ["/bin/pause", "-P"]
# What stands at /etc/resolv.conf in the image.
RESOLVERS = {
    "a file": [member("./etc/resolv.conf", data=b"search example.org\n")],
    "nothing": [],
    "link into run": [
        member("./etc/resolv.conf", tarfile.SYMTYPE, linkname="../run/systemd/resolve/stub.conf")
    ],
    "absolute link": [member("./etc/resolv.conf", tarfile.SYMTYPE, linkname="/run/resolvconf/resolv.conf")],
    "link to tmp": [member("./etc/resolv.conf", tarfile.SYMTYPE, linkname="/tmp/resolv.conf")],
    "a folder": [folder("./etc/resolv.conf")],
}
# Runs on the host: a file as the container of that id sees it.
_READ = """
import json, os, sys
from pathlib import Path
group = next(Path("/sys/fs/cgroup").rglob(f"lxc.payload.{sys.argv[1]}"))
os.chroot(f"/proc/{(group / 'cgroup.procs').read_text().split()[0]}/root")
print(json.dumps(Path(sys.argv[2]).read_text()))
"""


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture(scope="module")
def pause(images: ImageLab) -> bytes:
    """A static program that waits."""
    return base64.b64decode(images.run("base64 /usr/bin/catatonit"))


@pytest.fixture
def name(images: ImageLab) -> Iterator[str]:
    """Of an image and of a container; both are gone afterwards."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    yield name
    images.ask("ensure", container={"name": name}, state="absent").ok()
    images.ask("image_delete", name=name)


def start(images: ImageLab, name: str, program: bytes, *members: tuple[tarfile.TarInfo, bytes]) -> str:
    """A container of a root of one program and these members; its id."""
    data = packed(
        folder("./bin"), member("./bin/pause", data=program), *members, member("./mark", data=name.encode())
    )
    images.bring(name, data, command=PROGRAM).ok()
    made = images.ask(
        "create", container={"name": name}, spec={"image": name, "memory": "32M"}, wait="running"
    )
    return str(made.ok()["after"]["id"])


@pytest.mark.parametrize("there", RESOLVERS)
def test_the_hosts_resolver_is_there(images: ImageLab, pause: bytes, name: str, there: str) -> None:
    images.run("rm -f /tmp/resolv.conf")
    container = start(images, name, pause, folder("./etc"), *RESOLVERS[there])
    wanted = images.run("cat /etc/skerry/resolv.conf")
    assert "nameserver" in wanted
    assert images.python(_READ, container, "/etc/resolv.conf") == wanted
    images.ask("restart", container={"name": name}, wait="running").ok()
    assert images.python(_READ, container, "/etc/resolv.conf") == wanted
    assert images.run("ls /tmp/resolv.conf 2>/dev/null || true") == "", (
        "a file of the container's on the host"
    )


def test_a_root_without_folders_gets_them(images: ImageLab, pause: bytes, name: str) -> None:
    container = start(images, name, pause)
    assert "nameserver" in images.python(_READ, container, "/etc/resolv.conf")
    assert images.python(_READ, container, "/proc/1/status").startswith("Name:")
