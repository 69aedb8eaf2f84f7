"""The freezer, on files that look like a cgroup's."""

from pathlib import Path

import pytest

from skerry.host import cgroups
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.parts import freezer
from skerry.parts.base import Part

HOST = HostConfig(domain="example.org")
PART = freezer.Frozen(id="a" * 24, group="skerry.slice/x")


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    folder = tmp_path / PART.group
    folder.mkdir(parents=True)
    (folder / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    return folder


def test_made_when_the_kernel_says_that_all_are_held(group: Path) -> None:
    (group / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    PART.make(HOST)
    assert (group / "cgroup.freeze").read_text() == "1"
    assert PART.exists(HOST)
    PART.remove(HOST)
    assert (group / "cgroup.freeze").read_text() == "0"


def test_a_process_that_cannot_be_held_is_said(group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezer, "_SECONDS", 0.0)
    with pytest.raises(SkerryError, match="was not frozen within 0 s"):
        PART.make(HOST)
    assert not PART.exists(HOST)


def test_one_that_ended_cannot_be_frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    with pytest.raises(SkerryError, match="has no processes to freeze"):
        PART.make(HOST)
    PART.remove(HOST)


def test_the_journal_keeps_it() -> None:
    assert Part.from_json(PART.to_json()) == PART
