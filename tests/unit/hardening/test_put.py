"""Carrying a plan out: what is run, in which order, and what is remembered."""

import json
from pathlib import Path

import pytest

from skerry_base.core.errors import SkerryError
from skerry_base.core.run import CommandError
from skerry_base.hardening import put
from skerry_base.hardening.files import File
from skerry_base.hardening.model import Kind
from skerry_base.hardening.plan import Load, Put, Restore, Write
from skerry_base.hardening.table import SETTINGS

BY_NAME = {one.name: one for one in SETTINGS}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What would have been run; the list of former values lies in a folder of the test."""
    commands: list[str] = []

    def record(argv, **_options: float) -> str:
        commands.append(" ".join(argv))
        if argv[0] == "refuses":
            raise CommandError(argv, 1, "line 3: no")
        return ""

    monkeypatch.setattr(put, "run", record)
    monkeypatch.setattr(put, "BEFORE", tmp_path / "kept" / "before.json")
    return commands


def test_what_follows_files_is_run_once_and_last(ran: list[str], tmp_path: Path) -> None:
    reload = ("systemctl", "daemon-reload")
    first = File(Kind.MOUNT, str(tmp_path / "a" / "one"), "1\n", (reload,), only_written=(("enable", "one"),))
    second = File(Kind.MOUNT, str(tmp_path / "two"), "2\n", (reload,))
    put.carry_out([Write(first, ""), Write(second, ""), Load(reload)])
    assert ran == ["systemctl daemon-reload", "enable one"]
    assert Path(first.path).read_text() == "1\n"
    assert (Path(first.path).stat().st_mode & 0o777, Path(first.path).parent.stat().st_mode & 0o777) == (
        0o644,
        0o755,
    )


def test_a_file_that_is_not_wanted_goes(ran: list[str], tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("1\n")
    put.carry_out([Write(File(Kind.MOUNT, str(path), "", (("reload",),), first=(("disable",),)), "1\n")])
    assert ran == ["disable", "reload"]
    assert not path.exists()


def test_a_file_that_its_program_refuses_is_as_it_was(ran: list[str], tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("old\n")
    file = File(Kind.SSHD, str(path), "new\n", (("reload",),), check=("refuses", "it"))
    with pytest.raises(SkerryError, match=r"was refused and is as it was: .*line 3: no"):
        put.carry_out([Write(file, "old\n")])
    assert path.read_text() == "old\n"
    assert "reload" not in ran


def test_where_what_follows_a_file_fails_the_next_plan_has_it_again(ran: list[str], tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    failing = File(Kind.WORD, str(mine), "new\n", (("refuses", "the menu"),))
    passing = File(Kind.SYSCTL, str(other), "new\n")
    with pytest.raises(SkerryError, match="line 3: no"):
        put.carry_out([Write(failing, ""), Write(passing, "")])
    assert not mine.exists()
    assert other.read_text() == "new\n"


@pytest.mark.parametrize(
    ("name", "before", "command"),
    [
        ("mount /tmp", "nosuid,nodev", "mount -o remount,bind,exec /tmp"),
        ("mount /boot", "", "mount -o remount,bind,suid,dev,exec /boot"),
        ("mount /proc", "", "mount -o remount,hidepid=off,gid=0 /proc"),
    ],
)
def test_a_mount_gets_back_what_it_lacked_before(
    ran: list[str], name: str, before: str, command: str
) -> None:
    put.carry_out([Restore(BY_NAME[name], before)])
    assert ran == [command]


def test_the_first_value_is_kept_until_it_is_given_back(ran: list[str]) -> None:
    put.carry_out([Put(BY_NAME["mount /tmp"], "nosuid,nodev")])
    put.carry_out([Put(BY_NAME["mount /tmp"], "nosuid"), Put(BY_NAME["mount /run"], "nosuid,nodev")])
    assert json.loads(put.BEFORE.read_text()) == {"mount /tmp": "nosuid,nodev", "mount /run": "nosuid,nodev"}
    put.carry_out([Restore(BY_NAME["mount /tmp"], "nosuid,nodev")])
    assert json.loads(put.BEFORE.read_text()) == {"mount /run": "nosuid,nodev"}
    put.carry_out([Restore(BY_NAME["mount /run"], "nosuid,nodev")])
    assert not put.BEFORE.parent.exists()


def test_one_way_settings_are_forgotten_and_left(ran: list[str]) -> None:
    put.carry_out([Restore(BY_NAME["sysctl kernel.kexec_load_disabled"], "0")])
    assert ran == []


@pytest.mark.parametrize("text", ["{", "5", "[1]"])
def test_a_broken_list_of_former_values_is_named(ran: list[str], text: str) -> None:
    put.BEFORE.parent.mkdir()
    put.BEFORE.write_text(text)
    with pytest.raises(SkerryError, match=r"before\.json is broken"):
        put.carry_out([Put(BY_NAME["mount /tmp"], "nosuid")])
    assert ran == []
