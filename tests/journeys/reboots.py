"""What a reboot of the host must bring back: who runs, in which order, behind which URL; and what ended is told."""

import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from skerry_lab.demo import get

APP = "/usr/bin/python3 -I -S -B /srv/hello/app.py"
DATABASE, SHOP, STOPPED, CRASHING = "r-database", "r-shop", "r-stopped", "r-crashing"
NAMES = (SHOP, DATABASE, STOPPED, CRASHING)
SLOW_US = 2_000_000  # how long the database takes
MOST_S = 120


class Machine(Protocol):
    """One that answers commands, and whose proxy's certificate is known."""

    @property
    def ca(self) -> Path: ...

    def on_machine(self, *words: str) -> str: ...


def leave(machine: Machine) -> None:
    """Containers of every kind of wish: two in an order, one that was stopped, one that crashes."""
    clear(machine)
    wanted = {
        DATABASE: (f"sleep 2; exec {APP}", "--health=http=/", "--health=interval=1", "--wait=ready"),
        SHOP: (f"exec {APP}", f"--after={DATABASE}", "--wait=ready"),
        STOPPED: (f"exec {APP}", "--wait=running"),
        CRASHING: ("sleep 2; exit 3", "--restart=always", "--wait=running"),
    }
    for name, (script, *options) in wanted.items():
        command = ["skerry", "create", name, "--image=hello", *options, "--", "/bin/sh", "-c", script]
        machine.on_machine(shlex.join(command))
    machine.on_machine("skerry", "stop", STOPPED)


def clear(machine: Machine) -> None:
    """Delete them all, those that are there."""
    for name in NAMES:
        machine.on_machine(f"skerry delete {name} || test $? = 3")


def came_back(machine: Machine) -> None:
    """After the reboot all is as it was wanted."""
    until(machine, SHOP, lambda one: one["state"] == "running")
    until(machine, CRASHING, lambda one: (one["state"], one["exit_status"]) == ("restarting", 3))
    assert info(machine, STOPPED)["state"] == "stopped"
    started = {
        name: entered(machine, f"skerry-{info(machine, name)['id']}.service") for name in (DATABASE, SHOP)
    }
    assert started[SHOP] - started[DATABASE] > 0.9 * SLOW_US
    assert 0 < entered(machine, "skerry-firewall.service") < started[DATABASE]
    for name in (DATABASE, SHOP):
        until_it_answers(machine, info(machine, name)["url"])


def entered(machine: Machine, unit: str) -> int:
    """Microseconds after the boot at which a unit was up."""
    return int(
        machine.on_machine("systemctl", "show", "--value", "--property=ActiveEnterTimestampMonotonic", unit)
    )


def info(machine: Machine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.on_machine("skerry", "info", name, "--json"))["container"]
    return found


def until(machine: Machine, name: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The container, as soon as ``wanted`` is true of it."""
    deadline = time.monotonic() + MOST_S
    while not wanted(found := info(machine, name)):
        assert time.monotonic() < deadline, found
        time.sleep(1)
    return found


def until_it_answers(machine: Machine, url: str) -> None:
    """Its program listens some time after it runs: the proxy says 503 until then, and nothing else."""
    deadline = time.monotonic() + MOST_S
    while (status := get(url, machine.ca)[0]) != 200:
        assert (status, time.monotonic() < deadline) == (503, True), url
        time.sleep(1)
