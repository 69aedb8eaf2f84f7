# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The action skerry.host.variables: refuses variables of the command line and of the inventory that nobody declares."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from ansible import context
from ansible.parsing.vault import EncryptedString
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ..plugin_utils.variables import (
    OLD_NAMES,
    ROOT,
    Takes,
    mentioned,
    misspelt,
    ours,
    refusal,
    takes,
    unknown,
)

UNDONE = "Nothing was done."


def texts(value: Any) -> Iterator[str]:
    """Every text inside a value, but for what is encrypted."""
    if isinstance(value, EncryptedString):
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)


class ActionModule(ActionBase):
    """Runs once, on the controller, and reaches no host."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Refuse what is wrong with the variables, before anything is done."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        problem = self._problem(task_vars or {})
        return result | ({"failed": True, "msg": problem} if problem else {"changed": False})

    def _problem(self, task_vars: Mapping[str, Any]) -> str:
        here = Path(str(self._task.get_path()).rpartition(":")[0]).resolve()
        named = [ours(argument) for argument in context.CLIARGS.get("args", ())]
        books = [book for book in named if book] or [here]
        title = os.path.relpath(books[0], ROOT)
        taken = reduce(or_, (takes(book) for book in books))
        hosts = self._inventory(task_vars)
        extra = load_extra_vars(self._loader)
        # A playbook of somebody else's that imports this one has variables of its own.
        wrong = unknown(extra, taken) if all(named) else list(misspelt(extra))
        if wrong:
            wrong = [name for name in wrong if name not in mentioned(wrong, texts(hosts))]
        if wrong:
            return f"{refusal(wrong, taken, title)} {UNDONE}"
        self._warn(taken, extra)
        return (
            self._missing(task_vars, takes(here), title)
            or self._in_inventory(hosts, extra)
            or self._several(task_vars)
        )

    def _warn(self, taken: Takes, extra: Mapping[str, Any]) -> None:
        for old, new in taken.old_names().items():
            if old in extra:
                note = "is ignored beside it" if new in extra else "still works"
                self._display.warning(f"The variable {old} is {new} now; {old} {note}.")

    def _inventory(self, task_vars: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """The variables of each host, as they are written down."""
        hostvars = task_vars["hostvars"]
        return {host: hostvars.raw_get(host) for host in task_vars.get("ansible_play_hosts_all", ())}

    def _missing(self, task_vars: Mapping[str, Any], taken: Takes, title: str) -> str:
        before = {new: old for old, new in OLD_NAMES.items()}
        missing = {
            name: example
            for name, example in taken.required.items()
            if task_vars.get(name, task_vars.get(before.get(name, name))) in (None, "")
        }
        told = " ".join(f"-e {name}={example}" for name, example in missing.items())
        return f"{title} needs {', '.join(missing)}: {told}. {UNDONE}" if missing else ""

    def _in_inventory(self, hosts: Mapping[str, Mapping[str, Any]], extra: Mapping[str, Any]) -> str:
        found: dict[str, list[str]] = {}
        for host, variables in hosts.items():
            for name, why in misspelt(set(variables) - set(extra)).items():
                found.setdefault(f"{name}: {why}", []).append(host)
        told = " ".join(f"{problem} (inventory, {', '.join(on)})" for problem, on in found.items())
        return f"{told}. What there is: docs/reference/roles.md. {UNDONE}" if told else ""

    def _several(self, task_vars: Mapping[str, Any]) -> str:
        hosts = sorted(task_vars.get("ansible_play_hosts_all", ()))
        chosen = task_vars.get("target") is not None or task_vars.get("ansible_limit") is not None
        if chosen or len(hosts) < 2 or not self._task.args.get("one_host"):
            return ""
        name = self._templar.template(task_vars.get("container_name", task_vars.get("name")))
        return (
            f"No host was chosen, and this would be done to a container {name} on each of {', '.join(hosts)}. {UNDONE} "
            "Choose one with -l HOST; or say that you mean them all with -e target=skerry_hosts."
        )
