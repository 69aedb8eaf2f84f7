"""The table of suites: counted, killed at their limit, cleaned up after; held where a receipt fits."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import run_tests, schedule
from tools.run_tests import Run, count, run_all, run_suite
from tools.schedule import Choice
from tools.suites import Suite


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "LOGS", tmp_path / "logs")


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


def lanes(chosen: list[Suite], side_by_side: int) -> int:
    """Run them as they are given; the exit code."""
    known = {suite.name: suite for suite in chosen}
    return run_all(Choice(chosen), side_by_side, schedule.expected({}), Run("0", {}), known)


def test_the_table_shows_the_log_of_what_failed_and_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    good = Suite("good", "-", 1, [["echo", "3 passed in 0.10s"]])
    bad = Suite("bad", "fast", 1, [["sh", "-c", "echo why; echo 1 failed, 1 passed in 2.00s; exit 1"]])
    assert lanes([good, bad], side_by_side=2) == 1
    out = capsys.readouterr().out
    assert "passed: 3 passed" in out
    assert "FAILED (exit code 1): 1 failed, 1 passed" in out
    assert "logs/test-bad.log\n" in out
    assert "\nwhy\n" in out
    assert "passed: 3 passed" in out.partition("\nwhy\n")[2]
    assert "===== 1 failed, 4 passed in" in out.splitlines()[-1]
    assert lanes([good], side_by_side=1) == 0


def test_the_kernel_is_built_first_and_only_for_suites_that_boot_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = tmp_path / "built"
    kernel_is(monkeypatch, f"sleep 0.2; touch {built}")
    boots = Suite("boots", "-", 1, [["sh", "-c", f"[ -e {built} ] && echo 2 passed in 0.10s"]], kernel=True)
    other = Suite("other", "-", 1, [["sh", "-c", "echo 1 passed in 0.10s"]])
    for side_by_side in (1, 2):
        built.unlink(missing_ok=True)
        assert lanes([boots, other], side_by_side) == 0
        out = capsys.readouterr().out
        assert "kernel-lab" in out
        assert "===== 3 passed in" in out
    built.unlink()
    assert lanes([other], side_by_side=1) == 0
    assert not built.exists()


def kernel_is(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    kernel = Suite("kernel-lab", "-", 1, [["sh", "-c", script]])
    for module in (schedule, run_tests):
        monkeypatch.setattr(module, "KERNEL", kernel)


def test_without_the_kernel_what_boots_it_fails_and_shows_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel_is(monkeypatch, "echo no space; exit 1")
    boots = Suite("boots", "-", 1, [["touch", str(tmp_path / "ran")]], kernel=True)
    assert lanes([boots], side_by_side=1) == 1
    out = capsys.readouterr().out
    assert "FAILED (no kernel: exit code 1)" in out
    assert "\nno space\n" in out
    assert not (tmp_path / "ran").exists()


# The tiers, from a declaration to the table, in a repository of its own.

DECLARED = """
[suites.quick]
tier = "quick"
lab = "-"
minutes = 1
seconds = 1
commands = ["sh -c 'echo 5 passed in 0.10s'"]
[suites.proxy]
tier = "slow"
lab = "-"
minutes = 1
seconds = 3000
commands = ["sh tests/proxy.sh"]
inputs = ["roles/proxy/**", "tests/proxy.sh"]
[suites.install]
tier = "slow"
lab = "-"
minutes = 1
seconds = 3000
commands = ["sh tests/install.sh"]
inputs = ["roles/luks_root/**", "tests/install.sh"]
"""
PASSES = "echo 3 passed in 0.10s"


@pytest.fixture
def root(repository: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    made = repository({
        "tests/suites.toml": DECLARED,
        "tests/proxy.sh": PASSES, "tests/install.sh": PASSES,
        "roles/proxy/haproxy.cfg.j2": "", "roles/luks_root/main.yml": "", ".gitignore": "/.cache/\n",
    })  # fmt: skip
    git = ["git", "-C", str(made), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message=a"], check=True)
    # Nothing long fits into a run in which the others are held.
    monkeypatch.setattr(schedule, "BUDGET_S", 0)
    monkeypatch.setattr(run_tests, "ROOT", made)
    return made


@pytest.fixture
def ran(root: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, str]]:
    """Runs `make test` with those words; each suite's result in the table, by its name."""

    def run(*words: str, code: int = 0) -> dict[str, str]:
        capsys.readouterr()
        assert run_tests.main(words, root) == code
        out = capsys.readouterr().out
        rows = [line.split(maxsplit=3) for line in out.splitlines()]
        return {row[0]: row[3] for row in rows if len(row) == 4 and row[1] == "-"} | {"": out}

    return run


