"""`ansible-test sanity` on what the collection ships, in a tree and a home of its own below .cache."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

from tools.build_collection import export
from tools.files import ROOT, listed, report
from tools.inputs import digest

CACHE = ROOT / ".cache" / "sanity"
# What ansible-test reads of tests/, which galaxy.yml keeps out of the archive.
KEPT = ("tests/sanity/", "tests/config.yml")
# In place of a script that ansible-test fetches from a server of its own: packages come by pip alone.
BOOTSTRAP = "import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n"
# One for each pip that an ansible-core of ours names: 2.19, then 2.20 and 2.21.
BOOTSTRAPS = ("get_pip_24_2.py", "get_pip_25_2.py")
BIN = Path(sys.executable).parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
NOISE = ("ERROR: Found ", "FATAL: The ")


@dataclass(frozen=True)
class Run:
    """Some of the tests in one go.

    Attributes:
        name: of the file below .cache that says what they passed on.
        words: what ansible-test is told.
        reads: globs of what they depend on.
    """

    name: str
    words: Sequence[str]
    reads: Sequence[str]


# Pylint takes minutes for the whole tree. What is no plugin, ruff and mypy check.
RUNS = (
    Run("others", ("--skip-test", "pylint"), ("**",)),
    Run("pylint", ("--test", "pylint", "plugins/"), ("plugins", *(name.rstrip("/") for name in KEPT))),
)


def is_shipped(name: str, ignored: Sequence[str]) -> bool:
    """Whether ansible-test is shown a file: those of the archive, and its own settings."""
    return name.startswith(KEPT) or not any(name == one or name.startswith(f"{one}/") for one in ignored)


def make_tree(root: Path, cache: Path) -> Path:
    """Copy the collection to where Ansible expects it, `ansible_collections/skerry/host`.

    Raises:
        subprocess.CalledProcessError: `root` is not a git checkout.
    """
    ignored = yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
    tree = cache / "ansible_collections" / "skerry" / "host"
    shutil.rmtree(tree, ignore_errors=True)
    paths = [root / name for name in listed(root) if is_shipped(name, ignored)]
    export([path for path in paths if path.is_symlink() or path.exists()], root, tree)
    # Without a repository of its own it counts as a part of this one, which ignores .cache.
    for words in (("init", "--quiet"), ("add", "--all", "--force")):
        subprocess.run(["git", "-C", str(tree), *words], check=True, capture_output=True)
    return tree


def make_home(cache: Path) -> Path:
    """The home of ansible-test, where it keeps an environment for each test; pip's settings stay the user's."""
    home = cache / "home"
    scripts = home / ".ansible" / "test" / "cache"
    scripts.mkdir(parents=True, exist_ok=True)
    for name in BOOTSTRAPS:
        (scripts / name).write_text(BOOTSTRAP, encoding="utf-8")
    settings = Path.home() / ".config" / "pip"
    if settings.is_dir() and not (home / ".config").exists():
        (home / ".config").mkdir()
        (home / ".config" / "pip").symlink_to(settings)
    return home


def findings(output: str) -> Iterator[str]:
    """What ansible-test found: its errors, without the summaries."""
    for line in output.splitlines():
        if line.startswith(("ERROR: ", "FATAL: ")) and not line.startswith(NOISE):
            yield line.partition(": ")[2]


def run(
    words: Sequence[str], tree: Path, home: Path, bin_folder: Path = BIN, python: str = PYTHON
) -> Iterator[str]:
    """Run some of the tests; what they found, or all that was said where that can't be read.

    Args:
        words: what ansible-test is told.
        tree: the collection.
        home: of ansible-test.
        bin_folder: with the ansible-test to run.
        python: the version of its Python, such as 3.12.
    """
    command = [str(bin_folder / "ansible-test"), "sanity", "--local", "--python", python]
    answer = subprocess.run(
        [*command, "--color", "no", *words],
        cwd=tree,
        env={**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode:
        yield from list(findings(answer.stdout)) or [answer.stdout]


def run_unless_passed(one: Run, tree: Path, cache: Path) -> Iterator[str]:
    """Run tests unless they passed on these very files, by the same Ansible and Python; what they found."""
    by = f"{version('ansible-core')} {sys.version} {' '.join(one.words)}"
    now = digest(by, one.reads, listed(tree), tree)
    mark = cache / f"passed-{one.name}"
    if mark.exists() and mark.read_text(encoding="utf-8") == now:
        return
    found = list(run(one.words, tree, make_home(cache)))
    if not found:
        mark.write_text(now, encoding="utf-8")
    yield from found


def main(root: Path = ROOT, cache: Path = CACHE) -> int:
    """Check the collection; the exit code."""
    tree = make_tree(root, cache)
    return report(problem for one in RUNS for problem in run_unless_passed(one, tree, cache))


if __name__ == "__main__":
    sys.exit(main())
