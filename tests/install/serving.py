"""A page that a container on an installed machine serves: the shortest way from a bare Debian to a URL that answers."""

import http
import json
import time
from pathlib import Path

from skerry_lab.demo import get
from skerry_lab.lab import Labs
from skerry_lab.tools import tools
from tests.install.conftest import play_on
from tests.install.rescue_lab import Machine
from tests.unit.resources.images.tarballs import folder, member, packed

PAGE = "a page from a container"
_FOLDERS = ("", "bin", "dev", "etc", "proc", "run", "srv", "sys", "tmp", "usr")
_COMMAND = ["/bin/busybox", "httpd", "-f", "-p", "1071", "-h", "/srv"]
_PATIENCE_S, _PAUSE_S = 300.0, 2.0


def played(machine: Machine, playbook: str, *options: str) -> str:
    """What a playbook that passed has printed."""
    answer = play_on(machine, playbook, *options)
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-1000:]
    return answer.stdout


def serve(machine: Machine) -> str:
    """Make a platform of an unlocked machine, and a container with a page on it; its URL."""
    # What install.yml did already is looked at by test_unlocked.py.
    played(machine, "playbooks/host.yml", "--tags", "firewall,lxc_host,proxy,hardening")
    image = {"image": "page", "path": str(_image(machine.folder / "page.tar")), "command": _COMMAND}
    played(machine, "playbooks/image/import.yml", "--extra-vars", json.dumps(image))
    played(machine, "playbooks/container/create.yml", "--extra-vars", "container_name=page image=page")
    return str(json.loads(machine.run("skerry list --json"))["containers"][0]["url"])


def visited(machine: Machine, url: str) -> str:
    """What a visitor of the URL reads, once the machine serves it."""
    until, said = time.monotonic() + _PATIENCE_S, "nothing"
    while time.monotonic() < until:
        try:
            status, said = get(url, machine.lab.ca)
        except OSError as error:
            said = str(error)
        else:
            if status == http.HTTPStatus.OK:
                break
        time.sleep(_PAUSE_S)
    return said


def _image(path: Path) -> Path:
    """A root file system with one program and one page in it."""
    program = (tools(Labs.of_this_user().cache).root / "usr/bin/busybox").read_bytes()
    parts = [member("./bin/busybox", data=program), member("./srv/index.html", data=PAGE.encode())]
    path.write_bytes(packed(*(folder(f"./{name}") for name in _FOLDERS), *parts))
    return path
