"""How a program's failure is told. Programs themselves are started in tests/integration."""

import os

import pytest

from skerry_base.core import run as run_module
from skerry_base.core.errors import SkerryError
from skerry_base.core.run import CommandError, dies_with_us, inherited, run_or_empty, tail

SAID = "first\nsecond\n"


@pytest.mark.parametrize(
    ("code", "stderr", "lines", "message"),
    [
        (1, SAID, 1, "`tar -x` ended with code 1: second"),
        (127, "tar is not installed", 1, "`tar -x` ended with code 127: tar is not installed"),
        (None, "", 1, "`tar -x` took too long and was ended: it said nothing"),
        (2, SAID, 25, "`tar -x` ended with code 2:\n    first\n    second"),
        (None, "", 25, "`tar -x` took too long and was ended:\n    (it said nothing)"),
    ],
)
def test_a_failure_names_the_command_and_what_it_said(
    code: int | None, stderr: str, lines: int, message: str
) -> None:
    error = CommandError(["tar", "-x"], code, stderr, lines=lines)
    assert str(error) == message
    assert (error.argv, error.code, error.stderr) == (("tar", "-x"), code, stderr)
    assert isinstance(error, SkerryError)


def test_only_the_end_of_a_long_output_is_shown() -> None:
    assert tail("".join(f"{number}\n" for number in range(100)), 2) == "    98\n    99"


def test_a_program_on_the_users_computer_sees_what_the_user_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    found = inherited({"INITRD": "No"})
    assert (found["http_proxy"], found["LC_ALL"], found["INITRD"]) == ("http://proxy", "C.UTF-8", "No")


def test_only_root_gets_a_namespace_that_ends_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert dies_with_us(["make"]) == ["setpriv", "--pdeathsig", "KILL", "make"]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert dies_with_us(["make"])[-1] == "make"
    assert "--kill-child" in dies_with_us(["make"])


def test_a_hint_stands_behind_the_message() -> None:
    assert str(SkerryError("no such disk")) == "no such disk"
    assert str(SkerryError("no such disk", "Name another.")) == "no such disk. Name another."


def test_only_code_1_means_that_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(code: int | None) -> None:
        def run(argv: list[str]) -> str:
            if code == 0:
                return "found\n"
            raise CommandError(argv, code, "")

        monkeypatch.setattr(run_module, "run", run)

    ends(0)
    assert run_or_empty(["findmnt"]) == "found\n"
    ends(1)
    assert run_or_empty(["findmnt"]) == ""
    for code in (2, 127, None):
        ends(code)
        with pytest.raises(CommandError):
            run_or_empty(["findmnt"])
