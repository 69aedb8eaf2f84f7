"""Debian packages of this repository: built twice at once, and what is left beside them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[3] / "packaging"))
import build_deb


def test_two_builds_at_once_make_one_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, built = subprocess.run, []

    def with_another_build(*words: Any, **options: Any) -> Any:
        done = run(*words, **options)
        if not built:
            built.append("begun")
            built.append(build_deb.build(tmp_path, "skerry-boot"))
        return done

    monkeypatch.setattr(build_deb.subprocess, "run", with_another_build)
    path = build_deb.build(tmp_path, "skerry-boot")
    assert built == ["begun", path]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert run(
        ["dpkg-deb", "--field", path, "Package"], capture_output=True, text=True, check=True
    ).stdout == ("skerry-boot\n")
