"""The repository builds as the collection skerry.host, and its plugins are found in place and installed."""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.build_collection import build
from tools.files import ROOT, report

KINDS = {
    "modules": "module",
    "become": "become",
    "callback": "callback",
    "connection": "connection",
    "filter": "filter",
    "inventory": "inventory",
}
STAYS_OUT = (".git", ".venv", ".cache", ".ansible", "collections", "tests", "molecule", "inventories")


def ansible(program: str, *arguments: str, collections: Path, home: Path) -> str:
    """Run one of Ansible's programs, seeing only one folder of collections; what it printed.

    Raises:
        subprocess.CalledProcessError: it failed; the error has what it printed.
    """
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(home),
        "LC_ALL": "C.UTF-8",
    }
    command = [sys.executable, "-m", "ansible", program, *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=home, env=environment)
    return answer.stdout


def plugins(root: Path) -> dict[str, list[str]]:
    """Kind of plugin → the full names that the repository has of it."""
    found = {}
    for folder, kind in KINDS.items():
        paths = sorted((root / "plugins" / folder).glob("*.py"))
        found[kind] = [f"skerry.host.{path.stem}" for path in paths if path.stem != "__init__"]
    return {kind: names for kind, names in found.items() if names}


def undocumented(root: Path, collections: Path, home: Path) -> Iterator[str]:
    """Plugins that ansible-doc does not know in a folder of collections."""
    for kind, names in plugins(root).items():
        answer = ansible("doc", "--type", kind, "--json", *names, collections=collections, home=home)
        known = json.loads(answer)
        yield from (f"ansible-doc does not know the {kind} {name}" for name in names if not known.get(name))


def strays(tarball: Path) -> Iterator[str]:
    """What lies in a built collection and does not belong there."""
    with tarfile.open(tarball) as archive:
        tops = {name.partition("/")[0] for name in archive.getnames()}
    yield from (
        f"{name} does not belong in the collection: see build_ignore" for name in STAYS_OUT if name in tops
    )


def check(root: Path, home: Path) -> Iterator[str]:
    """What is wrong with the collection, in place, built and installed."""
    yield from (f"in place: {problem}" for problem in undocumented(root, root / "collections", home))
    tarball = build(root, home)
    yield from strays(tarball)
    installed = home / "collections"
    install = ("collection", "install", "--offline", "--collections-path", str(installed), str(tarball))
    ansible("galaxy", *install, collections=installed, home=home)
    yield from (f"installed: {problem}" for problem in undocumented(root, installed, home))


def main(root: Path = ROOT) -> int:
    """Check the collection; the exit code."""
    with tempfile.TemporaryDirectory() as home:
        Path(home, "ansible.cfg").touch()  # in place of the user's own
        try:
            return report(check(root, Path(home)))
        except subprocess.CalledProcessError as error:
            return report(
                [f"{' '.join(error.cmd)}: exit code {error.returncode}", error.stdout, error.stderr]
            )


if __name__ == "__main__":
    sys.exit(main())
