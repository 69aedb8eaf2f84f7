"""Paths of the operator's: looked up from where the command is typed, and named when they lead nowhere."""

import os
from pathlib import Path

import pytest

from plugins.plugin_utils.local_paths import local_path, local_path_problem


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command is typed in a folder with a file and a folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("PWD", "/somewhere/else")  # as in a program that changed its folder
    (tmp_path / "shop.tar").write_bytes(b"x")
    (tmp_path / "web").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("shop.tar", "{here}/shop.tar"),
        ("./web/../shop.tar", "{here}/shop.tar"),
        ("/srv/shop.tar", "/srv/shop.tar"),
        ("~/shop.tar", "/home/me/shop.tar"),
        ("", ""),
    ],
)
def test_a_relative_path_begins_where_the_command_is_typed(here: Path, given: str, whole: str) -> None:
    assert local_path(given) == whole.format(here=here)


def test_what_is_there_has_no_problem() -> None:
    assert (local_path_problem("shop.tar", "path"), local_path_problem("web", "folder", "folder")) == ("", "")


@pytest.mark.parametrize(
    ("given", "kind", "problem"),
    [
        ("/no/such.tar", "file", "path=/no/such.tar: there is no /no/such.tar."),
        ("no.tar", "file", "path=no.tar: there is no {here}/no.tar."),
        ("web", "file", "path=web: {here}/web is no file."),
        ("shop.tar", "folder", "path=shop.tar: {here}/shop.tar is no folder."),
        ("", "file", "path is empty."),
    ],
)
def test_what_is_wrong_and_what_would_be_right(here: Path, given: str, kind: str, problem: str) -> None:
    right = f" Give the path of a {kind} on this computer."
    begin = (
        f" A relative path begins where the command is typed: {here}." if given[:1] not in {"/", ""} else ""
    )
    assert local_path_problem(given, "path", kind) == problem.format(here=here) + right + begin


def test_a_file_of_somebody_else(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, who may run this, may read all
    whole = here / "shop.tar"
    assert local_path_problem(str(whole), "path").startswith(f"path={whole}: this user may not read {whole}.")
