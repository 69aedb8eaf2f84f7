"""One command of Ansible's in a container: how lxc-attach is called for it, or why not."""

import base64
import contextlib
import os
from collections.abc import Sequence

from pydantic import ValidationError

from skerry import attach
from skerry.attach import AttachError
from skerry.model.errors import Code, SkerryError
from skerry.protocol import access as requests
from skerry.protocol.connect import Asked, Connect, Connection
from skerry.protocol.errors import readable
from skerry.resources.containers import access
from skerry.resources.kind import Context

_FOLDER = "/"  # every user may enter it


def connect(context: Context, request: Connect) -> Connection:
    """How the command is started. A refusal is an answer as well: the program that asks knows no other."""
    try:
        return _answer("", *_call(context, _asked(request)))
    except (SkerryError, AttachError) as error:
        return _answer(str(error))


def _asked(request: Connect) -> Asked:
    try:
        return Asked.model_validate_json(request.asked)
    except ValidationError as error:
        raise readable(error, Asked) from error


def _call(context: Context, asked: Asked) -> tuple[list[str], list[str]]:
    command = ["/bin/sh", "-c", asked.command]
    ticket = access.execute(
        context,
        requests.Exec(
            verb="exec", container=asked.container, command=command, user=asked.user, workdir=_FOLDER
        ),
    )
    if asked.id and ticket["id"] != asked.id:
        raise SkerryError(
            Code.INVALID,
            f"container {asked.container} is another one than was meant: its id is {ticket['id']}, not {asked.id}",
            "Read the inventory again",
        )
    if asked.command:
        return attach.call(ticket)
    _check_age(context, asked)
    return [], []


def _check_age(context: Context, asked: Asked) -> None:
    """Refuse a container that has not been running for as long as the caller's command has."""
    place = access.files(context, requests.Get(verb="get", container=asked.container, path="/"))
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{place['pid']}/stat", "rb") as file:
        began = int(file.read().rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        with open("/proc/uptime", "rb") as uptime:
            age = float(uptime.read().split()[0]) - began
        if age >= asked.age:
            return
    raise SkerryError(
        Code.INVALID, f"container {asked.container} was restarted meanwhile", "Run the play again"
    )


def _answer(refused: str, argv: Sequence[str] = (), description: Sequence[str] = ()) -> Connection:
    words = [refused, str(len(argv)), *argv, *description]
    return {"words": base64.b64encode(b"".join(os.fsencode(word) + b"\0" for word in words)).decode()}
