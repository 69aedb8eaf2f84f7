"""The table of suites: found by folder, counted, killed at their limit, cleaned up after."""

import os
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tools import run_tests
from tools.run_tests import Suite, count, run_all, run_suite, suites


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "LOGS", tmp_path / "logs")


def test_suites_are_found_by_their_folders(tmp_path: Path) -> None:
    assert [suite.name for suite in suites(tmp_path)] == ["unit"]
    for folder in ("tests/integration", "tests/journeys", "molecule/proxy", "molecule/half"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "molecule/proxy/molecule.yml").touch()
    assert [suite.name for suite in suites(tmp_path)] == [
        "unit",
        "fast",
        "journeys",
        "molecule-proxy",
    ]


def test_pytests_closing_lines_are_counted() -> None:
    text = "...\n3 passed, 2 deselected in 1.00s\nFAILED x - 9 passed\n==== 1 failed, 2 errors in 61.2s (0:01:01) ====\n"
    text += "  \x1b[2m│\x1b[0m ===== \x1b[32m6 passed\x1b[0m in 22.91s\n"
    assert count(text) == Counter(passed=9, deselected=2, failed=1, error=2)


def test_a_suite_stops_at_its_first_failure_and_cleans_up(tmp_path: Path) -> None:
    done, cleaned = tmp_path / "done", tmp_path / "cleaned"
    result = run_suite(
        Suite("a", "-", 1, [["false"], ["touch", str(done)]], always=[["touch", str(cleaned)]])
    )
    assert result.problem == "exit code 1"
    assert cleaned.exists()
    assert not done.exists()


def test_at_its_limit_a_suite_is_killed_with_its_children(tmp_path: Path) -> None:
    script = f"sleep 300 & echo $! >{tmp_path}/pid; wait"
    result = run_suite(Suite("slow", "-", 0, [["sh", "-c", script]]))
    assert result.problem == "out of time"
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_commands_know_their_lab(tmp_path: Path) -> None:
    code = f"import os; open({str(tmp_path / 'lab')!r}, 'w').write(os.environ['SKERRY_LAB'])"
    assert (
        run_suite(
            Suite("a", "fast", 1, [[sys.executable, "-c", code]], settings={"SKERRY_LAB": "test-a"})
        ).problem
        == ""
    )
    assert (tmp_path / "lab").read_text() == "test-a"
    assert os.environ.get("SKERRY_LAB") != "test-a"


def test_a_skipped_test_fails_its_suite() -> None:
    result = run_suite(Suite("a", "-", 1, [["echo", "3 passed, 1 skipped in 0.10s"]]))
    assert "skipped" in result.problem


def test_the_table_shows_the_log_of_what_failed_and_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    good = Suite("good", "-", 1, [["echo", "3 passed in 0.10s"]])
    bad = Suite("bad", "fast", 1, [["sh", "-c", "echo why; echo 1 failed, 1 passed in 2.00s; exit 1"]])
    assert run_all([good, bad], side_by_side=2) == 1
    out = capsys.readouterr().out
    assert "ok: 3 passed" in out
    assert "FAILED (exit code 1): 1 failed, 1 passed" in out
    assert "logs/test-bad.log\n" in out
    assert "\nwhy\n" in out
    assert "===== 1 failed, 4 passed in" in out.splitlines()[-1]
    assert run_all([good], side_by_side=1) == 0


def test_the_kernel_is_built_first_and_only_for_suites_that_boot_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = tmp_path / "built"
    build = f"sleep 0.2; touch {built}"
    monkeypatch.setattr(run_tests, "KERNEL", Suite("kernel-lab", "-", 1, [["sh", "-c", build]]))
    boots = Suite("boots", "-", 1, [["sh", "-c", f"[ -e {built} ] && echo 2 passed in 0.10s"]], kernel=True)
    other = Suite("other", "-", 1, [["sh", "-c", "echo 1 passed in 0.10s"]])
    for side_by_side in (1, 2):
        built.unlink(missing_ok=True)
        assert run_all([boots, other], side_by_side) == 0
        out = capsys.readouterr().out
        assert "kernel-lab" in out
        assert "===== 3 passed in" in out
    built.unlink()
    assert run_all([other], side_by_side=1) == 0
    assert not built.exists()


def test_without_the_kernel_what_boots_it_fails_and_shows_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = Suite("kernel-lab", "-", 1, [["sh", "-c", "echo no space; exit 1"]])
    monkeypatch.setattr(run_tests, "KERNEL", fails)
    boots = Suite("boots", "-", 1, [["touch", str(tmp_path / "ran")]], kernel=True)
    assert run_all([boots], side_by_side=1) == 1
    out = capsys.readouterr().out
    assert "FAILED (no kernel: exit code 1)" in out
    assert "\nno space\n" in out
    assert not (tmp_path / "ran").exists()
