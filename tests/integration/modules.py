"""Calls of the modules, many in one play: what each returned."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.playbooks import play

Result = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One task: the module's options, and whether only in check mode."""

    options: dict[str, Any]
    check: bool = False
    module: str = "skerry_container"


def call(lab: str, folder: Path, *calls: Call) -> list[Result]:
    """Run the calls one after another, whether or not one fails; what each returned."""
    return run(lab, folder, *calls)[0]


def run(lab: str, folder: Path, *calls: Call, options: Sequence[str] = ()) -> tuple[list[Result], str]:
    """As :func:`call`, with options of ansible-playbook; also what that printed."""
    answers = folder / "answers.json"
    tasks = [
        {
            "name": f"Call {number}",
            f"skerry.host.{one.module}": one.options,
            "check_mode": one.check,
            "diff": True,
            "ignore_errors": True,
            "register": f"answer_{number}",
        }
        for number, one in enumerate(calls)
    ]
    names = ", ".join(f"answer_{number}" for number in range(len(calls)))
    keep = {
        "name": "Keep the answers",
        "ansible.builtin.copy": {"content": f"{{{{ [{names}] | to_json }}}}", "dest": str(answers)},
        "delegate_to": "localhost",
    }
    book = folder / "calls.yml"
    plays = [{"name": "Calls", "hosts": "skerry_hosts", "gather_facts": False, "tasks": [*tasks, keep]}]
    book.write_text(yaml.safe_dump(plays, sort_keys=False))
    output = play(lab, str(book), *options).ok().output
    found: list[Result] = json.loads(answers.read_text())
    return found, output


def four_beats(options: dict[str, Any]) -> list[Call]:
    """Check, do, do again, check again."""
    return [Call(options, check=True), Call(options), Call(options), Call(options, check=True)]
