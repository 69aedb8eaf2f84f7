"""A host as 786e862 left it: its own site.yml and playbooks, run from the copy that is kept here."""

import contextlib
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration import kept_ssh
from tests.integration.playbooks import ROOT, Run
from tests.integration.proxy_client import ECHO, HELLO, Door, read_answer, websocket_request

HERE = Path(__file__).parent
Seen = dict[str, Any]


def unpack(folder: Path) -> Path:
    """The files of 786e862 in ``folder``."""
    with tarfile.open(HERE / "786e862" / "tree.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    return folder


def play_old(tree: Path, lab: str, playbook: str, *options: str) -> Run:
    """Run a playbook of that commit on a lab. Where labs are, the inventory of today knows."""
    command = [
        "ansible-playbook",
        "-i",
        str(ROOT / "inventories" / "lab"),
        "--limit",
        lab,
        playbook,
        *options,
    ]
    # Else `make` names this repository's configuration, and with it today's modules.
    environment = {**os.environ, "ANSIBLE_CONFIG": str(tree / "ansible.cfg")}
    done = subprocess.run(
        command, cwd=tree, env=environment, text=True, capture_output=True, check=False, timeout=1800
    )
    return Run(done.stdout + done.stderr, done.returncode)


def on_host(lab: str, program: str) -> str:
    """Run a program of on_host/ on the lab's host; what it printed."""
    with (HERE / "on_host" / program).open("rb") as file:
        done = subprocess.run(
            kept_ssh.command(lab, "python3 -I -"), stdin=file, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def seen(lab: str) -> Seen:
    """What on_host/seen.py sees."""
    found: Seen = json.loads(on_host(lab, "seen.py"))
    return found


class Echo(threading.Thread):
    """A WebSocket to a container of the sample image, on which something is said every few seconds.

    Attributes:
        answered: how often what was said came back.
        broken: what went wrong, if anything did.
    """

    def __init__(self, door: Door, host: str) -> None:
        super().__init__(daemon=True)
        self.answered, self.broken = 0, ""
        self._ended = threading.Event()
        self._socket = door.connect(host)
        self._socket.sendall(websocket_request(host))
        assert read_answer(self._socket).status == 101

    def run(self) -> None:
        """Say it, until :meth:`close`."""
        with self._socket:
            while not self.broken and not self._ended.wait(2):
                try:
                    self._socket.sendall(HELLO)
                    self.broken = "" if (found := self._socket.recv(100)) == ECHO else f"it said {found!r}"
                except OSError as error:
                    self.broken = repr(error)
                self.answered += not self.broken

    def close(self) -> None:
        """End it."""
        self._ended.set()
        self.join()


def inside(lab: str, seen: Seen, name: str, command: str) -> str:
    """What a command says in a container, run by the container's root."""
    pid = next(pid for pid, (program, _) in seen["processes"][name].items() if program == "python3")
    enter = f"nsenter --target {pid} --user --mount sh -c '{command}'"
    return subprocess.run(kept_ssh.command(lab, enter), check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def without_uidmap(lab: str) -> Iterator[None]:
    """Within it, the host has no newuidmap, as labs had none then. Where it is, containers of then don't start."""
    programs = "newuidmap newgidmap"
    move = "cd /usr/bin; for program in {0}; do mv $program{1} $program{2}; done"
    subprocess.run(kept_ssh.command(lab, move.format(programs, "", ".away")), check=True)
    yield
    subprocess.run(kept_ssh.command(lab, move.format(programs, ".away", "")), check=True)
