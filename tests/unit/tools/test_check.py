"""The gate's table, and that each program of the gate, with our settings, finds a seeded defect."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import check
from tools.check import Check
from tools.files import ROOT, is_shell, repository_files

BAD_ROLE_TASK = "---\n- ansible.builtin.command: touch /tmp/x\n"


def test_one_failure_fails_the_gate_and_shows_what_it_said(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [Check("good", ["true"]), Check("bad", ["sh", "-c", "echo this is why; exit 3"])]
    assert check.main(wanted) == 1
    out = capsys.readouterr().out
    assert "yes   good" in out
    assert "NO    bad" in out
    assert "--- bad\nthis is why" in out


def test_all_well_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([Check("good", ["true"])]) == 0
    assert "yes   all" in capsys.readouterr().out


def test_every_check_of_the_gate_has_its_own_name_and_a_program() -> None:
    found = check.checks()
    assert len({one.name for one in found}) == len(found)
    assert all(Path(one.command[0]).exists() for one in found)


def test_shell_files_are_found(tmp_path: Path) -> None:
    for name, content, shell in (
        ("a.sh", "", True),
        ("b", "#!/bin/sh\n", True),
        ("c", "#!/usr/bin/env bash\n", True),
        ("d", "#!/usr/bin/env python3\n", False),
        ("e.md", "#!/bin/sh\n", False),
    ):
        (tmp_path / name).write_text(content)
        assert is_shell(tmp_path / name) is shell
    assert ROOT / ".ci" / "run" in [path for path in repository_files() if is_shell(path)]


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """One of the gate's programs, in a folder with our settings."""
    for name in ("pyproject.toml", ".yamllint", ".ansible-lint"):
        shutil.copy(ROOT / name, folder / name)
    words = check.program(*command)
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "content", "command", "said"),
    [
        ("a.py", "import os\n", ("ruff", "check", "."), "F401"),
        (
            "src/skerry/model/a.py",
            "import subprocess\n\nsubprocess.call([])\n",
            ("ruff", "check", "."),
            "TID251",
        ),
        ("a.py", "x  = 1\n", ("ruff", "format", "--check", "."), "a.py"),
        ("a.py", "def f(x):\n    return x\n", ("mypy", "a.py"), "no-untyped-def"),
        ("a.yml", "---\na: yes\n", ("yamllint", "--strict", "."), "truthy"),
        ("a.sh", "#!/bin/sh\nrm $1\n", ("shellcheck", "a.sh"), "SC2086"),
        ("a.md", "teh\n", ("codespell", "a.md"), "teh ==> the"),  # codespell:ignore teh
        ("roles/a/tasks/main.yml", BAD_ROLE_TASK, ("ansible-lint", "--offline", "-q"), "no-changed-when"),
    ],
)
def test_a_seeded_defect_is_found(
    tmp_path: Path, name: str, content: str, command: tuple[str, ...], said: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(content)
    answer = run_in(tmp_path, *command)
    assert answer.returncode != 0
    assert said in answer.stdout + answer.stderr


SOURCES = ROOT / "src" / "skerry"


@pytest.mark.parametrize(
    ("room", "imports", "said"),
    [
        ("model/__init__", "skerry.engine", "skerry.model is not allowed to import skerry.engine"),
        ("parts/unit", "skerry.resources.kind", "skerry.parts is not allowed to import skerry.resources"),
        ("resources/images/plan", "skerry.host.systemd",
         "skerry.resources.images.plan is not allowed to import skerry.host"),
        ("resources/images/view", "skerry.resources.containers.store",
         "skerry.resources.images is not allowed to import skerry.resources.containers"),
        ("engine/executor", "skerry.resources.images.kind",
         "skerry.engine.executor is not allowed to import skerry.resources.images"),
        ("cli/main", "skerry.store.db", "skerry.cli is not allowed to import skerry.store"),
        ("protocol/core", "skerry.host.run", "skerry.protocol is not allowed to import skerry.host"),
        ("pki/files", "skerry.engine.locks", "skerry.pki is not allowed to import skerry.engine"),
        ("client", "pydantic", "skerry.client is not allowed to import pydantic"),
        ("store/db", "socket", "skerry.store is not allowed to import socket"),
    ],
)  # fmt: skip
def test_an_arrow_that_points_back_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str, imports: str, said: str
) -> None:
    for path in SOURCES.rglob("*.py"):
        empty = tmp_path / "src" / "skerry" / path.relative_to(SOURCES)
        empty.parent.mkdir(parents=True, exist_ok=True)
        empty.write_text("")
    (tmp_path / "src" / "skerry" / f"{room}.py").write_text(f"import {imports}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    answer = run_in(tmp_path, "lint-imports", "--no-cache")
    assert answer.returncode == 1
    assert said in answer.stdout
