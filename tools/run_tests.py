"""Every test, each suite on the lab it needs, in one table.

`make test` runs all suites; `make test SUITES="unit fast"` some; `python -m tools.run_tests --list` names them.
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
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from skerry_lab import mitogen
from tools.files import LOGS, ROOT

TAIL_LINES = 30
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|deselected|xfailed|xpassed)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Molecule draws a box around what pytest prints.
SUMMARY = re.compile(r"^[\s│=]*\d+ (?:passed|failed|error|skipped|deselected).* in [\d.]+s", re.MULTILINE)


@dataclass(frozen=True)
class Suite:
    """Tests that belong together: the commands run in order, the last ones always, to clean up."""

    name: str
    lab: str
    minutes: int
    commands: Sequence[Sequence[str]]
    always: Sequence[Sequence[str]] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    kernel: bool = False
    """Whether it boots the hardened kernel: its own minutes begin when that is built."""


@dataclass(frozen=True)
class Result:
    """How a suite went."""

    suite: Suite
    seconds: float
    problem: str
    counts: Counter[str]
    log: Path


def pytest(*arguments: str) -> list[str]:
    """A pytest run."""
    return [sys.executable, "-m", "pytest", "-q", *arguments]


def on_fast_lab() -> Suite:
    """A suite on a platform of its own: the lab comes up, site.yml makes a platform of it, the tests, the end."""
    machine = "test-fast"
    lab = [sys.executable, "-m", "skerry_lab"]
    commands = [
        ["tools/test_programs.sh"],
        [*lab, "up", machine, "--owner", "test", "--fresh"],
        ["ansible-playbook", "site.yml"],
        pytest("--durations=10", "tests/integration"),
    ]
    # Ansible as users have it, without Mitogen, is what the scenario base_system runs on.
    settings = {"SKERRY_LAB": machine, **mitogen.environment()}
    return Suite("fast", "fast", 30, commands, always=[[*lab, "down", machine]], settings=settings)


# Where the cache has it, this takes seconds. It is a suite's equal: at leisure it would be what all wait for at the end.
KERNEL = Suite("kernel-lab", "-", 60, [[sys.executable, "-m", "skerry_kernel", "build", "lab"]])


def suites(root: Path = ROOT) -> list[Suite]:
    """Every suite there is, found by its folder: the quick one first, then the longest, which nothing shall wait for."""
    found = [Suite("unit", "-", 5, [pytest("tests/unit")])]
    for name in ("install", "mirror"):
        if (root / "tests" / name).is_dir():
            test = [["tools/test_programs.sh"], pytest("--durations=10", f"tests/{name}")]
            found.append(Suite(name, "its own", 65, test))
    if (root / "tests" / "integration").is_dir():
        found.append(on_fast_lab())
    if (root / "tests" / "journeys").is_dir():
        # tests/system as well, on the machine of `make lab`.
        test = [pytest("--durations=10", "tests/journeys")]
        found.append(Suite("journeys", "its own", 50, test, kernel=True))
    for scenario in sorted((root / "molecule").glob("*/molecule.yml")):
        name = scenario.parent.name
        # It ends its lab itself; one that was killed is ended by the next run.
        test = [["molecule", "test", "--scenario-name", name]]
        found.append(Suite(f"molecule-{name}", "its own", 15, test, kernel=name == "hardened_kernel"))
    if (root / "tests" / "kernel").is_dir():
        # Configuration and source only: the kernel itself is `KERNEL`.
        found.append(Suite("kernel", "-", 15, [pytest("--durations=5", "tests/kernel")]))
    return found


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


def after_kernel(suite: Suite, kernel: Future[Result]) -> Result:
    """Run a suite when the kernel is there; without it, no test of it can run."""
    built = kernel.result()
    if built.problem:
        return Result(suite, 0, f"no kernel: {built.problem}", Counter(), built.log)
    return run_suite(suite)


def row(result: Result) -> str:
    """A suite's line of the table."""
    tally = (
        ", ".join(f"{number} {kind}" for kind, number in sorted(result.counts.items())) or "no tests counted"
    )
    outcome = f"FAILED ({result.problem})" if result.problem else "ok"
    return f"{result.suite.name:<26}{result.suite.lab:<9}{result.seconds:7.1f}  {outcome}: {tally}"


def tail(result: Result) -> str:
    """Where a failed suite's log is, and its end."""
    lines = result.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"\n--- {result.suite.name}: {result.log}", *lines])


def closing(results: Iterable[Result], seconds: float) -> str:
    """The last line, as pytest words it."""
    total: Counter[str] = Counter()
    for result in results:
        total += result.counts
    kinds = [kind for kind in ("failed", "passed", "skipped", "error") if total[kind]]
    tally = ", ".join(f"{total[kind]} {kind}" for kind in kinds) or "no tests"
    return f"===== {tally} in {seconds:.1f}s ====="


def submit(chosen: Sequence[Suite], pool: Executor) -> list[Future[Result]]:
    """The suites in order, in the pool; first of all, the kernel that some of them boot."""
    if not any(suite.kernel for suite in chosen):
        return [pool.submit(run_suite, suite) for suite in chosen]
    kernel = pool.submit(run_suite, KERNEL)
    return [
        kernel,
        *(
            pool.submit(after_kernel, suite, kernel) if suite.kernel else pool.submit(run_suite, suite)
            for suite in chosen
        ),
    ]


def run_all(chosen: Sequence[Suite], side_by_side: int) -> int:
    """Run suites, print a line for each as it ends and what failed; the exit code."""
    begin = time.monotonic()
    results = []
    print(f"{'suite':<26}{'lab':<9}seconds  result", flush=True)
    with ThreadPoolExecutor(side_by_side) as pool:
        for future in as_completed(submit(chosen, pool)):
            results.append(future.result())
            print(row(results[-1]), flush=True)
    failed = [result for result in results if result.problem]
    for result in failed:
        print(tail(result))
    print(closing(results, time.monotonic() - begin))
    return 1 if failed else 0


def main() -> int:
    """Run the suites that the command line names, or all; the exit code."""
    known = {suite.name: suite for suite in suites()}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="all of them when none is named")
    parser.add_argument("--list", action="store_true", help="name the suites")
    parser.add_argument("--side-by-side", type=int, default=2, choices=(1, 2), help="how many at once (2)")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(known))
        return 0
    if unknown := [name for name in arguments.suites if name not in known]:
        parser.error(f"no such suite: {', '.join(unknown)}; there are: {', '.join(known)}")
    return run_all([known[name] for name in arguments.suites or known], arguments.side_by_side)


if __name__ == "__main__":
    sys.exit(main())
