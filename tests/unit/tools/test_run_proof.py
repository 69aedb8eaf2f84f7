"""A proof's output is kept with its date, commit and outcome, whether it held or not."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import files, run_proof

PROOF = """
def test_it():
    print('[  15.0 s] … make them: 15 s so far')
    print('one million of them')
    assert {}
"""


@pytest.mark.parametrize(("claim", "code", "outcome"), [("True", 0, "held"), ("False", 1, "FAILED")])
def test_a_proof_is_kept(
    repository: Callable[[dict[str, str]], Path],
    monkeypatch: pytest.MonkeyPatch,
    claim: str,
    code: int,
    outcome: str,
) -> None:
    root = repository({"tests/proofs/test_many_times.py": PROOF.format(claim)})
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=a"], check=True)
    monkeypatch.setattr("sys.argv", ["run_proof", "many-times"])
    assert run_proof.main(root) == code
    kept = (root / "docs/proofs/many-times.md").read_text()
    assert f"| outcome | {outcome} |" in kept
    assert "one million of them" in kept
    assert "\n[  15.0 s]" not in kept
    assert f"| commit | {files.commit(root)} |" in kept


def test_an_unknown_proof_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["run_proof", "nothing"])
    with pytest.raises(SystemExit) as stopped:
        run_proof.main(tmp_path)
    assert stopped.value.code == 2
