"""What all tests share: how hypothesis works here, the lab's host, and what it needs on it."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import testinfra
from hypothesis import settings
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.integration import kept_ssh
from tests.integration.playbooks import play

ROOT = Path(__file__).parents[1]

# The programs of this .venv, whether or not it is activated: ansible-playbook, ansible-inventory.
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

# The same examples on every run, so that a red run is red again; HYPOTHESIS_PROFILE=deep looks further.
settings.register_profile("gate", max_examples=100, derandomize=True, deadline=None, database=None)
settings.register_profile("deep", max_examples=10_000, deadline=timedelta(seconds=10))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture(scope="session")
def lab() -> str:
    """The name of the lab that the tests run on; it is up, and site.yml made a platform of it."""
    name = os.environ.get("SKERRY_LAB", "")
    if not name:
        pytest.fail("Which lab? `make test SUITES=…`, or SKERRY_LAB=name pytest …", pytrace=False)
    return name


@pytest.fixture(scope="session")
def host(lab: str) -> Host:
    """The lab's host, by ssh as root (testinfra)."""
    inventory = ROOT / "inventories" / "lab"
    return testinfra.get_host(f"ansible://{lab}?ansible_inventory={inventory}&ssh_config={kept_ssh.config()}")


@pytest.fixture(scope="session")
def hello(lab: str) -> str:
    """The sample image is on the lab's host; its name."""
    play(lab, "playbooks/image/hello.yml").ok()
    return "hello"


@pytest.fixture(scope="session")
def on_host(host: Host, lab: str) -> Callable[..., CommandResult]:
    """Runs a program of tests/integration/on_host on the lab's host, as root: ``on_host("churn.py", 50, 4)``."""
    programs = ROOT / "tests" / "integration" / "on_host"
    with tarfile.open(fileobj=(archive := io.BytesIO()), mode="w") as tar:
        tar.add(programs, "on_host", filter=lambda item: None if "__pycache__" in item.name else item)
        tar.add(programs.parent / "frames.py", "on_host/frames.py")
    subprocess.run(kept_ssh.command(lab, "tar -C /run -xf -"), input=archive.getvalue(), check=True)

    def run(program: str, *arguments: object) -> CommandResult:
        words = " ".join(str(argument) for argument in arguments)
        return host.run(f"python3 /run/on_host/{program} {words}")

    return run
