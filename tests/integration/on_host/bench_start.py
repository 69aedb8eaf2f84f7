"""How long a container takes: ours through the engine, and a bare lxc-start of the same root, in turns.

``python3 bench_start.py ROUNDS [WARM_UP]`` runs on the host, as root, and prints one line of JSON: milliseconds of each
round, by what was measured, and those of the engine's own steps.
"""

import collections
import contextlib
import http.client
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import leftovers
from churn import host_of, open_connection

from skerry import launch
from skerry.client import EngineClient
from skerry.host import cgroups, files
from skerry.model.addresses import addresses, max_slot
from skerry.model.host import HostConfig, load_host_config
from skerry.parts import older
from skerry.parts.firewall import FirewallEntry
from skerry.parts.unit import image_mount

IMAGE, PORT = "hello", 1071
POLL = 0.002  # seconds between two looks
PATIENCE = 30.0
Milliseconds = dict[str, list[float]]


class Clock:
    """Notes how many milliseconds after its start something happened."""

    def __init__(self, into: Milliseconds) -> None:
        self._into, self._start = into, time.perf_counter()

    def note(self, what: str) -> None:
        self._into[what].append((time.perf_counter() - self._start) * 1000)


def until(operation: Callable[[], bool], what: str) -> None:
    """Try again until it is true.

    Raises:
        TimeoutError: it was not within 30 s.
    """
    deadline = time.monotonic() + PATIENCE
    while not operation():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(POLL)


def status(connection: http.client.HTTPConnection) -> int:
    """What a GET of / answers; 0 where nothing does."""
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0
    return answer.status


def through_proxy(host: str) -> int:
    """What the URL answers to a visitor with a connection of its own."""
    with contextlib.closing(open_connection(host)) as connection:
        return status(connection)


def ours(number: int, into: Milliseconds) -> None:
    """One container by the engine: create, ask through the proxy, delete, ask again."""
    client, key = EngineClient(), {"name": f"bench-{number}"}
    clock = Clock(into)
    made = client.call("create", container=key, spec={"image": IMAGE}, wait="running")
    clock.note("create → running")
    until(lambda: through_proxy(host_of(made["after"])) == http.HTTPStatus.OK, "no first 200")
    clock.note("create → first 200")
    note_steps(made, "create → running", into)

    answers: list[dict] = []
    clock = Clock(into)

    def delete() -> None:
        answers.append(client.call("delete", container=key))
        clock.note("delete → answer")

    deletes = threading.Thread(target=delete)
    deletes.start()
    until(lambda: through_proxy(host_of(made["after"])) == http.HTTPStatus.NOT_FOUND, "no 404")
    clock.note("delete → first 404")
    deletes.join()
    note_steps(answers[0], "delete → answer", into)


def note_steps(answer: dict, total: str, into: Milliseconds) -> None:
    """The engine's own time of each step, and what of the whole they do not explain."""
    plan, (timings,) = answer["plans"][0], answer["timings_ms"]
    for title, milliseconds in zip(plan["steps"], timings, strict=True):
        into[f"{plan['verb']}: {' '.join(title.split()[:2])}"].append(milliseconds)
    into[f"{plan['verb']}: request, plan, two synced writes"].append(into[total][-1] - sum(timings))


class Bare:
    """The same root, network, seccomp and firewall without an engine or a unit: mounts and one lxc-start."""

    def __init__(self, host: HostConfig) -> None:
        self.host, self.name, self.slot = host, "bench-bare", max_slot(host)
        self.own = addresses(host, self.slot)
        self.files, self.run = f"{host.pool}/{self.name}", f"{host.run}/{self.name}"
        client = EngineClient()
        (image,) = [
            each for each in client.call("image_list", show_env=True)["images"] if each["name"] == IMAGE
        ]
        self.image, self.command = image_mount(host, image["digest"]), image["command"]
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "SKERRY_ID": self.name, **image["env_values"]}
        self.group = f"{cgroups.group_of(os.getpid())}/lxc.payload.{self.name}"

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """All that is there before the clock starts: empty folders, the configuration, the firewall's entries."""
        own = self.own
        port = FirewallEntry(slot=self.slot, mac=own.mac, ipv4=own.ipv4, ipv6=own.ipv6, services=(PORT,))
        try:
            for folder in (f"{self.files}/upper", f"{self.files}/work", self.run):
                files.make_folder(folder, 0o755)
            env = [f"{name}={value}" for name, value in self.env.items()]
            text = older.render(self.host, self.name, f"{self.run}/rootfs", own, env)
            Path(f"{self.run}/config").write_text(text, encoding="utf-8")
            port.make(self.host)
            yield
        finally:
            port.remove(self.host)
            files.remove_tree(self.files)
            files.remove_tree(self.run)

    def become(self, mounted: int) -> None:
        """In a process of its own: mount the root as the engine's launcher does, say so, and be lxc-start."""
        launch.own_mounts()
        launch.mount_root(self.image, self.files, f"{self.run}/rootfs", self.own.uid_base)
        os.write(mounted, b"1")
        os.close(mounted)
        argv = ["lxc-start", "-F", "-n", self.name, "-f", f"{self.run}/config", "--"]
        os.execve("/usr/bin/lxc-start", [*argv, "/dev/skerry/init", "--", *self.command], self.env)

    def init(self) -> int | None:
        """The process that is PID 1 inside, once it runs its own program: what the engine itself looks for."""
        pids = cgroups.processes(self.group)
        return pids[0] if pids and cgroups.program(pids[0]) not in {"", "lxc-start"} else None

    def round(self, into: Milliseconds) -> None:
        """Start it, ask it, kill it."""
        with self.prepared():
            clock, monitor = Clock(into), self.start(into)
            until(lambda: self.init() is not None, "bare: no init")
            clock.note("bare: start → init runs")
            visitor = http.client.HTTPConnection(self.own.ipv4, PORT, timeout=5)
            until(lambda: status(visitor) == http.HTTPStatus.OK, "bare: no first answer")
            clock.note("bare: start → first answer")
            visitor.close()
            clock = Clock(into)
            os.kill(self.init() or 0, signal.SIGKILL)
            os.waitpid(monitor, 0)
            clock.note("bare: kill → ended")

    def start(self, into: Milliseconds) -> int:
        """Begin it; returns the process id of its lxc-start, once its root is mounted."""
        clock, (looks, tells) = Clock(into), os.pipe()
        monitor = os.fork()
        if monitor == 0:
            self._never_return(tells)
        os.close(tells)
        ready = os.read(looks, 1)
        os.close(looks)
        if not ready:
            raise RuntimeError("bare: its root could not be mounted")
        clock.note("bare: start → root mounted")
        return monitor

    def _never_return(self, tells: int) -> None:
        try:
            self.become(tells)
        finally:
            os._exit(1)


def main(rounds: int, warm_up: int) -> int:
    bare = Bare(load_host_config())
    into: Milliseconds = collections.defaultdict(list)
    for number in range(-warm_up, rounds):
        if number == 0:
            into.clear()
        ours(number + warm_up, into)
        bare.round(into)
    time.sleep(1)
    print(json.dumps({"milliseconds": into, "leftovers": list(leftovers.differences())}))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
