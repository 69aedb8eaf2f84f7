"""What is written of a lab, and what a killed run may leave."""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.progress import Progress
from skerry_lab.lab import Labs
from skerry_lab.process import ProcessIdentity
from skerry_lab.recipe import Kind
from skerry_lab.state import LabStore, State, check_name
from tests.unit.lab.labs import make_lab, run


def test_a_lab_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    store = LabStore(tmp_path)
    lab = make_lab(store, kind=Kind.METAL)
    assert store.find("try") == lab
    assert store.get("try").login.port == 20001
    assert store.get("try").forward == {20001: 22, 20002: 443}


def test_the_kernel_of_a_lab_is_read_back_as_well(tmp_path: Path) -> None:
    store = LabStore(tmp_path)
    lab = replace(make_lab(store, kind=Kind.METAL), kernel=Path("/cache/kernel-lab-1"))
    store.save(lab)
    assert store.find("try") == lab


def test_other_users_can_not_look_into_a_lab(tmp_path: Path) -> None:
    assert make_lab(LabStore(tmp_path)).home.stat().st_mode & 0o777 == 0o700


def test_a_lab_runs_when_its_process_does_and_it_was_ready(tmp_path: Path) -> None:
    lab = make_lab(LabStore(tmp_path))
    assert lab.state() is State.DEAD
    run(lab)
    assert lab.state() is State.STARTING
    lab.mark_ready()
    assert lab.state() is State.RUNNING
    replace(ProcessIdentity.of(os.getpid()), started=1).save(lab.home / "process.json")
    assert lab.state() is State.DEAD


def test_what_a_killed_run_left_is_no_lab_but_is_found_and_forgotten(tmp_path: Path) -> None:
    store = LabStore(tmp_path)
    half = store.folder("half")
    half.mkdir(parents=True)
    (half / ".lab.json.new").write_text("{")
    assert store.find("half") is None
    assert store.names() == ["half"]
    assert list(store.all()) == []
    store.forget("half")
    assert store.names() == []


def test_ports_of_other_labs_are_taken_but_not_ones_own(tmp_path: Path) -> None:
    store = LabStore(tmp_path)
    make_lab(store)
    assert store.ports_taken(but="other") == {20001, 20002}
    assert store.ports_taken(but="try") == set()


def test_a_lab_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    store = LabStore(tmp_path)
    make_lab(store)
    with pytest.raises(SkerryError, match=r"no lab named 'tri' \(there is: try\)"):
        store.get("tri")


def test_to_end_a_lab_that_is_not_there_is_no_error_but_said(tmp_path: Path) -> None:
    said = io.StringIO()
    progress = Progress(said)
    Labs(LabStore(tmp_path), Cache(tmp_path / "cache", progress), progress).down("tri")
    assert "lab tri: there is none" in said.getvalue()


@pytest.mark.parametrize("name", ["", "-a", "1a", "A", "a_b", "../x", "a" * 32, "a\n"])
def test_a_bad_name_is_refused_with_a_good_one(name: str) -> None:
    with pytest.raises(SkerryError, match="for instance `try`"):
        check_name(name)
