"""A long proof: `make proof NAME=…` runs it and keeps what it printed.

NAME is that of tests/proofs/test_NAME.py, with - for _; what it printed goes into docs/proofs/NAME.md.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tools.files import ROOT, commit

# As skerry_lab/progress.py prints it every 15 s.
SIGN_OF_LIFE = re.compile(r"\[ *[\d.]+ s\] … ")


def page(name: str, root: Path, outcome: str, output: str) -> str:
    """The page that keeps a proof, without the signs of life."""
    lines = [line for line in output.strip().splitlines() if not SIGN_OF_LIFE.match(line)]
    said = "\n".join(lines)
    return f"""# Proof: {name}

| | |
|---|---|
| outcome | {outcome} |
| when | {datetime.now(UTC):%Y-%m-%d %H:%M} UTC |
| commit | {commit(root)} |
| machine | {os.cpu_count()} processors, Linux {platform.release()} |
| again | `make proof NAME={name}` |

```text
{said}
```
"""


def run(test: Path, root: Path) -> tuple[int, str]:
    """Run a proof with its output on the screen as well; exit code and output."""
    command = [sys.executable, "-u", "-m", "pytest", "-q", "--capture=no", str(test)]
    lines = []
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def main(root: Path = ROOT) -> int:
    """Run the proof that the command line names, and keep it; its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="a proof: the NAME of tests/proofs/test_NAME.py")
    name = parser.parse_args().name
    test = root / "tests" / "proofs" / f"test_{name.replace('-', '_')}.py"
    if not test.exists():
        known = sorted(
            path.stem.removeprefix("test_").replace("_", "-") for path in test.parent.glob("test_*.py")
        )
        parser.error(f"no such proof: {name}; there are: {', '.join(known) or 'none yet'}")
    code, output = run(test, root)
    kept = root / "docs" / "proofs" / f"{name}.md"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(page(name, root, "held" if code == 0 else "FAILED", output))
    print(f"kept in {kept.relative_to(root)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
