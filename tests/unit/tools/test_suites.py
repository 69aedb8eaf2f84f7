"""The declaration of the suites: what is read, what is refused, and that none of the tests is left out of ours."""

import ast
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import inputs
from tools.files import ROOT, listed
from tools.suites import ALWAYS, Suite, SuitesError, Tier, suites

MakeRepository = Callable[[dict[str, str]], Path]
LABS = """
[labs.fast]
before = ["up test-{name}"]
always = ["down test-{name}"]
settings = { SKERRY_LAB = "test-{name}" }
[inputs]
lab = ["src/lab/**"]
"""
QUICK = """
[suites.smoke]
tier = "quick"
lab = "fast"
minutes = 5
seconds = 60
commands = ["pytest tests/integration/test_a*.py"]
"""
SLOW = """
[suites.boot]
tier = "slow"
lab = "-"
minutes = 9
seconds = 300
commands = ["python -m boot {name}"]
inputs = ["@lab", "tests/boot"]
"""
FILES = {"src/lab/up.py": "", "tests/boot/test_b.py": "", "tests/integration/test_a1.py": ""}


@pytest.fixture
def declared(repository: MakeRepository) -> Callable[[str], Path]:
    """Makes a repository with that declaration."""
    return lambda text: repository({**FILES, "tests/suites.toml": text})


def test_a_suite_is_what_its_declaration_and_its_labs_say(declared: Callable[[str], Path]) -> None:
    smoke, boot = suites(declared(LABS + QUICK + SLOW))
    assert smoke.tier is Tier.QUICK
    assert smoke.settings["SKERRY_LAB"] == "test-smoke"
    assert smoke.commands[0] == ["up", "test-smoke"]
    assert smoke.commands[1][:3] == [sys.executable, "-m", "pytest"]
    assert smoke.commands[1][-1] == "tests/integration/test_a1.py"
    assert smoke.always == [["down", "test-smoke"]]
    assert boot.commands == [[sys.executable, "-m", "boot", "boot"]]
    assert boot.inputs == ["src/lab/**", "tests/boot"]
    assert (boot.minutes, boot.seconds, boot.kernel) == (9, 300, False)


def test_a_command_may_leave_out_a_file_of_a_glob(declared: Callable[[str], Path]) -> None:
    root = declared(LABS + QUICK.replace(".py", ".py !tests/integration/test_a1.py"))
    (root / "tests/integration/test_a2.py").touch()
    assert suites(root)[0].commands[1][-2:] == ["--durations=10", "tests/integration/test_a2.py"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SLOW.replace('inputs = ["@lab", "tests/boot"]', ""), "boot is slow and declares no inputs"),
        (SLOW.replace("tests/boot", "tests/boots/**"), "boot inputs match no file: tests/boots/**"),
        (SLOW.replace("@lab", "@labs"), "boot inputs: no such set: @labs; there are: lab"),
        (QUICK + 'inputs = ["src"]', "smoke is quick and declares inputs"),
        (
            QUICK.replace("test_a*", "test_x*"),
            "smoke the command's tests/integration/test_x*.py matches no file",
        ),
        (
            QUICK.replace(".py", ".py !tests/b.py"),
            "smoke the command leaves out tests/b.py, which it would not name",
        ),
        (QUICK.replace("minutes = 5", ""), "smoke lacks minutes"),
        (QUICK.replace("minutes = 5", 'minutes = "5"'), "smoke minutes must be a TOML int"),
        (QUICK + "colour = 1", "smoke has colour, which is not one of: tier, lab,"),
        (QUICK.replace("quick", "fast"), "smoke tier is 'fast'; right would be: quick, slow"),
        (QUICK.replace("[suites.smoke]", "[suites.smoke"), "tests/suites.toml: "),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(
    declared: Callable[[str], Path], text: str, said: str
) -> None:
    with pytest.raises(SuitesError) as refused:
        suites(declared(LABS + text))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("glob", "matches", "does_not"),
    [
        ("src/a/**", ["src/a/x.py", "src/a/b/x.py"], ["src/ab/x.py", "src/a"]),
        ("src/a", ["src/a/x.py", "src/a"], ["src/ab"]),
        ("src/*/x.py", ["src/a/x.py"], ["src/a/b/x.py", "src/a/xxpy"]),
        ("**/x.py", ["x.py", "src/a/x.py"], ["ax.py"]),
        ("test_?.py", ["test_a.py"], ["test_ab.py", "test_/.py"]),
        ("tests/**", ["tests/suites.toml"], ["tests/receipts.toml"]),
    ],
)
def test_globs(glob: str, matches: list[str], does_not: list[str]) -> None:
    assert inputs.matching([glob], [*matches, *does_not]) == matches


def digest_of(root: Path) -> str:
    boot = next(suite for suite in suites(root) if suite.name == "boot")
    return boot.digest(root)


@pytest.mark.parametrize("name", [*FILES, *ALWAYS, "README.md"])
def test_the_digest_changes_with_an_input_and_with_nothing_else(
    repository: MakeRepository, name: str
) -> None:
    root = repository({**FILES, "tests/suites.toml": LABS + QUICK + SLOW})
    before = digest_of(root)
    assert digest_of(root) == before
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("changed")
    is_input = name in ALWAYS or name.startswith(("src/lab", "tests/boot"))
    assert (digest_of(root) != before) == is_input


