# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""What the inventory plugin makes of a container: a name, variables, groups. Pure."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.inventory.group import to_safe_group_name

from ..module_utils.api_client import ApiClient
from ..module_utils.engine_calls import EngineError

Answer = tuple[int, bytes, bytes]
Variables = Mapping[str, Any]
PLUGIN = "skerry.host.skerry"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SHOWN = 300  # characters of what a host says in place of an answer
# Each variable, and the field of `skerry list --json` that it has.
_FIELDS = {
    "skerry_container": "name",
    "skerry_realm": "realm",
    "skerry_project": "project",
    "skerry_id": "id",
    "skerry_state": "state",
    "skerry_health": "health_state",
    "skerry_image": "image",
    "skerry_labels": "labels",
    "skerry_url": "url",
    "skerry_urls": "urls",
    "skerry_ipv4": "ipv4",
    "skerry_ipv6": "ipv6",
}


def containers(answer: Answer) -> list[dict[str, Any]]:
    """The containers that a host told of.

    Raises:
        ValueError: it told of none, and why.
    """
    code, out, err = answer
    said = (err or out).decode(errors="replace").strip()[-_SHOWN:]
    if code != 0:
        raise ValueError(f"{said or 'it said nothing'} (exit code {code})")
    try:
        found: list[dict[str, Any]] = json.loads(out)["containers"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"that is no list of containers: {said}") from error
    if any("labels" not in one for one in found):
        raise ValueError("its Skerry is older than this collection: bring it up to date with site.yml")
    return found


def by_api(url: str, token: str, ca: str) -> list[dict[str, Any]]:
    """The containers that an API tells of.

    Raises:
        ValueError: it told of none, and why.
    """
    try:
        found: list[dict[str, Any]] = ApiClient(url, token, str(Path(ca).expanduser()) if ca else "").call(
            "list"
        )["containers"]
    except EngineError as error:
        raise ValueError(str(error)) from error
    return found


def host_of(url: str) -> str:
    """The name of a host, from that of its API."""
    return (urllib.parse.urlsplit(url).hostname or "").removeprefix("api.")


def variables(container: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The variables of a container of a host."""
    found = {name: container.get(field) for name, field in _FIELDS.items()}
    own = {"ansible_connection": PLUGIN, "ansible_become_method": PLUGIN, "skerry_host": host}
    return own | found


def groups(of: Variables) -> Iterator[str]:
    """The groups that a container is in."""
    realm, project = of["skerry_realm"], of["skerry_project"]
    names = [
        "skerry_containers",
        f"realm_{realm}",
        f"project_{realm}_{project}",
        f"state_{of['skerry_state']}",
    ]
    names += [
        f"label_{key}_{value}" if value else f"label_{key}" for key, value in of["skerry_labels"].items()
    ]
    for name in names:
        yield str(to_safe_group_name(name, force=True, silent=True))


def problem_of_name(name: str, of: Variables, named: Mapping[str, Variables], taken: bool) -> str:
    """Why a container cannot have a name in the inventory; empty where it can.

    Args:
        name: the name.
        of: the container's variables.
        named: those of the containers that have a name by now.
        taken: whether the inventory has a host of that name.
    """
    this = _title(of)
    if not _NAME.fullmatch(name):
        return f"{name!r} is no name for {this}: let 'hostname' give letters, digits, dots, dashes and underscores"
    if name in named:
        return f"{this} and {_title(named[name])} would both be {name}: let 'hostname' tell them apart"
    if taken:
        return f"{this} would be {name}, which is another host of the inventory: let 'hostname' give it another name"
    return ""


def _title(of: Variables) -> str:
    return f"container {of['skerry_realm']}/{of['skerry_project']}/{of['skerry_container']} of {of['skerry_host']}"
