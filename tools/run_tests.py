"""Every test, each suite on the lab it needs, in one table.

`make test` runs the quick suites and each slow one whose receipt does not fit its inputs; `make test SUITES="unit proxy"`
runs those, `make test ALL=1` all of them. `python -m tools.run_tests --list` says of each what `make test` would do.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from tools import receipts, schedule
from tools.files import LOGS, ROOT, commit, listed
from tools.receipts import Receipt
from tools.schedule import Choice, Expected
from tools.suites import KERNEL, Suite, SuitesError, Tier, suites

TAIL_LINES = 30
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|deselected|xfailed|xpassed)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Molecule draws a box around what pytest prints.
SUMMARY = re.compile(r"^[\s│=]*\d+ (?:passed|failed|error|skipped|deselected).* in [\d.]+s", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """How a suite went."""

    suite: Suite
    seconds: float
    problem: str
    counts: Counter[str]
    log: Path
    note: str = ""
    """Why there is no receipt of it, though it passed."""


@dataclass(frozen=True)
class Run:
    """What the suites of a run share."""

    commit: str
    """That was checked out when it began."""
    digests: Mapping[str, str]
    """Of the inputs of every slow suite, by name, when it began."""
    root: Path = ROOT


def run_command(command: Sequence[str], log: IO[str], seconds: float, settings: Mapping[str, str]) -> str:
    """Run a command with its output in the log; what went wrong, or nothing. At the time limit it is killed."""
    log.write(f"\n$ {' '.join(command)}\n")
    log.flush()
    # A session of its own, so that everything it started can be ended with it.
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "160", **settings},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            code = process.wait(max(seconds, 1))
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return "out of time"
    return f"exit code {code}" if code else ""


def count(text: str) -> Counter[str]:
    """How many tests passed, failed and so on, from pytest's closing lines."""
    counts: Counter[str] = Counter()
    for line in SUMMARY.findall(COLOUR.sub("", text)):
        for number, kind in COUNT.findall(line):
            counts["error" if kind == "errors" else kind] += int(number)
    return counts


def run_suite(suite: Suite) -> Result:
    """Run a suite's commands in order; the cleaning ones in any case."""
    begin = time.monotonic()
    log = LOGS / f"test-{suite.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    problem = ""
    with log.open("w") as file:
        try:
            for command in suite.commands:
                left = begin + suite.minutes * 60 - time.monotonic()
                if problem := run_command(command, file, left, suite.settings):
                    break
        finally:
            for command in suite.always:
                failed = run_command(command, file, 120, suite.settings)
                problem = problem or (failed and f"clean-up: {failed}")
    counts = count(log.read_text())
    if not problem and counts["skipped"]:
        problem = "tests were skipped: each must run on the lab that has what it needs"
    return Result(suite, time.monotonic() - begin, problem, counts, log)


def with_receipt(suite: Suite, run: Run) -> Result:
    """Run a suite; where a slow one passed on inputs that stayed as they were, write its receipt."""
    if suite.tier is Tier.QUICK:
        return run_suite(suite)
    before = suite.digest(run.root)
    result = run_suite(suite)
    if result.problem:
        return result
    if not result.counts["passed"] or result.counts.keys() - {"passed", "deselected"}:
        return replace(result, note="no receipt: not every test passed")
    if suite.digest(run.root) != before:
        return replace(result, note="no receipt: its inputs changed while it ran")
    date = f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
    receipt = Receipt(suite.name, before, dict(result.counts), round(result.seconds), date, run.commit)
    receipts.write(receipt, {**run.digests, suite.name: before}, run.root)
    return result


def tally(counts: Mapping[str, int]) -> str:
    """How many tests of each kind."""
    return ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())) or "no tests counted"


def row(result: Result) -> str:
    """The line of a suite that ran."""
    outcome = f"FAILED ({result.problem})" if result.problem else "passed"
    line = f"{result.suite.name:<26}{result.suite.lab:<9}{result.seconds:7.1f}  {outcome}: {tally(result.counts)}"
    return f"{line} ({result.note})" if result.note else line


def held_row(suite: Suite, receipt: Receipt) -> str:
    """The line of a suite that did not run, since it passed on the same files."""
    since = f"held since {receipt.day} (digest {receipt.inputs[:8]})"
    return f"{suite.name:<26}{suite.lab:<9}{'-':>7}  {since}: {tally(receipt.counts)} then"


def tail(result: Result) -> str:
    """Where a failed suite's log is, and its end."""
    lines = result.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"\n--- {result.suite.name}: {result.log}", *lines])


