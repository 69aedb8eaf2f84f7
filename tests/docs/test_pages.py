"""The commands that the pages print, run as printed."""

import pytest

from tests.docs import playbooks
from tests.docs.reader import CommandFailed
from tests.docs.reading import Library, Reading
from tools.files import ROOT


def test_what_is_left_out_is_there_and_is_left_out_once(library: Library) -> None:
    assert list(library.rules.problems(library.commands)) == []


def test_playbooks_that_are_left_out_parse(library: Library) -> None:
    left = playbooks.plays(library.left_out)
    assert left
    assert playbooks.parse(left, ROOT) == ""


def test_playbooks_that_are_left_out_take_the_variables_that_they_are_given(library: Library) -> None:
    assert playbooks.unknown(playbooks.plays(library.left_out), ROOT) == []


def test_commands_do_what_the_page_says(reading: Reading, page: str) -> None:
    if problem := reading.done[page].exception():
        if isinstance(problem, CommandFailed):
            pytest.fail(str(problem), pytrace=False)
        raise problem
