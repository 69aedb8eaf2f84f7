"""The gate: every check, as many at once as there are processors, in one table."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tools.files import LOGS, ROOT, is_shell, repository_files

SHOWN_LINES = 40
# Collections in the user's own ~/.ansible would hide those of this repository from ansible-lint.
ENVIRONMENT = {"ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"), "NO_COLOR": "1"}


@dataclass(frozen=True)
class Check:
    """A check's name and its command; it passes when the command exits with 0."""

    name: str
    command: Sequence[str]


@dataclass(frozen=True)
class Result:
    """How a check went."""

    name: str
    seconds: float
    ok: bool
    output: str


def program(name: str, *arguments: str) -> list[str]:
    """A command of one of .venv's programs."""
    return [str(ROOT / ".venv" / "bin" / name), *arguments]


def tool(name: str, *arguments: str) -> list[str]:
    """A command of one of this folder's checks."""
    return [sys.executable, "-m", f"tools.{name}", *arguments]


def checks() -> list[Check]:
    """Every check of the gate, the slowest first."""
    files = repository_files()
    shell_files = [str(path) for path in files if is_shell(path)]
    return [
        Check("ansible-lint (production)", program("ansible-lint", "--offline", "-q", "--nocolor")),
        Check("ansible-test sanity", tool("check_sanity")),
        Check("mypy (strict)", program("mypy", "src", "plugins", "tools")),
        Check("documentation of plugins", tool("check_plugin_docs")),
        Check("collection builds, plugins found", tool("check_collection")),
        Check("reference pages are current", tool("gen_docs", "--check")),
        Check("yamllint", program("yamllint", "--strict", ".")),
        Check("import-linter", program("lint-imports", "--no-logo", "--cache-dir", ".cache/import_linter")),
        Check("shellcheck", program("shellcheck", *shell_files)),
        Check("argument specs = defaults", tool("check_argument_specs")),
        Check("module options = model", tool("gen_module_options", "--check")),
        Check("functions: length, types, docs", tool("check_functions")),
        Check("spelling", program("codespell", *map(str, files))),
        Check("links in pages", tool("check_links")),
        Check("prose of pages", tool("check_prose")),
        Check("names of tasks", tool("check_task_names")),
        Check("ruff format", program("ruff", "format", "--check", "--output-format=concise", ".")),
        Check("ruff", program("ruff", "check", "--quiet", "--output-format=concise", ".")),
    ]


def run(check: Check) -> Result:
    """Run a check and time it."""
    begin = time.monotonic()
    answer = subprocess.run(
        check.command,
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Result(check.name, time.monotonic() - begin, answer.returncode == 0, answer.stdout.strip())


def shortened(result: Result) -> str:
    """What a check said: all of it, or the first lines and the file that has the rest."""
    lines = result.output.splitlines()
    if len(lines) <= SHOWN_LINES:
        return result.output
    log = LOGS / f"{result.name.split()[0]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(result.output)
    return "\n".join(
        [*lines[:SHOWN_LINES], f"... {len(lines) - SHOWN_LINES} more lines: {log.relative_to(ROOT)}"]
    )


def main(wanted: Sequence[Check] | None = None) -> int:
    """Run the checks, print a line for each as it ends, then what the failed ones said; the exit code."""
    begin = time.monotonic()
    failed: list[Result] = []
    print("seconds  ok    check", flush=True)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for future in as_completed([pool.submit(run, check) for check in wanted or checks()]):
            result = future.result()
            print(f"{result.seconds:7.1f}  {'yes' if result.ok else 'NO ':4}  {result.name}", flush=True)
            if not result.ok:
                failed.append(result)
    for result in failed:
        print(f"\n--- {result.name}\n{shortened(result)}")
    print(f"{time.monotonic() - begin:7.1f}  {'NO ' if failed else 'yes':4}  all")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
