"""A process is known by its id, its start and its boot: an id alone is given to others."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from skerry_lab.process import ProcessIdentity, children, cpu_seconds, start_ticks


def fake_proc(root: Path, pid: int, state: str = "S", started: int = 4711, threads: int = 1) -> Path:
    """A /proc with one process in it, whose name is as nasty as names can be."""
    boot = root / "sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True, exist_ok=True)
    boot.write_text("0c5d\n")
    folder = root / str(pid)
    for thread in range(threads):
        (folder / "task" / str(pid + thread)).mkdir(parents=True)
    before = " ".join(["1"] * 18)
    (folder / "stat").write_text(f"{pid} (a) Z (b)) {state} {before} {started} 0 0\n")
    return root


def test_a_running_process_is_alive(tmp_path: Path) -> None:
    proc = fake_proc(tmp_path, 42)
    assert ProcessIdentity.of(42, proc) == ProcessIdentity(42, 4711, "0c5d")
    assert ProcessIdentity.of(42, proc).alive(proc)


@pytest.mark.parametrize("other", [{"started": 4712}, {"boot": "ffff"}, {"pid": 43}])
def test_another_start_boot_or_id_is_another_process(tmp_path: Path, other: dict[str, int | str]) -> None:
    proc = fake_proc(tmp_path, 42)
    assert not replace(ProcessIdentity.of(42, proc), **other).alive(proc)  # type: ignore[arg-type]


def test_a_zombie_is_gone_but_not_while_its_threads_hold_its_ports(tmp_path: Path) -> None:
    assert start_ticks(7, fake_proc(tmp_path, 7, state="Z")) is None
    assert start_ticks(8, fake_proc(tmp_path, 8, state="Z", threads=2)) == 4711


def test_no_process_is_no_identity(tmp_path: Path) -> None:
    with pytest.raises(ProcessLookupError):
        ProcessIdentity.of(42, tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", '{"pid": 1}', '{"pid": 1, "started": 2, "boot": "x", "more": 1}']
)
def test_half_a_note_is_no_process(tmp_path: Path, content: str) -> None:
    note = tmp_path / "process.json"
    note.write_text(content)
    assert ProcessIdentity.load(note) is None
    assert ProcessIdentity.load(tmp_path / "none") is None


def test_a_note_is_read_back(tmp_path: Path) -> None:
    me = ProcessIdentity.of(os.getpid())
    me.save(tmp_path / "process.json")
    assert ProcessIdentity.load(tmp_path / "process.json") == me
    assert me.alive()


def test_children_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "5/task/5"
    folder.mkdir(parents=True)
    (folder / "children").write_text("6 19 ")
    assert children(5, tmp_path) == [6, 19]
    assert children(99, tmp_path) == []


def test_processor_time_is_ones_own_and_that_of_children_that_ended(tmp_path: Path) -> None:
    proc = fake_proc(tmp_path, 42)
    assert cpu_seconds(42, proc) == 4 / os.sysconf("SC_CLK_TCK")
    assert cpu_seconds(43, proc) == 0
