"""What the engine asks of the process that runs checks' commands, and what an answer means. A real one: test_ends.py."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from skerry import checks
from skerry.host import systemd
from skerry.model.container import Container
from skerry.model.ends import Health
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.resources.containers import health, health_command
from skerry.resources.containers.health_command import Helper, problem


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 0, "output": "anything"}, ""),
        ({"status": 1, "output": ""}, "the command: exit code 1"),
        ({"status": 1, "output": "one\ntwo\n\n"}, "the command: exit code 1; it said: two"),
        ({"status": 137, "output": ""}, "the command: signal SIGKILL (exit code 137)"),
        ({"status": 127, "output": "skerry: x: not found\n"}, "the command: exit code 127; it said: skerry: x: not found"),
        ({"ended": "timeout", "output": ""}, "the command: it did not end within 2.5 s"),
        ({"ended": "flood", "output": "yyy"}, "the command: it wrote more than 16 MiB; it said: yyy"),
        ({"status": 1, "output": "\x1b[2J\u202eevil\ta\r"}, "the command: exit code 1; it said: \\x1b[2J\\u202eevil a"),
        ({"status": 1, "output": "x" * 4096}, f"the command: exit code 1; it said: {'x' * 160}…"),
    ],
)  # fmt: skip
def test_an_answer_is_good_or_what_is_wrong_with_it(answer: checks.Answer, words: str) -> None:
    assert problem(answer, 2.5) == words


def test_what_the_host_could_not_do_is_no_fault_of_the_container() -> None:
    with pytest.raises(SkerryError, match=r"could not be run: no such \\x1b"):
        problem({"error": "no such \x1b"}, 1)


Serve = Callable[[bytes, socket.socket], None]


class Imaginary:
    """The processes that were started, each with a thread that answers as one would."""

    def __init__(self) -> None:
        self.serve: Serve = answering({"status": 0, "output": ""})
        self.orders: list[dict[str, Any]] = []
        self.started, self.killed = 0, 0
        self.threads: list[threading.Thread] = []

    def start(self, _unit: str, properties: systemd.Properties) -> None:
        (descriptor, _name), *_ = dict(properties)["ExtraFileDescriptors"][1]
        control = socket.socket(fileno=os.dup(descriptor))
        self.started += 1
        self.threads.append(threading.Thread(target=self._run, args=[control]))
        self.threads[-1].start()

    def _run(self, control: socket.socket) -> None:
        with control:
            for text, (descriptor,) in checks._orders(control):
                with socket.socket(fileno=descriptor) as caller:
                    self.orders.append(json.loads(text))
                    self.serve(text, caller)
                    if self.serve is dying:
                        return


def answering(answer: checks.Answer) -> Serve:
    return lambda _text, caller: caller.sendall(json.dumps(answer).encode())


def dying(_text: bytes, _caller: socket.socket) -> None:
    """It ends with nothing said."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Imaginary]:
    found, helper = Imaginary(), Helper()
    monkeypatch.setattr(systemd, "start_transient", found.start)
    monkeypatch.setattr(systemd, "kill", lambda _unit: setattr(found, "killed", found.killed + 1))
    monkeypatch.setattr(health_command, "HELPER", helper)
    yield found
    helper.close()
    for thread in found.threads:
        thread.join(5)
        assert not thread.is_alive(), "it ends with the engine"


def test_it_is_asked_for_the_command_in_the_container_s_own_cgroup(
    world: Imaginary, host: HostConfig, container: Container
) -> None:
    check = Health(command=["/check", "--evil"], timeout=2)
    assert health.probe(host, container, check) == health.probe(host, container, check) == ""
    assert (world.started, world.killed) == (1, 1), "one process for all, and none of an engine before"
    (order, again) = world.orders
    assert order == again
    assert order["ticket"] == {
        "id": container.id, "run": f"{host.run}/c/{container.id}", "command": ["/check", "--evil"],
        "env": {}, "user": None, "workdir": None,
    }  # fmt: skip
    assert order["group"].endswith(f"/skerry-{container.id}.service/monitor/lxc.payload.{container.id}/check")
    assert order["timeout"] == 2


def test_one_that_has_ended_is_started_anew(world: Imaginary, host: HostConfig, container: Container) -> None:
    world.serve = dying
    with pytest.raises(SkerryError, match="it ended"):
        health.probe(host, container, Health(command=["x"]))
    world.threads[0].join(5)
    world.serve = answering({"status": 3, "output": ""})
    assert health.probe(host, container, Health(command=["x"])) == "the command: exit code 3"
    assert world.started == 2


def test_one_that_says_nothing_is_not_waited_for(
    world: Imaginary, host: HostConfig, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_command, "_PATIENCE", 0.1)
    over = threading.Event()

    def silent(_text: bytes, _caller: socket.socket) -> None:
        over.wait(5)

    world.serve = silent
    with pytest.raises(SkerryError, match="it did not answer"):
        health.probe(host, container, Health(command=["x"], timeout=0.1))
    over.set()
    world.serve = answering({"status": 0, "output": ""})
    assert health.probe(host, container, Health(command=["x"], timeout=2)) == ""
    assert world.started == 1, "those of other tenants go on"


def test_the_longest_command_is_one_order(world: Imaginary, host: HostConfig, container: Container) -> None:
    words = ["/check", "\x01" * 16_000]
    assert health.probe(host, container, Health(command=words)) == ""
    assert world.orders[0]["ticket"]["command"] == words


def test_of_what_was_written_the_end_is_kept() -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    output = checks._Output(read)
    os.write(write, b"a" * 5000 + b"\xffend")
    assert output.read()
    assert not output.read()
    os.close(write)
    assert not output.read()
    os.close(read)
    answer = output.answer({"status": 1})
    assert (answer["status"], answer["output"][-4:], output.count) == (1, "\ufffdend", 5004)
    assert len(output.last) == checks.KEPT
