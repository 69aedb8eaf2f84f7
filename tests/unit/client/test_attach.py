"""How a program is brought into a container: what lxc-attach is told, and what is told inside only."""

from pathlib import Path
from typing import Any

import pytest

from skerry import attach

OWN = ["", "", "/srv", "0", "2", "HOME=/root", "A=1", "/app", "--verbose"]


def ticket(run: Path, **given: Any) -> dict[str, Any]:
    fixed = {"id": "c" * 24, "run": str(run), "command": ["id", "-u"], "env": {}}
    return {**fixed, "user": None, "workdir": None, **given}


def written(folder: Path, name: str, words: list[str]) -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"".join(word.encode() + b"\0" for word in words))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return written(tmp_path, "own/program", OWN)


def test_it_has_what_the_containers_own_program_has(run: Path) -> None:
    words = attach._description(ticket(run))
    assert words == ["", "", "/srv", "0", "2", "HOME=/root", "A=1", "id", "-u"]


def test_what_is_given_wins(run: Path) -> None:
    words = attach._description(ticket(run, env={"A": "2\n3", "B": ""}, workdir="/tmp"))
    assert words == ["", "", "/tmp", "0", "3", "HOME=/root", "A=2\n3", "B=", "id", "-u"]


@pytest.mark.parametrize(
    ("user", "variables"), [("", ["HOME=/root", "A=1"]), ("www-data", ["A=1"]), ("33:33", ["A=1"])]
)
def test_another_user_has_another_home(run: Path, user: str, variables: list[str]) -> None:
    words = attach._description(ticket(run, user=user))
    assert (words[0], words[5:-2]) == (user, variables)


def test_a_home_that_is_given_stays(run: Path) -> None:
    assert "HOME=/x" in attach._description(ticket(run, user="33", env={"HOME": "/x"}))


def test_nothing_that_is_given_is_an_option_of_lxc_attach(run: Path) -> None:
    given = ticket(run, command=["--evil"], env={"LD_PRELOAD": "/evil.so"}, user="33", workdir="/--w")
    argv = attach._argv(given, attach._lxcpath(given), 7)
    assert argv == ["/usr/bin/lxc-attach", "--name", "c" * 24, "--clear-env",
                    "--elevated-privileges=CAP", "--", "/dev/skerry/enter", "/proc/self/fd/7"]  # fmt: skip


def test_it_is_entered_by_the_name_that_its_start_made_up(run: Path) -> None:
    (run / "lxc" / "0123").mkdir(parents=True)
    assert attach._lxcpath(ticket(run)) == ["--lxcpath", f"{run}/lxc/0123"]
    argv = attach._argv(ticket(run), ["--lxcpath", "/x"], 7)
    assert argv[1:6] == ["--name", "c" * 24, "--lxcpath", "/x", "--clear-env"]


def test_between_two_starts_it_is_entered_by_no_name_that_others_know(run: Path) -> None:
    (run / "lxc").mkdir()
    with pytest.raises(attach.AttachError, match="the container ended"):
        attach._lxcpath(ticket(run))


def test_one_whose_folder_goes_has_ended(tmp_path: Path) -> None:
    with pytest.raises(attach.AttachError, match="the container ended"), attach.started(ticket(tmp_path)):
        pass


def test_one_with_a_cgroup_of_its_own_is_moved_to_no_other(run: Path) -> None:
    assert "--elevated-privileges=CAP|CGROUP" in attach._argv(ticket(run), [], 7, own_group=True)


def test_one_of_an_older_skerry_is_entered_by_the_env_of_its_image(tmp_path: Path) -> None:
    launch = ["image", "files", "rootfs", "1", "config", "id", "1", "A=1", "/app"]
    given = ticket(written(tmp_path, "launch", launch), env={"B": "2"}, workdir="/srv")
    argv = attach._argv(given, [], None)
    assert attach._argv(given, [], None, own_group=True) == [
        *argv[:4],
        "--elevated-privileges=CGROUP",
        *argv[4:],
    ]
    assert argv[5:] == [
        "/usr/bin/env",
        "--ignore-environment",
        "--chdir=/srv",
        "--",
        "A=1",
        "B=2",
        "id",
        "-u",
    ]
    with pytest.raises(attach.AttachError, match="restart it once"):
        attach._argv(given | {"user": "33"}, [], None)


@pytest.mark.parametrize(("code", "status"), [(0, 0), (7, 7), (-9, 137), (-15, 143)])
def test_a_signal_is_an_exit_code(code: int, status: int) -> None:
    assert attach.exit_code(code) == status
