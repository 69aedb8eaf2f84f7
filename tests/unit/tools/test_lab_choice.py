"""Each test runs on one kind of lab: the one that has what it needs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.files import ROOT

TESTS = {
    "tests/system/test_boot.py": "def test_boot(): pass\n",
    "tests/integration/test_route.py": "def test_route(): pass\n",
    "tests/integration/test_limit.py": """
import pytest

@pytest.mark.needs("controllers")
def test_limit(): pass
""",
}


@pytest.mark.parametrize(
    ("kind", "chosen"), [("fast", {"test_route"}), ("metal", {"test_boot", "test_limit"})]
)
def test_a_kind_of_lab_chooses_its_tests(tmp_path: Path, kind: str, chosen: set[str]) -> None:
    for name, content in TESTS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    shutil.copy(ROOT / "tests" / "lab_choice.py", tmp_path / "tests" / "conftest.py")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", f"--lab={kind}", "tests"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {line.rpartition("::")[2] for line in answer.stdout.splitlines() if "::" in line} == chosen
