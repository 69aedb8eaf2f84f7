# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the connection plugin says to a container's host, and what it reads in the answer. Pure."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

Answer = tuple[int, bytes, bytes]
Variables = Mapping[str, Any]

HELPER = "/usr/lib/skerry/connect"
NO_HOST = "the container's host is not said: set skerry_host to its name in the inventory, or to its address"
_NO_SUDO = "the user of the host is not root, and the host has no sudo"
_NOT_STARTED = 125  # and a line with the mark
_OF_SSH, _STANDS_FOR_IT = 255, 254  # ssh means its own failures by 255, and ansible-core tries again
_NOT_FOUND, _KILLED = 127, 137
_OF_CONTAINER = {"ansible_user", "ansible_pipelining"}
_BEFORE_THE_COMMAND = (b"lxc-attach: ", b"sudo: ")  # who else may say why nothing ran


def options(
    own: Variables, host: str | None, of_host: Variables | None = None, connection: object = None
) -> dict[str, Any]:
    """The variables that are the plugin's options.

    Args:
        own: the container's.
        host: what names its host.
        of_host: those of that host; none where the inventory does not have it, and so its address is known only.
        connection: how Ansible reaches that host.
    """
    found = dict(own)
    found.setdefault("skerry_container", own.get("inventory_hostname"))
    if of_host is None:
        return found if host is None else found | {"ansible_host": host}
    kept = {name for name in found if name.startswith("skerry_") or name in _OF_CONTAINER}
    ssh = {
        name: value
        for name, value in of_host.items()
        if name not in _OF_CONTAINER and not name.startswith("skerry_")
    }
    found = {name: found[name] for name in kept} | ssh
    if (user := of_host.get("ansible_user")) is not None:
        found.setdefault("skerry_host_user", user)
    if connection is not None:
        found.setdefault("skerry_host_connection", connection)
    return found


def on_host(asked: Mapping[str, Any]) -> str:
    """The command that the host's shell runs: as root, and with an exit code that ssh does not take for its own.

    Args:
        asked: what the engine is asked for (src/skerry/protocol/connect.py). Its ``mark`` is also the line that says 255.
    """
    words = base64.b64encode(json.dumps(asked).encode()).decode()
    mark = asked["mark"]
    no_sudo = f"echo {mark} {_NO_SUDO} >&2; exit {_NOT_STARTED}"
    script = (
        f"[ -O / ] && set -- || {{ command -v sudo >/dev/null || {{ {no_sudo}; }}; set -- sudo -n --; }}; "
        f'"$@" {HELPER} {words} {mark}; r=$?; '
        f"[ $r -ne {_OF_SSH} ] || {{ echo {mark} >&2; r={_STANDS_FOR_IT}; }}; exit $r"
    )
    return f"/bin/sh -c {shlex.quote(script)}"


def read(answer: Answer, mark: str) -> Answer:
    """What the command in the container answered.

    Raises:
        AnsibleConnectionFailure: the helper refused, or is not there.
    """
    code, out, err = answer
    sign = mark.encode()
    before, found, said = err.rpartition(sign)
    if code == _NOT_STARTED and found:
        raise AnsibleConnectionFailure(said.decode(errors="replace").strip())
    if code == _STANDS_FOR_IT and found:
        return _OF_SSH, out, before
    if code in (126, 127) and HELPER.encode() in err:
        raise AnsibleConnectionFailure(
            f"the host has no {HELPER}: bring it to this release of Skerry with site.yml"
        )
    return answer


def may_be_cut_off(answer: Answer) -> bool:
    """Whether the container may have ended before the command did, or the command may never have begun."""
    code, _out, err = answer
    return code == _KILLED or (code == 1 and err.startswith(_BEFORE_THE_COMMAND))


def broken(err: bytes) -> str:
    """What to say where the host would run nothing at all."""
    return f"nothing can be run on the container's host: {err.decode(errors='replace').strip()}"


def lacks(answer: Answer, become: str) -> str:
    """What the container lacks, where a command failed for that; empty where it did not."""
    code, _out, err = answer
    said = err.decode(errors="replace").strip()
    if code == _NOT_STARTED and said.startswith("skerry: "):
        return f"in the container: {said.removeprefix('skerry: ')}"
    if code == _NOT_FOUND and said.startswith("skerry: /bin/sh: "):
        return (
            "the container's image has no /bin/sh, which Ansible needs; use skerry.host.skerry_exec instead"
        )
    if code == _NOT_FOUND and become in {"sudo", "su"} and f"{become}: not found" in said:
        return f"the container's image has no {become}: set become_method to skerry.host.skerry, which needs none"
    return ""
