"""Environments besides .venv are made once from their list, and what is missing on a computer is told."""

import sys
from pathlib import Path

import pytest

from tools.environments import EnvironmentFailed, environment, find_python


def test_an_environment_is_made_once_and_again_when_its_list_differs(tmp_path: Path) -> None:
    packages = tmp_path / "requirements" / "none-1.0.txt"
    packages.parent.mkdir()
    packages.write_text("# no package\n")
    programs = environment("none-1.0", root=tmp_path)
    assert (programs / "python").exists()
    (programs / "mine").touch()
    environment("none-1.0", root=tmp_path)
    assert (programs / "mine").exists()
    packages.write_text("# no package either\n")
    environment("none-1.0", root=tmp_path)
    assert not (programs / "mine").exists()


def test_an_environment_that_pip_cannot_fill_is_no_environment(tmp_path: Path) -> None:
    packages = tmp_path / "requirements" / "bad.txt"
    packages.parent.mkdir()
    packages.write_text("pip==1.0\n")
    for _ in range(2):
        with pytest.raises(EnvironmentFailed, match=r"pip==1\.0"):
            environment("bad", root=tmp_path)


def test_a_python_that_can_make_environments_is_found() -> None:
    assert find_python(sys.version_info[:2], ["no-such-python", sys.executable]) == sys.executable


def test_a_missing_python_is_told_with_what_to_install() -> None:
    with pytest.raises(EnvironmentFailed) as refused:
        find_python((3, 99), [sys.executable, "no-such-python"])
    assert str(refused.value) == (
        "no Python 3.99 or later with venv is on this computer. On Debian 13, as root: "
        "apt-get install python3 python3-venv; elsewhere: pyenv install 3.99"
    )
