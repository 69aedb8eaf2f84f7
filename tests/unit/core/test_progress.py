"""What the user sees while something takes long."""

import io
import re
import threading

import pytest

from skerry_base.core import progress as progress_module
from skerry_base.core.progress import Progress


def test_a_stage_says_when_it_began_and_is_remembered() -> None:
    out = io.StringIO()
    progress = Progress(out=out)
    with progress.stage("image host: mmdebstrap"):
        pass
    assert re.fullmatch(r"\[ +0\.\d s\] image host: mmdebstrap\n", out.getvalue())
    assert [name for name, _ in progress.taken] == ["image host: mmdebstrap"]
    assert re.search(r"image host: mmdebstrap +0\.\d s\n  all +0\.\d s", progress.table())


def test_what_a_stage_was_made_of_stands_below_it_and_counts_once() -> None:
    progress = Progress(out=io.StringIO())
    with progress.stage("site.yml"):
        pass
    progress.parts([("Install", 90.0), ("Unlock", 60.0)])
    rows = progress.table().splitlines()
    assert [row.rsplit(maxsplit=2)[0] for row in rows] == ["  site.yml", "    Install", "    Unlock", "  all"]
    assert rows[1].endswith(" 90.0 s")
    assert re.search(r" 0\.\d s$", rows[-1])


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
