"""The documentation of modules, plugins and roles: its markup, its types, and that what it refers to is there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.environments import EnvironmentFailed, environment
from tools.files import ROOT, report

# Its pages are for ansible.com: ours come from tools/gen_docs.py, so nobody looks for slips of their reStructuredText.
WORDS = ("lint-collection-docs", "--plugin-docs", "--skip-rstcheck", "--validate-collection-refs", "self")


def check(root: Path) -> Iterator[str]:
    """What antsibull-docs finds in a collection, a line each.

    Raises:
        EnvironmentFailed: it cannot be installed.
    """
    programs = environment("antsibull")
    # It asks ansible-doc, which is in .venv.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    answer = subprocess.run(
        [str(programs / "antsibull-docs"), *WORDS, str(root)],
        env={**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(root / "collections")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode:
        yield from answer.stdout.splitlines() or [f"antsibull-docs: exit code {answer.returncode}"]


def main(root: Path = ROOT) -> int:
    """Check the collection; the exit code."""
    try:
        return report(check(root))
    except EnvironmentFailed as error:
        return report([str(error)])


if __name__ == "__main__":
    sys.exit(main())
