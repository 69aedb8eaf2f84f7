"""Programs of on_host/, run on a lab's host."""

import io
import json
import shlex
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from tests.integration import kept_ssh

_FOLDERS = (Path(__file__).parent / "on_host", Path(__file__).parents[1] / "integration" / "on_host")
_THERE = "/run/bench"


def bring(lab: str) -> None:
    """Put the programs on the host, and those of the integration tests that they use."""
    with tarfile.open(fileobj=(archive := io.BytesIO()), mode="w") as tar:
        for folder in _FOLDERS:
            for path in folder.glob("*.py"):
                tar.add(path, path.name)
    command = kept_ssh.command(lab, f"mkdir -p {_THERE} && tar -C {_THERE} -xf -")
    subprocess.run(command, input=archive.getvalue(), check=True)


def run(lab: str, program: str, *arguments: object) -> dict[str, Any]:
    """Run one of them as root; the JSON of its last line."""
    words = shlex.join(["python3", f"{_THERE}/{program}", *map(str, arguments)])
    done = subprocess.run(kept_ssh.command(lab, words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
