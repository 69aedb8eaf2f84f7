"""Containers by the engine, by a bare lxc-start, by Incus and by podman, in turns.

``python3 peers.py ROUNDS WARM_UP`` runs on the host, as root, and prints one line of JSON: milliseconds of each round, by
what was done and by what. ``peers_setup.py up`` goes first.
"""

import collections
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import leftovers
from bench_start import IMAGE, Bare, Milliseconds, note_steps

from skerry import attach
from skerry.client import EngineClient
from skerry.model.host import load_host_config

CREATE, DELETE, EXEC, IDLE = "create → running", "stop + delete", "exec true", "processor time"
PAUSE = 0.5  # seconds
BARE = "bare: start → init runs"
_INCUS_SOCKET = "/var/lib/incus/unix.socket"
_ENGINE_CPU = Path("/sys/fs/cgroup/system.slice/skerry-engine.service/cpu.stat")
_ATTACH = ["/usr/bin/lxc-attach", "--clear-env", "--name"]


@contextlib.contextmanager
def timed(into: Milliseconds, operation: str, by: str) -> Iterator[None]:
    """Note how many milliseconds what is within took."""
    started = time.perf_counter()
    yield
    into[f"{operation}: {by}"].append((time.perf_counter() - started) * 1000)


def command(*argv: str) -> None:
    """Run a program that must succeed.

    Raises:
        RuntimeError: it did not, with what it said.
    """
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Incus:
    """Its REST interface, over one connection that is kept."""

    def __init__(self) -> None:
        self._connection = UnixConnection(_INCUS_SOCKET)

    def ask(self, method: str, path: str, body: dict | None = None) -> dict[str, Any]:
        """One request; where it begins an operation, that one's outcome.

        Raises:
            RuntimeError: it was refused, or the operation failed.
        """
        said = self._exchange(method, path, body)
        if said["type"] == "async":
            said = self._exchange("GET", f"{said['operation']}/wait", None)
            if said["metadata"]["status_code"] != http.HTTPStatus.OK:
                raise RuntimeError(f"{method} {path}: {said['metadata']['err']}")
        return said["metadata"] or {}

    def _exchange(self, method: str, path: str, body: dict | None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        said = json.loads(self._connection.getresponse().read())
        if said["type"] == "error":
            raise RuntimeError(f"{method} {path}: {said['error']}")
        return said

    def create(self, name: str) -> None:
        """Create it, and start it: one request."""
        source = {"type": "image", "alias": IMAGE}
        self.ask("POST", "/1.0/instances", {"name": name, "source": source, "start": True})

    def execute(self, name: str) -> int:
        """Run ``true`` in it; its exit code."""
        how = {"command": ["true"], "interactive": False, "wait-for-websocket": False}
        return self.ask("POST", f"/1.0/instances/{name}/exec", how)["metadata"]["return"]

    def delete(self, name: str) -> None:
        """Kill it and delete it: two requests."""
        self.ask("PUT", f"/1.0/instances/{name}/state", {"action": "stop", "force": True, "timeout": -1})
        self.ask("DELETE", f"/1.0/instances/{name}")

    def init(self, name: str) -> int:
        """The process that is PID 1 inside; 0 where none is."""
        return self.ask("GET", f"/1.0/instances/{name}/state")["pid"]


def expect_program(pid: int, by: str) -> None:
    """What was created runs, and with the program of the image.

    Raises:
        RuntimeError: it does not.
    """
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if pid > 0 else []
    if not any(word.endswith(b"app.py") for word in words):
        raise RuntimeError(f"{by}: its process {pid} is {words}, not the image's program")


def by_socket(name: str, into: Milliseconds) -> None:
    """Ours, as a program of root's asks for it: the engine's socket. And lxc-attach by itself, in the same container."""
    client, key, by = EngineClient(), {"name": name}, "ours, socket"
    with timed(into, CREATE, by):
        made = client.call("create", container=key, spec={"image": IMAGE}, wait="running")
    note_steps(made, f"{CREATE}: {by}", into)
    execute(client, key)  # the first one in a container loads what all later ones find loaded
    with timed(into, EXEC, by):
        execute(client, key)
    container = made["after"]["id"]
    (lxcpath,) = Path(f"/run/skerry/c/{container}/lxc").iterdir()
    with timed(into, EXEC, "bare lxc-attach, no filter"):
        command(*_ATTACH, container, "--lxcpath", str(lxcpath), "--", "true")
    with timed(into, DELETE, by):
        done = client.call("delete", container=key)
    note_steps(done, f"{DELETE}: {by}", into)


def execute(client: EngineClient, key: dict[str, str]) -> None:
    """Run ``true`` in a container of ours: the engine's ticket, and what a client does with it."""
    code, _, errors = attach.capture(client.call("exec", container=key, command=["true"]))
    if code:
        raise RuntimeError(f"exec: {code} {errors!r}")


def by_command(name: str, into: Milliseconds) -> None:
    """Ours, as a person asks for it: the program skerry."""
    with timed(into, CREATE, "skerry create"):
        command("skerry", "create", name, "--image", IMAGE, "--wait", "running")
    with timed(into, EXEC, "skerry exec"):
        command("skerry", "exec", name, "--", "true")
    ensure = ("skerry", "ensure", name, "--state", "started")
    for what, argv in (("skerry list", ("skerry", "list")), ("skerry ensure", ensure)):
        before = engine_cpu()
        note_cpu(into, what, *argv)
        into[f"{IDLE}: {what}, the engine's share"].append(engine_cpu() - before)
    with timed(into, DELETE, "skerry delete"):
        command("skerry", "delete", name)


def note_cpu(into: Milliseconds, what: str, *argv: str) -> None:
    """Note the processor time of a program and its children."""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    into[f"{IDLE}: {what}"].append((used.ru_utime + used.ru_stime) * 1000)


def engine_cpu() -> float:
    """Milliseconds of processor time that the engine has used."""
    (line,) = [one for one in _ENGINE_CPU.read_text().splitlines() if one.startswith("usage_usec ")]
    return int(line.split()[1]) / 1000


def by_bare(into: Milliseconds, bare: Bare) -> None:
    """The bare start, with LXC's own compilation of the filter."""
    found: Milliseconds = collections.defaultdict(list)
    bare.round(found)
    into[f"{CREATE}: {BARE}"] += found["bare: start → init runs"]
    into[f"{DELETE}: bare: kill → ended"] += found["bare: kill → ended"]


def by_rest(name: str, into: Milliseconds, incus: Incus) -> None:
    """Incus, by its REST interface."""
    by = "Incus, REST"
    with timed(into, CREATE, by):
        incus.create(name)
    expect_program(incus.init(name), by)
    with timed(into, EXEC, by):
        code = incus.execute(name)
    if code:
        raise RuntimeError(f"{by}: exec ended with {code}")
    with timed(into, DELETE, by):
        incus.delete(name)


def by_incus(name: str, into: Milliseconds, incus: Incus) -> None:
    """Incus, by its command."""
    with timed(into, CREATE, "incus launch"):
        command("incus", "launch", "--quiet", IMAGE, name)
    expect_program(incus.init(name), "incus launch")
    with timed(into, EXEC, "incus exec"):
        command("incus", "exec", "--mode=non-interactive", name, "--", "true")
    note_cpu(into, "incus list", "incus", "list")
    with timed(into, DELETE, "incus delete --force"):
        command("incus", "delete", "--force", name)


def by_podman(name: str, into: Milliseconds) -> None:
    """Podman, which has no daemon: its command."""
    with timed(into, CREATE, "podman run -d"):
        command("podman", "run", "--detach", f"--name={name}", IMAGE)
    found = subprocess.run(
        ["podman", "inspect", "--format={{.State.Pid}}", name], check=True, capture_output=True, text=True
    )
    expect_program(int(found.stdout), "podman run")
    with timed(into, EXEC, "podman exec"):
        command("podman", "exec", name, "true")
    note_cpu(into, "podman ps", "podman", "ps")
    with timed(into, DELETE, "podman rm -f"):
        command("podman", "rm", "--force", "--time=0", name)


def one_round(name: str, into: Milliseconds, bare: Bare, incus: Incus) -> None:
    """A turn of each, with a pause ahead: what the one before goes on with after its answer is not charged to it."""
    turns = (
        lambda: by_socket(f"{name}-s", into),
        lambda: by_bare(into, bare),
        lambda: by_rest(f"{name}-r", into, incus),
        lambda: by_podman(f"{name}-p", into),
        lambda: by_command(f"{name}-c", into),
        lambda: by_incus(f"{name}-i", into, incus),
    )
    for turn in turns:
        time.sleep(PAUSE)
        turn()


def main(rounds: int, warm_up: int) -> int:
    bare, incus = Bare(load_host_config()), Incus()
    into: Milliseconds = collections.defaultdict(list)
    for number in range(-warm_up, rounds):
        if number == 0:
            into.clear()
        one_round(f"peers-{number + warm_up}", into, bare, incus)
    time.sleep(1)
    print(json.dumps({"milliseconds": into, "leftovers": list(leftovers.differences())}))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
