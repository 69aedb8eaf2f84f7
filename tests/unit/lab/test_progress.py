"""What the user sees while something takes long."""

import io
import re
import threading

import pytest

from skerry_lab import progress as progress_module
from skerry_lab.progress import Progress


def test_a_stage_says_when_it_began_and_is_remembered() -> None:
    out = io.StringIO()
    progress = Progress(out=out)
    with progress.stage("image host: mmdebstrap"):
        pass
    assert re.fullmatch(r"\[ +0\.\d s\] image host: mmdebstrap\n", out.getvalue())
    assert [name for name, _ in progress.taken] == ["image host: mmdebstrap"]
    assert re.search(r"image host: mmdebstrap +0\.\d s\n  all +0\.\d s", progress.table())


def test_a_long_stage_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "HEARTBEAT_S", 0.01)
    out, said = io.StringIO(), threading.Event()

    def detail() -> str:
        said.set()
        return "840 objects of about 2,740"

    with Progress(out=out).stage("kernel lab: compile", detail=detail):
        assert said.wait(10)
    assert "s] … kernel lab: compile: 840 objects of about 2,740, 0 s so far" in out.getvalue()


def test_a_stage_that_fails_is_not_in_the_table() -> None:
    progress = Progress(out=io.StringIO())
    with pytest.raises(ValueError, match="broken"), progress.stage("boot"):
        raise ValueError("broken")
    assert progress.taken == []
