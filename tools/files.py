"""Which files the checks look at."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

SHELL = re.compile(rb"#!.*\b(ba|da)?sh\b")
ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache" / "logs"


def listed(root: Path = ROOT) -> list[str]:
    """The name of every file that git tracks or would, below `root`, sorted; links too, and files that are gone.

    Raises:
        subprocess.CalledProcessError: `root` is not a git checkout.
    """
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z"]
    answer = subprocess.run(
        [*command, "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    return sorted({name for name in answer.stdout.split("\0") if name})


def repository_files(root: Path = ROOT) -> list[Path]:
    """Every file that git tracks or would: links are left out, since their targets come anyway.

    Raises:
        subprocess.CalledProcessError: `root` is not a git checkout.
    """
    paths = [root / name for name in listed(root)]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def commit(root: Path = ROOT) -> str:
    """The commit that is checked out, and whether files differ from it (`-dirty`).

    Raises:
        subprocess.CalledProcessError: `root` is not a git checkout, or has no commit.
    """
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "describe"]
    words = [*command, "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def tracked_files(root: Path = ROOT) -> list[Path]:
    """Every file that git tracks and that is there, links among them.

    Raises:
        subprocess.CalledProcessError: `root` is not a git checkout.
    """
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    paths = [root / name for name in answer.stdout.split("\0") if name]
    return [path for path in paths if path.is_symlink() or path.exists()]


def is_shell(path: Path) -> bool:
    """Whether a file is a shell script, by its name or its first line."""
    if path.suffix:
        return path.suffix == ".sh"
    with path.open("rb") as file:
        return SHELL.match(file.readline(80)) is not None


def report(problems: Iterable[str]) -> int:
    """Print the problems a check found; its exit code."""
    found = list(problems)
    for problem in found:
        print(problem)
    return 1 if found else 0