def test_the_digest_knows_modes_links_names_and_the_declaration(declared: Callable[[str], Path]) -> None:
    root = declared(LABS + QUICK + SLOW)
    seen = [digest_of(root)]
    file = root / "src/lab/up.py"
    file.chmod(0o755)
    seen.append(digest_of(root))
    file.rename(root / "src/lab/upper.py")
    seen.append(digest_of(root))
    file.symlink_to("upper.py")
    seen.append(digest_of(root))
    file.unlink()
    file.symlink_to("other.py")
    seen.append(digest_of(root))
    (root / "tests/suites.toml").write_text(LABS + QUICK + SLOW.replace("-m boot", "-m boots"))
    seen.append(digest_of(root))
    assert len(set(seen)) == len(seen)
    # What git ignores, who else may read a file, and an estimate are no input.
    (root / ".gitignore").write_text("*.pyc\n")
    (root / "src/lab/up.pyc").write_text("x")
    (root / "src/lab/upper.py").chmod(0o700)
    text = (root / "tests/suites.toml").read_text()
    (root / "tests/suites.toml").write_text(text.replace("seconds = 300", "seconds = 400"))
    assert digest_of(root) == seen[-1]


# Our own declaration.

# Files of these folders belong to no suite: `make bench`, `make proof`.
NO_SUITE = ("tests/bench/", "tests/proofs/")
# The journeys run them on the machine that they made.
INSIDE = {"tests/system/": "journeys", "molecule/kernel_trial/": "journeys"}


@pytest.fixture(scope="module")
def ours() -> list[Suite]:
    """The suites of this repository."""
    return suites()


def files_of(suite: Suite) -> list[str]:
    """The test files that a suite's pytest runs."""
    words = [word for command in suite.commands if "pytest" in command for word in command]
    names = [word for word in words if word.startswith("tests/")]
    return [name for name in inputs.matching(names, listed()) if Path(name).name.startswith("test_")]


def test_every_test_file_belongs_to_exactly_one_suite(ours: list[Suite]) -> None:
    known = Counter(name for suite in ours for name in files_of(suite))
    there = {
        name
        for name in listed()
        if name.startswith("tests/") and Path(name).name.startswith("test_") and name.endswith(".py")
        and not name.startswith((*NO_SUITE, *INSIDE)) and (ROOT / name).exists()
    }  # fmt: skip
    assert {name for name in there if known[name] != 1} == set()
    inside = {suite.name: suite.inputs for suite in ours}
    assert all(inputs.matching(inside[suite], [f"{folder}x"]) for folder, suite in INSIDE.items())


def test_every_scenario_is_a_suite(ours: list[Suite]) -> None:
    scenarios = {path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")}
    run = [command[-1] for suite in ours for command in suite.commands if command[0] == "molecule"]
    inside = {folder.split("/")[1] for folder in INSIDE if folder.startswith("molecule/")}
    assert sorted(run) == sorted(scenarios - inside)


def test_every_command_is_there(ours: list[Suite]) -> None:
    for suite in ours:
        for program, *words in [*suite.commands, *suite.always]:
            own = [str(ROOT / program), str(Path(sys.executable).parent / program), program]
            assert any(shutil.which(place) for place in own), f"{suite.name}: {program}"
            for word in words:
                assert not word.startswith("tests/") or (ROOT / word).exists(), f"{suite.name}: {word}"


@pytest.mark.parametrize(
    ("changed", "runs", "does_not"),
    [
        (
            "roles/proxy/templates/etc/skerry/haproxy.cfg.j2",
            {"proxy", "host"},
            {"install", "mirror", "journeys", "boot", "molecule-hardened-kernel", "molecule-hardening"},
        ),
        (
            "plugins/module_utils/skerry_base/storage/disks/plan.py",
            {"install", "mirror"},
            {"proxy", "containers", "firewall", "modules"},
        ),
        (
            "src/skerry/protocol/containers.py",
            {"containers", "modules"},
            {"install", "mirror", "proxy", "boot"},
        ),
    ],
)
def test_a_change_runs_what_depends_on_it_and_no_more(
    ours: list[Suite], changed: str, runs: set[str], does_not: set[str]
) -> None:
    assert changed in listed()
    found = {suite.name for suite in ours if inputs.matching(suite.inputs, [changed])}
    assert runs <= found
    assert not does_not & found


def imports(path: Path) -> set[str]:
    """The modules that a file imports, by their names; `from a import b` may be a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def files_imported(name: str) -> set[str]:
    """The files of this repository that a test imports, with what these import of tests/."""
    found: set[str] = set()
    for module in imports(ROOT / name):
        for place in ("", "src/"):
            file = f"{place}{module.replace('.', '/')}.py"
            if (ROOT / file).is_file():
                found.add(str((ROOT / file).resolve().relative_to(ROOT)))
    return found


def test_what_slow_tests_import_is_among_their_inputs(ours: list[Suite]) -> None:
    lacking = []
    for suite in ours:
        todo = files_of(suite) if suite.tier is Tier.SLOW else []
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            seen.add(name)
            todo += [file for file in files_imported(name) - seen if file.startswith("tests/")]
            seen |= files_imported(name)
        covered = inputs.matching([*suite.inputs, *ALWAYS], sorted(seen))
        lacking += [f"{suite.name}: {name}" for name in sorted(seen - set(covered))]
    assert lacking == []
