"""`make try` and `make lab`: from nothing to a container's URL."""

import http.client
import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from skerry_base.core.errors import SkerryError
from skerry_lab.lab import Labs, Wanted
from skerry_lab.mitogen import environment
from skerry_lab.ports import LOOPBACK
from skerry_lab.start import run_shown
from skerry_lab.state import Lab

CONTAINER = "hello"
REPOSITORY = Path(__file__).parents[2]
_ANSWER_S = 30
_WORTH_A_LINE_S = 0.5

_NEXT = """
{url}

  curl --cacert {ca} {url}

In {repository}:
  export PATH=$PWD/.venv/bin:$PATH
  ansible-playbook{limit} playbooks/container/list.yml
  ansible-playbook{limit} playbooks/container/create.yml -e container_name=blog
  ansible-playbook{limit} playbooks/container/delete.yml -e container_name=blog
The lab: make lab-list, make lab-ssh NAME={lab}, make lab-logs NAME={lab}, make lab-down NAME={lab}

{table}"""


def demo(labs: Labs, wanted: Wanted) -> str:
    """Bring a lab up, make a platform of it and a container on it; returns what to tell the user.

    Raises:
        SkerryError: a step failed; what failed has been shown already.
    """
    stage = labs.progress.stage
    lab = labs.up(wanted)
    with stage(f"lab {lab.name}: {_site(lab)}"):
        _play(lab, "site.yml")
    labs.progress.parts(_stages(lab))
    if lab.board:
        labs.progress.say(
            f"lab {lab.name}: {lab.cpu_seconds():.0f} s of processor time since its power was on"
        )
    with stage("image hello: the sample app"):
        _play(lab, "playbooks/image/hello.yml")
    with stage(f"container {CONTAINER}: create"):
        _play(lab, "playbooks/container/create.yml", "-e", f"container_name={CONTAINER}")
    with stage("first answer"):
        url = _url(lab)
        _check_answer(lab, url)
    others = [other for other in labs.store.all() if other.owner == lab.owner and other.name != lab.name]
    limit = f" -l {lab.name}" if others else ""
    return _NEXT.format(
        url=url, ca=lab.ca, name=CONTAINER, lab=lab.name, limit=limit, repository=REPOSITORY,
        table=labs.progress.table(),
    )  # fmt: skip


def _site(lab: Lab) -> str:
    way = "installs it, unlocks it and makes" if lab.board else "makes"
    return f"site.yml {way} a platform of it"


def _stages(lab: Lab) -> Iterator[tuple[str, float]]:
    """The stages of the playbook that has just run which took time, and their seconds."""
    for name, seconds in json.loads(_stages_file(lab).read_text(encoding="utf-8")):
        if seconds >= _WORTH_A_LINE_S:
            yield str(name), float(seconds)


def _stages_file(lab: Lab) -> Path:
    return lab.home / "stages.json"


def _play(lab: Lab, *words: str) -> None:
    program = Path(sys.prefix) / "bin/ansible-playbook"
    chosen = {
        "SKERRY_LAB": lab.name, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
        "SKERRY_STAGES_FILE": str(_stages_file(lab)),
    }  # fmt: skip
    os.chdir(REPOSITORY)
    if run_shown([str(program), *words], env={**chosen, **environment()}) != 0:
        raise SkerryError(
            f"{words[0]} failed on the lab {lab.name}, which is left as it is: `lab ssh {lab.name}`"
        )


def _url(lab: Lab) -> str:
    """The container's URL, as the engine on the host knows it."""
    answer = json.loads(lab.login.run(["skerry", "list", "--json"]))
    urls = [container["url"] for container in answer["containers"] if container["name"] == CONTAINER]
    return str(urls[0])


def _check_answer(lab: Lab, url: str) -> None:
    """Ask for the page, until it answers 200 with the container's id in it.

    Raises:
        SkerryError: it does not, within 30 s.
    """
    until, last = time.monotonic() + _ANSWER_S, "nothing"
    while time.monotonic() < until:
        try:
            status, page = get(url, lab.ca)
        except OSError as error:
            last = str(error)
        else:
            if status == http.HTTPStatus.OK and container_id(url) in page:
                return
            last = f"{status}: {page[:200]}"
        time.sleep(0.2)
    raise SkerryError(f"{url} does not answer as it should; last: {last}")


def container_id(url: str) -> str:
    """The id in a URL whose first label is PROJECT-CONTAINER or PROJECT-CONTAINER-SERVICE."""
    label = (urlsplit(url).hostname or "").partition(".")[0]
    return label.split("-")[1]


@dataclass(frozen=True)
class _Connection:
    """HTTPS to 127.0.0.1 for a name that only browsers and curl resolve."""

    host: str
    port: int
    context: ssl.SSLContext

    def open(self) -> http.client.HTTPConnection:
        plain = socket.create_connection((LOOPBACK, self.port), timeout=_ANSWER_S)
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_ANSWER_S)
        connection.sock = self.context.wrap_socket(plain, server_hostname=self.host)
        return connection


def get(url: str, ca: Path) -> tuple[int, str]:
    """Status and body of a lab's URL.

    Raises:
        OSError: no connection, or no trust in the host's certificate.
    """
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=str(ca))
    connection = _Connection(parts.hostname or "", parts.port or 443, context).open()
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()
