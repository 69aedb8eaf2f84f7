# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The filter skerry.host.host_status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: host_status
short_description: How a server stands, as a row of a table
description: Puts together what the tasks of playbooks/status.yml found out about a server.
author: The Skerry authors (@skerry)
options:
  _input:
    description: The server's variables, with what the tasks registered.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the status of a server
  ansible.builtin.debug:
    msg: "{{ hostvars[inventory_hostname] | skerry.host.host_status }}"
"""

RETURN = r"""
_value:
  description: host, state, kernel, encrypted, and what to do next.
  type: dict
"""

_MIRROR = {
    "half": ("half a mirror", "replace the dead disk: docs/how-to/replace-a-disk.md"),
    "rebuilding": ("mirror rebuilds", "wait"),
}
_UNREACHABLE = ("unreachable", "is it on? its console tells")


def host_status(host: Mapping[str, Any]) -> dict[str, str]:
    """The row of a server; its state is running, locked, unreachable, unknown, or what its mirror or its door says."""
    name = str(host["inventory_hostname"])
    answer = host.get("status_answer") or {}
    if answer.get("unreachable") or "stdout" not in answer:
        state, advice = _from_outside(name, host.get("unlock_found") or {})
        return {"host": name, "state": state, "kernel": "", "encrypted": "", "next": advice}
    if answer.get("rc"):
        why = (str(answer.get("stderr", "")).splitlines() or ["it said nothing"])[-1]
        return {
            "host": name,
            "state": "unknown",
            "kernel": "",
            "encrypted": "",
            "next": f"skerry-boot status: {why}",
        }
    told = _told(str(answer["stdout"]))
    state, advice = _MIRROR.get(
        told.get("mirror", ""), ("running", _kernels(name, told.get("kernels") or {}))
    )
    encrypted = {True: "yes", False: "no"}.get(told.get("encrypted"), "")  # type: ignore[arg-type]
    return {"host": name, "state": state, "kernel": told["kernel"], "encrypted": encrypted, "next": advice}


def _kernels(name: str, kernels: Mapping[str, Any]) -> str:
    """What is to be said of the kernels that a server has: one waits for its trial, or was given up and is still there."""
    last = kernels.get("last_trial") or {}
    if kernels.get("candidate"):
        return f"try kernel {kernels['candidate']}: ansible-playbook playbooks/kernel/trial.yml -l {name}"
    if last.get("version") in kernels.get("unproven", ()) and not last["proven"]:
        return f"kernel {last['version']} was given up: {last['reason']}"
    return ""


def _from_outside(name: str, found: Mapping[str, Any]) -> tuple[str, str]:
    if found.get("found") == "locked":
        return "locked", f"ansible-playbook playbooks/unlock.yml -l {name}"
    if found.get("code", "no_answer") != "no_answer":
        return str(found["code"]).replace("_", " "), str(found.get("msg", ""))
    return _UNREACHABLE


def _told(stdout: str) -> dict[str, Any]:
    """What `skerry-boot status --json` said, or a machine without it: only its kernel."""
    if stdout.startswith("{"):
        told: dict[str, Any] = json.loads(stdout)
        return told
    return {"kernel": stdout}


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., dict[str, str]]]:
        """The filters of this file by name."""
        return {"host_status": host_status}
