"""Entries of the cache are whole or not there."""

import io
import os
from pathlib import Path

import pytest

from skerry_base.core import cache as cache_module
from skerry_base.core.cache import Cache
from skerry_base.core.progress import Progress


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setattr(cache_module, "run", lambda argv, **_: "")  # sync: a program, and not the subject
    return Cache(tmp_path, Progress(out=io.StringIO()))


def fill(place: Path) -> None:
    (place / "disk").write_text("whole")


def test_an_entry_is_built_once(cache: Cache) -> None:
    built: list[Path] = []

    def build(place: Path) -> None:
        built.append(place)
        fill(place)

    first = cache.entry("tree", "abc", build)
    assert first == cache.entry("tree", "abc", build)
    assert first == cache.home / "tree-abc"
    assert (first / "disk").read_text() == "whole"
    assert len(built) == 1


def test_a_build_that_fails_leaves_no_entry_and_the_next_begins_afresh(cache: Cache) -> None:
    def fail(place: Path) -> None:
        (place / "half").touch()
        raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        cache.entry("tree", "abc", fail)
    assert not (cache.home / "tree-abc").exists()
    assert [path.name for path in cache.entry("tree", "abc", fill).iterdir()] == ["disk"]


def test_a_build_that_goes_on_finds_what_a_killed_one_left(cache: Cache) -> None:
    def killed(place: Path) -> None:
        (place / "half").touch()
        raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        cache.entry("kernel", "abc", killed, goes_on=True)
    found = cache.entry("kernel", "abc", fill, goes_on=True)
    assert sorted(path.name for path in found.iterdir()) == ["disk", "half"]


def test_only_what_was_not_used_lately_is_dropped(cache: Cache) -> None:
    old, new = cache.entry("tree", "old", fill), cache.entry("tree", "new", fill)
    part = cache.home / "tree-new.part"
    part.mkdir()
    for path in (old, part):
        os.utime(path, (0, 0))
    assert cache.drop_unused(days=1) == ["tree-new.part", "tree-old"]
    assert new.is_dir()
    assert not old.exists()


def test_using_an_entry_keeps_it(cache: Cache) -> None:
    place = cache.entry("tree", "abc", fill)
    os.utime(place, (0, 0))
    cache.entry("tree", "abc", fill)
    assert cache.drop_unused(days=1) == []
