"""What a user of the host who is not root reaches of containers: nothing, though he knows their ids."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.integration.image_lab import ImageLab

# Run on the host as a user of no rights, by its paths: what each gave him.
_REACH = """
import json, os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
def attempt(path):
    try: os.close(os.open(path, os.O_RDWR if path.endswith("/log") else os.O_RDONLY)); return "opened"
    except OSError as error: return error.strerror
print(json.dumps({path: attempt(path) for path in sys.argv[1:]}))
"""
# Takes each of these names for as long as it lives, as such a user too, and says which it got.
_SQUAT = """
import os, socket, sys, time
os.setgroups([]); os.setgid(65534); os.setuid(65534)
held = []
for name in sys.argv[1:]:
    held.append(socket.socket(socket.AF_UNIX)); held[-1].bind(chr(0) + name); held[-1].listen()
print("held", flush=True); time.sleep(600)
"""
NAME = "t-watched"
Container = dict[str, object]


@pytest.fixture(scope="module")
def images(lab: str) -> ImageLab:
    return ImageLab(lab)


@pytest.fixture
def container(images: ImageLab, hello: str) -> Iterator[Container]:
    """One that runs, and whose images are mounted."""
    spec = {"image": hello, "memory": "64M", "command": ["/bin/sleep", "600"]}
    images.ask("ensure", container={"name": NAME}, state="absent").ok()
    made = images.ask("create", container={"name": NAME}, spec=spec, wait="running").ok()
    yield dict(made["after"])
    images.ask("ensure", container={"name": NAME}, state="absent").ok()


@pytest.fixture
def squat(images: ImageLab) -> Iterator[Callable[..., None]]:
    """Has a local user take names of abstract sockets; he lets go at the end."""
    images.run("rm -f /run/squat.py; cat > /run/squat.py", _SQUAT.encode())

    def take(*names: str) -> None:
        images.run(
            f"systemd-run --quiet --unit=t-squat --property=StandardOutput=truncate:/run/squat.said "
            f"python3 /run/squat.py {' '.join(names)}; "
            "timeout 10 sh -c 'until grep -q held /run/squat.said; do sleep 0.1; done'"
        )

    yield take
    images.run("systemctl stop t-squat; rm -f /run/squat.py /run/squat.said")


def sockets(images: ImageLab, container: Container) -> set[str]:
    """The names of abstract sockets that have the container's id in them."""
    lines = images.run("cat /proc/net/unix").splitlines()
    return {line.split()[-1].removeprefix("@") for line in lines if str(container["id"]) in line}


def test_nothing_of_a_container_or_an_image_can_be_opened(images: ImageLab, container: Container) -> None:
    folder = f"/run/skerry/c/{container['id']}"
    image = images.run("ls -d /run/skerry/images/*/etc/passwd | head -1").strip()
    paths = [f"{folder}/own/log", f"{folder}/own/program", f"{folder}/hosts", f"{folder}/config", image]
    paths += [f"{folder}/lxc", "/run/lxc/lock/run/skerry"]
    found = images.python(_REACH, *paths)
    assert found == dict.fromkeys(paths, "Permission denied")


def test_a_name_of_a_socket_is_of_one_start_and_nobody_knows_it_ahead(
    images: ImageLab, container: Container, squat: Callable[..., None]
) -> None:
    known = sockets(images, container)
    assert known, "the control: LXC listens there"
    unit = f"skerry-{container['id']}.service"
    images.ask("stop", container={"name": NAME}).ok()
    squat(*{f"/var/lib/lxc/{container['id']}/command", *known})
    images.ask("start", container={"name": NAME}, wait="running").ok()
    assert images.run(f"skerry exec {NAME} -- echo inside").strip() == "inside"
    again = sockets(images, container) - known
    images.run(f"systemctl kill --kill-whom=main --signal=KILL {unit}")
    until = time.monotonic() + 20
    while not sockets(images, container) - known - again and time.monotonic() < until:
        time.sleep(0.1)
    assert sockets(images, container) - known - again, "systemd started it again, by another name"
    images.run(f"timeout 20 sh -c 'until skerry exec {NAME} -- true; do sleep 0.1; done'")


def test_starts_leave_no_locks_of_lxc_behind(images: ImageLab, container: Container) -> None:
    count = f"find /run/lxc/lock -path '*/{container['id']}/lxc/*' | wc -l"
    for _ in range(3):
        images.ask("restart", container={"name": NAME}, wait="running", grace=0).ok()
        images.run(f"skerry exec {NAME} -- true")
    assert int(images.run(count)) == 1
    images.ask("delete", container={"name": NAME}).ok()
    assert images.run(f"find /run/lxc /run/skerry /var/log -path '*{container['id']}*'") == ""
