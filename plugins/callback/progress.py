# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""Ansible's default output, with the time on every line that starts something and help after a failure."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Stage, host, task and elapsed time while it works; the unit's journal when it fails
description:
  - Ansible's default output with less air. Each stage (play) and task is printed with the time since
    the start.
  - After a failure it shows the journal of the unit concerned. A module may return it as RV(ignore:journal);
    when a task that manages a unit fails, its journal is fetched from the host. Then it says what to do next.
  - At the end it prints the seconds each stage took, and the number of tasks on each host. Who starts it may have the
    stages as JSON as well, in the file that E(SKERRY_STAGES_FILE) names.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
author: The Skerry authors (@skerry)
"""

import json
import os
import subprocess  # noqa: TID251 (Ansible itself fetches a failed unit's journal)
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible import context
from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import CallbackTaskResult
from ansible.inventory.host import Host
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

from ..plugin_utils.skerry_text import printable

UNIT_MODULES = {"systemd", "systemd_service", "service"}
JOURNAL_LINES = 30

# Ansible calls that a success; where --limit leaves nobody, it ends with this code as well.
NOBODY_CODE = 1
NOBODY = (
    "Nothing was done: the inventory has no such server. Without -i, or ANSIBLE_INVENTORY, commands go to the labs "
    "(make lab-list)."
)


def clock(seconds: float) -> str:
    """Minutes and seconds, as in 02:07."""
    return f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"


def failed_part(result: dict[str, Any]) -> dict[str, Any]:
    """Of a loop's result the first item that failed; any other result as it is."""
    items = [item for item in result.get("results", []) if isinstance(item, dict) and item.get("failed")]
    return items[0] if items else result


def failed_unit(action: str, result: dict[str, Any]) -> str | None:
    """The systemd unit that a failed result is about: named by the module, or managed by the task."""
    if unit := result.get("unit"):
        return str(unit)
    if action.rpartition(".")[2] in UNIT_MODULES:
        arguments = result.get("invocation", {}).get("module_args", {})
        return arguments.get("name") or result.get("name")
    return None


def fetch_journal(host: str, unit: str) -> str:
    """The last lines of a unit's journal, by the same inventory and connection as the running play."""
    inventory = [option for source in context.CLIARGS.get("inventory") or () for option in ("-i", source)]
    journalctl = f"journalctl --no-pager --output=short --lines={JOURNAL_LINES} --unit={unit}"
    command = [sys.executable, "-m", "ansible", "adhoc", host, *inventory, "--become"]
    command += ["--module-name", "ansible.builtin.command", "--args", journalctl]
    try:
        answer = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"(not to be had: {error})"
    # The first line only says host, status and exit code.
    return answer.stdout.partition("\n")[2] or f"(not to be had: {answer.stderr or answer.stdout})"


def next_step(host: str, unit: str | None, result: dict[str, Any]) -> str:
    """What to do after a failure, in a line: the module's own advice, or the place to look."""
    if advice := result.get("next"):
        return str(advice)
    if result.get("unreachable"):
        return f"try `ansible {host} -m ansible.builtin.ping -vvv`; it shows the ssh command and its answer."
    if unit:
        return f"on {host}: `systemctl status {unit}`; mend the cause, then run the same command again."
    return "mend what the message names, then run the same command again: what is done stays done."


class CallbackModule(DefaultCallback):
    """The stdout callback `skerry.host.progress`."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "skerry.host.progress"

    def __init__(self) -> None:
        super().__init__()
        self._begin = time.monotonic()
        self._stages: list[tuple[str, float]] = []
        self._tasks: Counter[str] = Counter()
        self._nobody = False

    def _now(self) -> str:
        return clock(time.monotonic() - self._begin)

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """Begin a stage."""
        self._play = play
        name = play.get_name().strip()
        self._stages.append((name, time.monotonic()))
        dry = " [CHECK MODE]" if play.check_mode else ""
        self._display.display(f"\nPLAY [{name}] {self._now()}{dry}", color="bright blue")

    def _print_task_banner(self, task: Task) -> None:
        # "TASK [name]" and "changed: [host]" begin their lines: Molecule's idempotence check reads them.
        kind = self._task_type_cache.get(task._uuid, "TASK")
        name = self._last_task_name or task.get_name().strip()
        dry = " [CHECK MODE]" if task.check_mode else ""
        self._display.display(f"{kind} [{name}] {self._now()}{dry}")
        if self._display.verbosity >= 2:
            self._print_task_path(task)
        self._last_task_banner = task._uuid

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        """Count the task."""
        self._tasks[host.get_name()] += 1
        super().v2_runner_on_start(host, task)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        """Say nothing of what was skipped, unless asked with -v."""
        if self._display.verbosity:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_skipped(self, result: CallbackTaskResult) -> None:
        """Say nothing of an item that was skipped, unless asked with -v."""
        if self._display.verbosity:
            super().v2_runner_item_on_skipped(result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """Show the failure; unless it is ignored, the journal behind it and what to do next."""
        # Taken first: printing a result empties it.
        failed = dict(failed_part(result.result))
        result.result.pop("journal", None)
        super().v2_runner_on_failed(result, ignore_errors)
        if not ignore_errors:
            self._help(result.host.get_name(), result.task.action, failed)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """Show that a host does not answer; unless that is ignored, what to do next."""
        super().v2_runner_on_unreachable(result)
        if not result.task.ignore_unreachable:
            self._help(result.host.get_name(), result.task.action, {"unreachable": True})

    def _help(self, host: str, action: str, failed: dict[str, Any]) -> None:
        unit = failed_unit(action, failed)
        journal = failed.get("journal") or (fetch_journal(host, unit) if unit else None)
        if journal:
            self._display.display(f"The journal of {unit or 'the unit'} on {host}:", color="red")
            for line in printable(journal).splitlines():
                self._display.display(f"  | {line}")
        self._display.display(f"Next: {printable(next_step(host, unit, failed))}", color="bright yellow")

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Close with Ansible's recap, then the seconds of each stage and the tasks of each host."""
        super().v2_playbook_on_stats(stats)
        end = time.monotonic()
        stages = list(self._seconds(end))
        if wanted := os.environ.get("SKERRY_STAGES_FILE"):
            Path(wanted).write_text(json.dumps(stages), encoding="utf-8")
        self._display.display("seconds  stage")
        for name, seconds in stages:
            self._display.display(f"{seconds:7.1f}  {name}")
        hosts = ", ".join(f"{host} {count}" for host, count in sorted(self._tasks.items()))
        self._display.display(f"{end - self._begin:7.1f}  in all; tasks: {hosts or 'none'}")
        if self._nobody and not stats.processed:
            self._display.display(NOBODY, color="red")
            # Ansible has no other way to say so; what it does after this callback, it does for an exit, too.
            raise SystemExit(NOBODY_CODE)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Note that a stage had no host."""
        self._nobody = True
        super().v2_playbook_on_no_hosts_matched()

    def _seconds(self, end: float) -> Iterator[tuple[str, float]]:
        ends = [stage[1] for stage in self._stages[1:]] + [end]
        for (name, begin), stop in zip(self._stages, ends, strict=True):
            yield name, stop - begin
