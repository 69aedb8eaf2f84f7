"""Environments for programs that .venv does not hold, each made once from a list in requirements/, below .cache."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from skerry_base.core.locks import locked
from tools.files import ROOT

PIP = ("--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes", "--only-binary", ":all:")
# The interpreter can make an environment, which Debian's does with python3-venv only.
PROBE = "import sys, venv, ensurepip; sys.exit(sys.version_info < ({}, {}))"


class EnvironmentFailed(Exception):
    """An environment cannot be made; the text says what to do."""


def candidates() -> list[str]:
    """Where interpreters may be: the system's, then those of pyenv."""
    known = [f"python3.{minor}" for minor in range(14, 10, -1)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return [*known, "python3", "/usr/bin/python3", *map(str, sorted(pyenv.glob("3.*/bin/python3")))]


def find_python(lowest: tuple[int, int], among: Sequence[str] | None = None) -> str:
    """An interpreter of this version or a later one, that can make environments.

    Args:
        lowest: the version, such as (3, 12).
        among: names or paths to try; none for all that are known.

    Raises:
        EnvironmentFailed: there is none.
    """
    for candidate in candidates() if among is None else among:
        if shutil.which(candidate) and _answers(candidate, PROBE.format(*lowest)):
            return candidate
    version = ".".join(map(str, lowest))
    raise EnvironmentFailed(
        f"no Python {version} or later with venv is on this computer. On Debian 13, as root: "
        f"apt-get install python3 python3-venv; elsewhere: pyenv install {version}"
    )


def _answers(python: str, program: str) -> bool:
    return subprocess.run([python, "-c", program], capture_output=True, check=False).returncode == 0


def environment(name: str, python: str = sys.executable, root: Path = ROOT) -> Path:
    """The folder of the programs of an environment with the packages of requirements/NAME.txt.

    Args:
        name: of the list, and of the environment.
        python: the interpreter that it is for.
        root: of the checkout.

    Raises:
        EnvironmentFailed: pip could not fill it.
    """
    packages = root / "requirements" / f"{name}.txt"
    home = root / ".cache" / "environments" / name
    by = subprocess.run([python, "-VV"], capture_output=True, check=True).stdout
    now = hashlib.sha256(by + str(home).encode() + packages.read_bytes()).hexdigest()
    mark = home / "made-of"
    with locked(home.with_name(f"{name}.lock")):
        if not mark.exists() or mark.read_text(encoding="utf-8") != now:
            shutil.rmtree(home, ignore_errors=True)
            _run([python, "-m", "venv", str(home)])
            _run([str(home / "bin" / "pip"), "install", *PIP, "--requirement", str(packages)])
            mark.write_text(now, encoding="utf-8")
    return home / "bin"


def _run(command: Sequence[str]) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise EnvironmentFailed(
            f"{' '.join(command)}: exit code {answer.returncode}\n{answer.stderr.strip()}"
        )
