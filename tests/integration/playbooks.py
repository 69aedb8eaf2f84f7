"""Runs playbooks as a user does, and reads what Ansible prints."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHANGED = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?P<task>.*)\]|^(?P<changed>changed: .*)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """A finished run of a playbook on one host."""

    output: str
    code: int

    @property
    def changed(self) -> list[str]:
        """The tasks that changed something, an entry each (of a loop: each item)."""
        found, task = [], ""
        for match in CHANGED.finditer(self.output):
            if match["changed"]:
                found.append(f"{task}: {match['changed']}")
            task = match["task"] or task
        return found

    def ok(self) -> "Run":
        """Itself, when it went well."""
        assert self.code == 0, self.output
        return self


def play(lab: str, playbook: str, *options: str) -> Run:
    """Run a playbook of this repository on a lab."""
    command = ["ansible-playbook", "--limit", lab, playbook, *options]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, timeout=900)
    return Run(done.stdout + done.stderr, done.returncode)
