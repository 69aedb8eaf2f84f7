"""Profile ``build``: an image is built of a Dockerfile in a container that is thrown away, and what that may not do.

The tests go on with one container, in this order.
"""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.parts.program import BUILD
from tests.integration.image_lab import INCOMING, ImageLab
from tests.integration.playbooks import play

NAME, IMAGE, BUILT = "builder", "t-builder", "t-built"
FOLDER = Path(__file__).parents[2] / "images" / "builder"
SPEC = {"image": IMAGE, "profile": "build", "ttl": "1h", "memory": "1G", "disk": "4G", "pids": 512}
_DOCKERFILE = """
FROM scratch
ADD base.tar /
RUN echo "$(id -u) $(cat /proc/self/comm)" >/made
CMD ["/bin/sleep", "1000"]
"""


@pytest.fixture(scope="module")
def host(lab: str) -> Iterator[ImageLab]:
    """The host, with a container of profile build in which buildah is."""
    found = ImageLab(lab)
    play(lab, "playbooks/image/import.yml", "-e", f"image={IMAGE}", "-e", f"folder={FOLDER}").ok()
    for name in (NAME, BUILT):
        found.ask("ensure", container={"name": name}, state="absent").ok()
    found.ask("create", container={"name": NAME}, spec=SPEC, wait="ready").ok()
    yield found
    for name in (NAME, BUILT):
        found.ask("ensure", container={"name": name}, state="absent").ok()
    for name in (BUILT, IMAGE):
        found.ask("image_delete", name=name)
    found.run(f"rm -f {INCOMING}/built.tar")


def inside(host: ImageLab, script: str, name: str = NAME) -> str:
    """What a shell inside says."""
    return host.run(shlex.join(["skerry", "exec", name, "--", "sh", "-euc", script])).strip()


def test_a_dockerfile_becomes_an_image_that_runs_as_an_app(host: ImageLab) -> None:
    inside(host, "mkdir -p /srv/root/bin /srv/root/proc; cp /bin/busybox /srv/root/bin")
    inside(
        host,
        "for name in sh id cat sleep; do ln -s busybox /srv/root/bin/$name; done; tar -C /srv/root -cf /srv/base.tar .",
    )
    host.run(f"skerry put {NAME} /srv/Dockerfile", _DOCKERFILE.encode())
    inside(host, "buildah --storage-driver=vfs build --isolation=oci --network=host -t built /srv")
    inside(host, "buildah --storage-driver=vfs push built oci-archive:/srv/built.tar")
    host.run(f"mkdir -p {INCOMING}; skerry get {NAME} /srv/built.tar >{INCOMING}/built.tar")
    host.ask("image_pull", name=BUILT, source=f"oci-archive:{INCOMING}/built.tar").ok()
    host.ask("create", container={"name": BUILT}, spec={"image": BUILT}, wait="running").ok()
    assert inside(host, "cat /made", BUILT) == "0 cat"


def test_its_root_has_rights_over_its_own_alone(host: ImageLab) -> None:
    lines = inside(host, "cat /proc/self/status").splitlines()
    status = dict(line.split(":\t") for line in lines if ":\t" in line)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["CapBnd"] == status["CapEff"]
    assert int(status["CapBnd"], 16).bit_count() == len(BUILD)
    assert "not permitted" in inside(host, "mknod /srv/disk b 8 0 2>&1 || true")


def test_nobody_reaches_it(host: ImageLab) -> None:
    found = host.ask("info", container={"name": NAME}).ok()["container"]
    assert (found["url"], found["urls"]) == ("", [])
    assert found["id"] not in host.run("cat /run/skerry-proxy/routes.map")
    host.run(f"systemd-run --quiet --unit=t-listens skerry exec {NAME} -- busybox httpd -f -p 1071 -h /srv")
    try:
        time.sleep(2)
        assert "FROM scratch" in inside(host, "busybox wget -qO- http://127.0.0.1:1071/Dockerfile")
        probe = (
            f"timeout 3 python3 -c \"import socket; socket.create_connection(('{found['ipv4']}', 1071), 2)\""
        )
        assert host.run(f"{probe} 2>/dev/null && echo reached || echo refused").strip() == "refused"
    finally:
        host.run("systemctl stop t-listens || true")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"publish": ["5432"]}, "publish do not go with profile build"),
        ({"volumes": [{"volume": "data", "path": "/data"}]}, "volumes do not go with profile build"),
        ({"restart": "always"}, "restart always does not go with profile build"),
        ({"ttl": ""}, "a container of profile build is thrown away"),
    ],
)
def test_what_does_not_go_with_it_is_refused(host: ImageLab, options: dict[str, Any], said: str) -> None:
    refused = host.ask("create", container={"name": "t-refused"}, spec={**SPEC, **options}).error
    assert said in refused["message"]
    assert "t-refused" not in host.run("skerry list")


def test_it_is_deleted_when_its_time_is_over(host: ImageLab) -> None:
    """Its time is a minute at least; what it has lived already counts."""
    host.ask("update", container={"name": NAME}, spec={"ttl": "1m"}).ok()
    until = time.monotonic() + 100
    while NAME in (known := host.run("skerry list")):
        assert time.monotonic() < until, known
        time.sleep(1)
    done = json.loads(host.run("skerry operations --json"))["operations"]
    assert any(one["verb"] == "delete" and one["resource"].endswith(f"/{NAME}") for one in done), done[:3]
