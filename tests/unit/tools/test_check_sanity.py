"""ansible-test is shown what the collection ships, its findings are reported, and each exception has its reason."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tools import check_sanity
from tools.files import ROOT

GALAXY = "build_ignore: [tests, molecule]\n"
FILES = {
    "galaxy.yml": GALAXY,
    "roles/a/tasks/main.yml": "---\r\n",
    "molecule/b/b.yml": "---\r\n",
    "tests/unit/test_c.py": "\r\n",
    "tests/config.yml": "modules: {python_requires: '>=3.11'}\n",
}


@pytest.mark.parametrize(
    ("name", "shipped"),
    [
        ("roles/a/tasks/main.yml", True),
        ("tests/sanity/ignore-2.19.txt", True),
        ("tests/config.yml", True),
        ("tests/unit/test_a.py", False),
        ("testsuite.md", True),
        ("tests", False),
    ],
)
def test_the_tree_holds_the_archive_and_the_settings(name: str, shipped: bool) -> None:
    assert check_sanity.is_shipped(name, ["tests", "molecule"]) is shipped


def test_a_defect_is_reported_until_a_line_excepts_it(
    repository: Callable[[dict[str, str]], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root, cache = repository(FILES), tmp_path_factory.mktemp("cache")
    home = check_sanity.make_home(cache)

    def found() -> list[str]:
        tree = check_sanity.make_tree(root, cache)
        return list(check_sanity.run(["--test", "line-endings"], tree, home))

    (problem,) = found()
    assert problem.startswith("roles/a/tasks/main.yml:")
    (root / "tests/sanity").mkdir()
    (root / "tests/sanity/ignore-2.19.txt").write_text("roles/a/tasks/main.yml line-endings # a test\n")
    assert found() == []


def test_what_passed_is_not_run_again_until_a_file_differs(
    repository: Callable[[dict[str, str]], Path],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root, cache = repository(FILES), tmp_path_factory.mktemp("cache")
    runs: list[str] = []
    answers = iter([["bad"], [], []])

    def run(words: Sequence[str], tree: Path, home: Path) -> list[str]:
        runs.append(words[1])
        return next(answers)

    monkeypatch.setattr(check_sanity, "run", run)
    others = check_sanity.RUNS[0]

    def found() -> list[str]:
        return list(check_sanity.run_unless_passed(others, check_sanity.make_tree(root, cache), cache))

    assert [found(), found(), found()] == [["bad"], [], []]
    assert len(runs) == 2
    (root / "roles/a/tasks/main.yml").write_text("---\n")
    assert found() == []
    assert len(runs) == 3


def test_a_failure_without_findings_shows_all_that_was_said(tmp_path: Path) -> None:
    (said,) = check_sanity.run(["--test", "no-such-test"], tmp_path, tmp_path)
    assert "no-such-test" in said or "current working directory" in said


def test_findings_leave_out_the_summaries() -> None:
    output = "WARNING: a\nERROR: Found 2 issue(s)\nERROR: a.py:1:1: bad\nFATAL: The 1 sanity test(s)\nFATAL: no pip\n"
    assert list(check_sanity.findings(output)) == ["a.py:1:1: bad", "no pip"]


def test_each_exception_has_its_reason() -> None:
    for path in sorted((ROOT / "tests/sanity").glob("ignore-*.txt")):
        for line in path.read_text().splitlines():
            assert len(line.partition(" # ")[2].split()) >= 3, f"{path.name}: {line}"