def test_a_pass_is_held_until_an_input_changes(root: Path, ran: Callable[..., dict[str, str]]) -> None:
    first = ran()
    assert [first[name] for name in ("quick", "proxy", "install")] == [
        "passed: 5 passed",
        "passed: 3 passed",
        "passed: 3 passed",
    ]
    assert "===== 11 passed in" in first[""]
    again = ran()
    assert again["quick"] == "passed: 5 passed"
    for name in ("proxy", "install"):
        assert re.fullmatch(r"held since \d{4}-\d\d-\d\d \(digest [0-9a-f]{8}\): 3 passed then", again[name])
    assert "===== 5 passed in" in again[""]
    assert "2 suites held, their tests not counted: install proxy" in again[""]
    (root / "roles/proxy/haproxy.cfg.j2").write_text("changed")
    changed = ran()
    assert changed["proxy"] == "passed: 3 passed"
    assert changed["install"].startswith("held since")


def test_a_receipt_edited_by_hand_makes_its_suite_run(root: Path, ran: Callable[..., dict[str, str]]) -> None:
    ran()
    file = root / "tests/receipts.toml"
    lines = file.read_text().splitlines()
    edited = [
        line.replace("passed = 3", "passed = 4") if line.startswith("install") else line for line in lines
    ]
    file.write_text("\n".join(edited))
    again = ran()
    assert "tests/receipts.toml:2: install: edited or damaged, so it counts as no receipt" in again[""]
    assert again["install"] == "passed: 3 passed"
    assert again["proxy"].startswith("held since")
    assert file.read_text().splitlines()[2:] == lines[2:]


@pytest.mark.parametrize("words", [["install"], ["--all"]])
def test_what_is_asked_for_runs_whatever_its_receipt_says(
    ran: Callable[..., dict[str, str]], words: list[str]
) -> None:
    ran()
    rows = ran(*words)
    assert rows["install"] == "passed: 3 passed"
    assert ("proxy" in rows) == (words == ["--all"])
    assert "held" not in rows[""]
    assert "without a receipt" not in rows[""]


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("echo 3 passed in 0.10s; exit 1", 1, "FAILED (exit code 1): 3 passed"),
        ("echo 3 passed, 1 skipped in 0.10s", 1, "FAILED (tests were skipped"),
        ("true", 0, "passed: no tests counted (no receipt: not every test passed)"),
        ("echo 3 passed, 1 xfailed in 0.10s", 0, "no receipt: not every test passed"),
        (
            "echo changed >roles/luks_root/main.yml; echo 3 passed in 0.10s",
            0,
            "no receipt: its inputs changed",
        ),
    ],
)
def test_only_a_whole_pass_on_unchanged_inputs_is_written_down(
    root: Path, ran: Callable[..., dict[str, str]], script: str, code: int, said: str
) -> None:
    (root / "tests/install.sh").write_text(script)
    assert said in ran(code=code)["install"]
    assert "install" not in (root / "tests/receipts.toml").read_text()
    assert "proxy = {" in (root / "tests/receipts.toml").read_text()


def test_a_failure_leaves_the_old_receipt_which_does_not_fit(
    root: Path, ran: Callable[..., dict[str, str]]
) -> None:
    ran()
    before = (root / "tests/receipts.toml").read_text()
    (root / "tests/install.sh").write_text("exit 1")
    ran(code=1)
    assert (root / "tests/receipts.toml").read_text() == before
    assert ran(code=1)["install"].startswith("FAILED")


def test_the_list_says_what_would_run_and_runs_nothing(
    root: Path, ran: Callable[..., dict[str, str]]
) -> None:
    assert re.search(r"^install .* slow +50\.0  runs$", ran("--list")[""], re.MULTILINE)
    assert not (root / "tests/receipts.toml").exists()
    ran()
    assert re.search(r"^install .* slow +0\.0  held since ", ran("--list")[""], re.MULTILINE)


def test_a_wrong_request_is_refused(
    root: Path, ran: Callable[..., dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tests.main(["instal"], root) == 2
    assert "no such suite: instal; there are: quick, proxy, install" in capsys.readouterr().err
    (root / "tests/suites.toml").write_text(
        DECLARED.replace('inputs = ["roles/proxy/**", "tests/proxy.sh"]', "")
    )
    assert run_tests.main([], root) == 2
    assert "suite proxy is slow and declares no inputs" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_tests.main(["--all", "install"], root)
    assert "not both" in capsys.readouterr().err
