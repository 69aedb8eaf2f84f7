"""Ansibles newer than that of .venv take the collection as it does: playbooks, documentation, plugins, sanity."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugins.plugin_utils.variables import playbooks
from tools import check_sanity
from tools.check_collection import plugins
from tools.environments import EnvironmentFailed, environment, find_python
from tools.files import ROOT

CORES = ("2.20", "2.21")
LOWEST = (3, 12)  # that either of them runs on
INVENTORY = "skerry_hosts: {hosts: {here: {ansible_connection: local, ansible_become: false}}}\n"
COMPLAINT = re.compile(r"\[(?:DEPRECATION )?WARNING\].*|\[ERROR\].*")


@dataclass(frozen=True)
class Core:
    """An ansible-core in an environment of its own.

    Attributes:
        name: its release, such as 2.20.
        programs: the folder of its programs.
        home: where it keeps what it writes.
    """

    name: str
    programs: Path
    home: Path

    def run(self, program: str, *words: str, errors: int = subprocess.STDOUT) -> tuple[int, str]:
        """Run one of its programs in the repository; the exit code and what it said."""
        answer = subprocess.run(
            [str(self.programs / program), *words],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_HOME": str(self.home),
                "ANSIBLE_DEPRECATION_WARNINGS": "1",
                "LC_ALL": "C.UTF-8",
                "NO_COLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            check=False,
        )
        return answer.returncode, answer.stdout

    def play(self, *words: str) -> tuple[int, str]:
        """Run a playbook on this computer, in check mode."""
        inventory = self.home / "hosts.yml"
        inventory.write_text(INVENTORY)
        return self.run("ansible-playbook", "--check", "--diff", "--inventory", str(inventory), *words)


@pytest.fixture(scope="module", params=CORES)
def core(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Core:
    try:
        programs = environment(f"core-{request.param}", find_python(LOWEST))
    except EnvironmentFailed as error:
        pytest.fail(f"ansible-core {request.param} needs an environment of its own: {error}", pytrace=False)
    return Core(request.param, programs, tmp_path_factory.mktemp("home"))


def complaints(said: str) -> list[str]:
    return [found.group() for found in COMPLAINT.finditer(said)]


def test_it_is_the_release_that_it_is_named_after(core: Core) -> None:
    assert f"[core {core.name}." in core.run("ansible", "--version")[1]


def test_every_playbook_is_understood_without_a_warning(core: Core) -> None:
    names = [str(path) for path in playbooks(ROOT)]
    code, said = core.run(
        "ansible-playbook", "--syntax-check", "--inventory", "inventories/example/hosts.yml", *names
    )
    assert (code, complaints(said)) == (0, []), said
    assert said.count("playbook: ") == len(names)


def test_every_plugin_and_role_is_documented(core: Core) -> None:
    roles = [f"skerry.host.{path.name}" for path in (ROOT / "roles").iterdir() if path.is_dir()]
    for kind, names in {**plugins(ROOT), "role": roles}.items():
        # What it warns of is in its own collections.
        code, said = core.run("ansible-doc", "--type", kind, "--json", *names, errors=subprocess.DEVNULL)
        assert code == 0, said
        assert set(json.loads(said)) == set(names)


def test_a_playbook_runs_with_our_action_filters_and_callback(core: Core) -> None:
    code, said = core.play("playbooks/status.yml")
    assert (code, complaints(said)) == (0, []), said
    assert re.search(r"HOST +STATE +KERNEL +ENCRYPTED +NEXT\n +here +running", said)
    assert "seconds  stage" in said


def test_a_misspelt_variable_is_refused(core: Core) -> None:
    code, said = core.play("playbooks/container/list.yml", "-e", "projekt=shop")
    assert (code, "projekt" in said, "Nothing was done." in said) == (2, True, True), said


def test_a_module_answers_in_check_mode(core: Core) -> None:
    code, said = core.play("playbooks/container/list.yml")
    assert "there is no engine on this host" in said
    assert (code, [one for one in complaints(said) if not one.startswith("[ERROR]")]) == (2, []), said


@pytest.fixture(scope="module")
def tree(core: Core, cache: Callable[[Core], Path]) -> Path:
    return check_sanity.make_tree(ROOT, cache(core))


@pytest.fixture(scope="module")
def cache() -> Callable[[Core], Path]:
    """Where ansible-test keeps an environment for each of its tests."""
    return lambda core: ROOT / ".cache" / "cores" / core.name


@pytest.mark.parametrize("one", check_sanity.RUNS, ids=lambda one: one.name)
def test_sanity(core: Core, tree: Path, cache: Callable[[Core], Path], one: check_sanity.Run) -> None:
    version = subprocess.run(
        [core.programs / "python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    home = check_sanity.make_home(cache(core))
    assert list(check_sanity.run(one.words, tree, home, core.programs, version)) == []
