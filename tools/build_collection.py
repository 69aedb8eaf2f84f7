"""Builds the collection skerry.host from the files that git tracks, and from nothing else that lies in the clone."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tools.files import ROOT, tracked_files


def export(paths: Iterable[Path], root: Path, folder: Path) -> None:
    """Copy files of `root` into `folder`, links as links."""
    for path in paths:
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target, follow_symlinks=False)


def build(root: Path, output: Path) -> Path:
    """Build the collection; the tarball, below `output`.

    Raises:
        subprocess.CalledProcessError: Ansible refuses; the error has what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree, config = Path(folder, "tree"), Path(folder, "ansible.cfg")
        export(tracked_files(root), root, tree)
        config.touch()  # in place of the user's own
        command = [sys.executable, "-m", "ansible", "galaxy", "collection", "build", "--force", str(tree)]
        subprocess.run(
            [*command, "--output-path", str(output.resolve())],
            env={**os.environ, "ANSIBLE_CONFIG": str(config), "ANSIBLE_HOME": folder, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        )
    return max(output.glob("skerry-host-*.tar.gz"), key=lambda path: path.stat().st_mtime)


def main() -> int:
    """Build it into the current folder and name it; the exit code."""
    try:
        print(build(ROOT, Path.cwd()).name)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd)}: exit code {error.returncode}\n{error.stdout}{error.stderr}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
