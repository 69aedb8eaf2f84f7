"""Programs that people run, in containers, stock: fifteen of them, on a fast lab's host that site.yml has made.

Idle memory is PSS, three seconds after the first answer. The start is from `create` to the first right answer of the
program's own protocol. The stop is `skerry stop`; the exit code is that after `systemctl stop` of its unit, as in a host's
shutdown.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from skerry_lab import mitogen
from tests.programs.declared import Program, programs
from tests.programs.running import Lived, Programs, table
from tools.files import ROOT

LAB = "proof-programs"


@pytest.fixture(scope="module")
def fast_lab() -> Iterator[str]:
    """A lab of its own; or the one that SKERRY_LAB names, which stays."""
    if given := os.environ.get("SKERRY_LAB"):
        yield given
        return
    lab = [sys.executable, "-m", "skerry_lab"]
    subprocess.run([*lab, "up", LAB, "--owner", "test", "--fresh"], check=True, cwd=ROOT)
    try:
        settings = {**os.environ, **mitogen.environment(), "SKERRY_LAB": LAB}
        subprocess.run(
            ["ansible-playbook", "site.yml"], check=True, cwd=ROOT, env=settings, capture_output=True
        )
        yield LAB
    finally:
        subprocess.run([*lab, "down", LAB], check=True, cwd=ROOT)


def test_every_program_starts_drops_answers_keeps_its_data_and_ends_cleanly(
    fast_lab: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lived, failed = [], {}
    with Programs(fast_lab, programs().values()) as running:
        for program in programs().values():
            try:
                lived.append(one_that_held(running, program))
            except AssertionError as error:
                failed[program.name] = str(error)
    with capsys.disabled():
        print(table(lived))
        for name, why in failed.items():
            print(f"\n{name} FAILED: {why}")
    assert not failed


def one_that_held(running: Programs, program: Program) -> Lived:
    """The program, seen."""
    lived = running.live(program)
    lived.check()
    return lived
