"""Here the programs are the subject: tests run them on small repositories of their own."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

MakeRepository = Callable[[dict[str, str]], Path]


@pytest.fixture(autouse=True)
def system_guard() -> None:
    """Programs may run."""


@pytest.fixture
def repository(tmp_path: Path) -> MakeRepository:
    """Makes a git repository from file name → content."""

    def make(files: dict[str, str]) -> Path:
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return make