def closing(results: Iterable[Result], seconds: float) -> str:
    """The last line, as pytest words it; what is held does not count."""
    total: Counter[str] = Counter()
    for result in results:
        total += result.counts
    kinds = [kind for kind in ("failed", "passed", "skipped", "error") if total[kind]]
    whole = ", ".join(f"{total[kind]} {kind}" for kind in kinds) or "no tests"
    return f"===== {whole} in {seconds:.1f}s ====="


def run_in_lanes(chosen: Sequence[Suite], lanes: int, seconds: Expected, run: Run) -> list[Result]:
    """Run suites, so many at a time, and print a line for each as it ends."""
    waiting = schedule.ordered(chosen, seconds)
    kernel = None
    running: set[Future[Result]] = set()
    results = []

    def ended(result: Result) -> None:
        results.append(result)
        print(row(result), flush=True)

    with ThreadPoolExecutor(lanes) as pool:
        while waiting or running:
            while len(running) < lanes and (suite := schedule.ready(waiting, kernel is not None)):
                waiting.remove(suite)
                if suite.kernel and kernel and kernel.problem:
                    ended(Result(suite, 0, f"no kernel: {kernel.problem}", Counter(), kernel.log))
                else:
                    running.add(pool.submit(with_receipt, suite, run))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                ended(future.result())
                if results[-1].suite is KERNEL:
                    kernel = results[-1]
    return results


def run_all(choice: Choice, lanes: int, seconds: Expected, run: Run, known: Mapping[str, Suite]) -> int:
    """Say what is to come, run it, and show what failed; the exit code."""
    begin = time.monotonic()
    print("\n".join(schedule.forecast(choice, lanes, seconds)))
    print(f"\n{'suite':<26}{'lab':<9}seconds  result", flush=True)
    for name, receipt in choice.held.items():
        print(held_row(known[name], receipt), flush=True)
    results = run_in_lanes(choice.run, lanes, seconds, run)
    failed = [result for result in results if result.problem]
    for result in failed:
        print(tail(result))
    if failed:
        # Again, below what failed: a log's end has the whole picture.
        print("\n".join(["", *map(row, results)]))
    if choice.held:
        print(f"{len(choice.held)} suites held, their tests not counted: {' '.join(sorted(choice.held))}")
    print(closing(results, time.monotonic() - begin))
    return 1 if failed else 0


def would(known: Iterable[Suite], choice: Choice, seconds: Expected) -> str:
    """Of each suite, what `make test` would do."""
    lines = [f"{'suite':<26}{'lab':<9}{'tier':<7}minutes  make test"]
    for suite in known:
        held = choice.held.get(suite.name)
        state = f"held since {held.day} (digest {held.inputs[:8]})" if held else "runs"
        minutes = seconds(suite) / 60
        lines.append(f"{suite.name:<26}{suite.lab:<9}{suite.tier:<7}{minutes:7.1f}  {state}")
    return "\n".join(lines)


def arguments_of(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="these, whatever their receipts say")
    parser.add_argument("--all", action="store_true", help="all, whatever their receipts say")
    parser.add_argument("--list", action="store_true", help="say of each what would be done")
    parser.add_argument("--side-by-side", type=int, default=2, choices=(1, 2), help="how many at once (2)")
    arguments = parser.parse_args(words)
    if arguments.all and arguments.suites:
        parser.error("ALL=1 or SUITES=…, not both")
    return arguments


def main(words: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the suites that the command line names, all, or those that have to run; the exit code."""
    arguments = arguments_of(words)
    try:
        known = {suite.name: suite for suite in suites(root)}
    except SuitesError as error:
        print(error, file=sys.stderr)
        return 2
    if unknown := [name for name in arguments.suites if name not in known]:
        print(f"no such suite: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    names = listed(root)
    digests = {suite.name: suite.digest(root, names) for suite in known.values() if suite.tier is Tier.SLOW}
    found, notes = receipts.read(root)
    seconds = schedule.expected(receipts.newest(found))
    lanes = arguments.side_by_side
    if arguments.suites or arguments.all:
        choice = Choice([known[name] for name in arguments.suites or known])
    else:
        choice = schedule.choose(list(known.values()), receipts.fitting(found, digests), lanes, seconds)
    print("\n".join(notes), end="\n" if notes else "")
    if arguments.list:
        print(would(known.values(), choice, seconds))
        return 0
    return run_all(choice, lanes, seconds, Run(commit(root), digests, root), known)


if __name__ == "__main__":
    sys.exit(main())
