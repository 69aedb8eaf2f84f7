"""Plays in containers of a lab's host, and the connection plugin called directly; each in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.playbooks import CHANGED

ROOT = Path(__file__).parents[2]
PLUGIN = "skerry.host.skerry"
Task = dict[str, Any]
# Of the usual kinds; where they run is all that differs.
THIRTEEN_TASKS: list[Task] = [
    {"ansible.builtin.ping": {}},
    {"ansible.builtin.command": "id"},
    {"ansible.builtin.copy": {"content": "one\n", "dest": "/tmp/speed"}},
    {"ansible.builtin.stat": {"path": "/tmp/speed"}},
    {"ansible.builtin.lineinfile": {"path": "/tmp/speed", "line": "two"}},
    {"ansible.builtin.slurp": {"src": "/tmp/speed"}},
    {"ansible.builtin.fetch": {"src": "/tmp/speed", "dest": "{{ fetched }}", "flat": True}},
    {"ansible.builtin.command": "sh -c 'exit 3'", "failed_when": False},
    {"ansible.builtin.shell": "head -c 300000 /dev/zero | tr '\\0' x"},
    {"ansible.builtin.file": {"path": "/tmp/speed.d", "state": "directory", "mode": "0750"}},
    {"ansible.builtin.setup": {"gather_subset": ["!all", "!min"]}},
    {"ansible.builtin.raw": "true"},
    {"ansible.builtin.file": {"path": "/tmp/speed.d", "state": "absent"}},
]
# As users have it: a lab's own runs are by Mitogen, whose strategy replaces what is looked at here.
SETTINGS = {"ANSIBLE_STRATEGY": "linear", "ANSIBLE_TIMEOUT": "60"}
# One connection, many calls of it: each a list of words, the answer a dictionary.
_DIRECT = """
import base64, json, sys, time
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader
from ansible.inventory.manager import InventoryManager
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

sources, name, calls = json.load(sys.stdin)
init_plugin_loader()
loader = DataLoader()
inventory = InventoryManager(loader, sources=sources)
manager = VariableManager(loader, inventory)
HostVars(inventory, manager, loader)
variables = manager.get_vars(host=inventory.get_host(name))
connection = connection_loader.get("skerry.host.skerry", PlayContext())
options = connection._resolve_option_variables(variables, Templar(loader, variables))
connection.set_options(var_options=options)

def answer(kind, *words):
    try:
        if kind != "exec":
            getattr(connection, kind)(*words)
            return {}
        command, data = (*words, None)[:2]
        code, out, err = connection.exec_command(command, data and data.encode(), sudoable=False)
        return {"code": code, "out": out.decode(), "err": err.decode()}
    except AnsibleError as error:
        return {"error": type(error).__name__, "said": str(error)}

for call in calls:
    began = time.monotonic()
    print(json.dumps(answer(*call) | {"seconds": time.monotonic() - began}), flush=True)
"""


@dataclass(frozen=True)
class Played:
    """A play that has run: what Ansible printed, its exit code, what each task registered returned, by that name."""

    output: str
    code: int
    results: dict[str, Any]
    seconds: float

    @property
    def changed(self) -> list[str]:
        """The tasks that changed something."""
        return [match["changed"] for match in CHANGED.finditer(self.output) if match["changed"]]

    def ok(self) -> "Played":
        """Itself, where the play went well."""
        assert self.code == 0, self.output
        return self


@dataclass(frozen=True)
class Inventory:
    """A lab's inventory, and beside it a file that has containers of its host."""

    lab: str
    folder: Path

    def write(self, **hosts: Mapping[str, Any]) -> "Inventory":
        """Write containers down as people do, by hand: each with its variables; of the host with the name only."""
        own = {"ansible_connection": PLUGIN, "ansible_become_method": PLUGIN, "skerry_host": self.lab}
        found = {name: own | dict(variables) for name, variables in hosts.items()}
        text = {"containers": {"hosts": found}}
        (self.folder / "containers.yml").write_text(yaml.safe_dump(text))
        return self

    @property
    def sources(self) -> list[str]:
        """The files, those of the hosts first."""
        return [str(ROOT / "inventories" / "lab"), *map(str, sorted(self.folder.glob("containers*.yml")))]

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run one of Ansible's programs on it."""
        inventory = [word for source in self.sources for word in ("-i", source)]
        environment = {**os.environ, **SETTINGS, **settings}
        return subprocess.run(
            [words[0], *inventory, *words[1:]],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            check=False,
            timeout=900,
        )

    def play(
        self,
        hosts: str,
        tasks: Sequence[Task],
        *options: str,
        settings: Mapping[str, str] | None = None,
        **play: Any,
    ) -> Played:
        """Run tasks; what those returned that are registered, of the last host that had them."""
        names = [task["register"] for task in tasks if "register" in task]
        answers = self.folder / "answers.json"
        answers.write_text("{}")
        content = {name: f"{{{{ {name} }}}}" for name in names}
        keep = {
            "ansible.builtin.copy": {"content": content, "dest": str(answers)},
            "delegate_to": "localhost",
            "vars": {"ansible_connection": "local", "ansible_become": False},
        }
        book = self.folder / "play.yml"
        named = [{"name": f"Do {number}", **task} for number, task in enumerate(tasks)]
        whole = {
            "name": "Tasks",
            "hosts": hosts,
            "gather_facts": False,
            **play,
            "tasks": named + [keep] * bool(names),
        }
        book.write_text(yaml.safe_dump([whole], sort_keys=False))
        began = time.monotonic()
        done = self.run("ansible-playbook", str(book), *options, **(settings or {}))
        seconds = time.monotonic() - began
        return Played(done.stdout + done.stderr, done.returncode, json.loads(answers.read_text()), seconds)

    def call(self, name: str, *calls: Sequence[str]) -> list[dict[str, Any]]:
        """Call the plugin's ``exec`` (command, data), ``put_file`` and ``fetch_file``, in order; what each answered."""
        with self.begin(name, *calls) as process:
            out, err = process.communicate(timeout=900)
        assert process.returncode == 0, err
        return [json.loads(line) for line in out.splitlines()]

    def begin(self, name: str, *calls: Sequence[str]) -> subprocess.Popen[str]:
        """As :meth:`call`, but only begun."""
        process = subprocess.Popen(
            [sys.executable, "-c", _DIRECT],
            cwd=ROOT,
            env={**os.environ, **SETTINGS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps([self.sources, name, calls]))
        process.stdin.close()
        process.stdin = None
        return process
