"""The host's end of Ansible's connection plugin: one command in a container, with this process's own streams.

``plugins/connection/skerry.py`` runs ``/usr/lib/skerry/connect``. It asks the engine as ``skerry exec`` does, and becomes
what brings the command in, instead of waiting beside it: a task of Ansible's is several commands, so their starts count.

A refusal is told by a line that begins with a mark. The caller draws it, and nothing in a container knows it.
"""

from __future__ import annotations

import binascii
import contextlib
import json
import os
import sys
from typing import Any, NoReturn

from skerry import attach
from skerry.client import EngineClient, EngineError

NOT_STARTED = attach.NOT_STARTED
_FOLDER = "/"  # every user may enter it
Asked = dict[str, Any]


class ConnectError(Exception):
    """It is not the container that the caller means: what is wrong, and what would be right."""


def main(words: str) -> NoReturn:
    """Become the command, or say why not.

    Args:
        words: JSON as base64. ``container`` has realm, project and name; ``id`` is empty, or the id that it must have.
            ``user`` runs ``command``, a text for a shell. Without a command it is only checked that one could be run now,
            and that the container has been running for ``age`` seconds. ``mark`` begins the line of a refusal.
    """
    asked: Asked = json.loads(binascii.a2b_base64(words))
    try:
        ticket = _ticket(asked)
        if not asked["command"]:
            _check_age(asked)
            sys.exit(0)
        attach.replace(ticket)
    except (EngineError, attach.AttachError, ConnectError) as error:
        sys.stderr.write(f"{asked['mark']} {error}\n")
        sys.exit(NOT_STARTED)


def _ticket(asked: Asked) -> dict[str, Any]:
    command = ["/bin/sh", "-c", asked["command"]]
    ticket = EngineClient().call(
        "exec", container=asked["container"], command=command, user=asked["user"], workdir=_FOLDER
    )
    if asked["id"] and ticket["id"] != asked["id"]:
        raise ConnectError(
            f"container {_name(asked)} is another one than was meant: its id is {ticket['id']}, not {asked['id']}. "
            "Read the inventory again"
        )
    return ticket


def _check_age(asked: Asked) -> None:
    """Refuse a container that has not been running for as long as the caller's command has."""
    place = EngineClient().call("get", container=asked["container"], path="/")
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{place['pid']}/stat", "rb") as file:
        began = int(file.read().rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        with open("/proc/uptime", "rb") as uptime:
            age = float(uptime.read().split()[0]) - began
        if age >= asked["age"]:
            return
    raise ConnectError(f"container {_name(asked)} was restarted meanwhile. Run the play again")


def _name(asked: Asked) -> str:
    return "/".join(asked["container"][part] for part in ("realm", "project", "name"))
