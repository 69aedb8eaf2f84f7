"""What is said of a command that does not do what its page says, and at the end of all."""

import pytest

from tests.docs.pages import Command
from tests.docs.reader import CommandFailed, Ran, check
from tests.docs.rules import Rules
from tests.docs.table import table
from tests.docs.terminal import Answer

LISTED = Command("a.md", 7, "skerry list", "try", answer=("NAME  STATE", "hello  running"))
LEFT = Command("a.md", 9, "ansible-playbook playbooks/unlock.yml -l isle      # who waits?")
RULES = Rules.read('[[left_out]]\npage = "a.md"\ncommand = "ansible"\nreason = "an encrypted server"\n')


def test_a_command_that_answers_as_printed_is_fine() -> None:
    check(LISTED, Answer(0, "NAME   STATE    URL\nNAME   STATE\nhello  running\n"))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(3, "no such container"), "failed (3)\nit said:\n    no such container"),
        (Answer("out of time", ""), "failed (out of time)"),
        (Answer(0, "NAME STATE\nhello stopped\n"), "does not answer as printed; this line is missing"),
    ],
)
def test_one_that_does_not_is_named_with_its_place_and_its_last_words(answer: Answer, problem: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        check(LISTED, answer)
    assert str(failed.value).startswith("a.md:7: skerry list\n")
    assert problem in str(failed.value)


def test_the_table_counts_what_was_run_and_names_what_was_left_out() -> None:
    lines = [" ".join(line.split()) for line in table([LISTED, LEFT], [Ran(LISTED, 1.5)], RULES)]
    assert lines == [
        "page run left out seconds",
        "a.md 1 1 1.5",
        "all 1 1 1.5",
        "left out: an encrypted server",
        "a.md:9 ansible-playbook playbooks/unlock.yml -l isle syntax, variables",
    ]
