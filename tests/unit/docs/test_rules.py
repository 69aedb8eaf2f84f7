"""What left_out.toml may say, and what is found to be wrong in it."""

import pytest

from tests.docs.pages import Command
from tests.docs.playbooks import play, unknown
from tests.docs.reading import Library
from tests.docs.rules import Rules
from tools.files import ROOT

TEXT = """
[after]
"b.md" = "a.md"
"c.md" = "b.md"

[[left_out]]
page = "a.md"
command = "make kernel"
reason = "a quarter of an hour"

[[typed]]
page = "b.md"
printed = "isle"
typed = "island1"

[[by_hand]]
page = "b.md"
before = "ansible-playbook"
does = "edit_inventory"
"""
KERNEL = Command("a.md", 3, "make kernel FLAVOUR=lab")
UNLOCK = Command("b.md", 3, "ansible-playbook playbooks/unlock.yml -l isle")
CHECK = Command("b.md", 4, "skerry-boot check", "isle")
C = Command("c.md", 1, "true")


@pytest.fixture
def rules() -> Rules:
    return Rules.read(TEXT)


def test_a_command_is_left_out_by_its_beginning_and_its_page(rules: Rules) -> None:
    assert rules.reason(KERNEL) == "a quarter of an hour"
    assert not rules.reason(Command("b.md", 1, KERNEL.text))
    assert not rules.reason(UNLOCK)


def test_names_are_replaced_in_what_is_typed_and_in_the_prompt(rules: Rules) -> None:
    assert rules.as_typed(UNLOCK).text == "ansible-playbook playbooks/unlock.yml -l island1"
    assert rules.as_typed(CHECK).place == "island1"
    assert rules.operations(UNLOCK) == ["edit_inventory"]
    assert rules.operations(CHECK) == []


def test_all_fits(rules: Rules) -> None:
    assert list(rules.problems([KERNEL, UNLOCK, CHECK, C])) == []


def test_what_no_command_needs_is_named(rules: Rules) -> None:
    said = "\n".join(rules.problems([CHECK, C]))
    assert "no command of a.md needs LeftOut(page='a.md', command='make kernel'" in said
    assert "no command of b.md needs ByHand" in said
    assert "there is no page a.md with commands" in said


def test_what_is_left_out_is_not_typed() -> None:
    both = Rules.read(
        '[[left_out]]\npage = "a.md"\ncommand = "make"\nreason = "no"\n'
        '[[typed]]\npage = "a.md"\nprinted = "lab"\ntyped = "metal"\n'
    )
    assert ["needs Typed" in problem for problem in both.problems([KERNEL])] == [True]


def test_a_command_is_left_out_once() -> None:
    entry = '[[left_out]]\npage = "a.md"\ncommand = "make"\nreason = "no"\n'
    assert list(Rules.read(entry * 2).problems([KERNEL])) == [
        "a.md:3: tests/docs/left_out.toml leaves it out more than once: make kernel FLAVOUR=lab"
    ]


@pytest.mark.parametrize(
    "text", ["[[left]]\n", '[[left_out]]\npage = "a.md"\n', '[after]\n[[typed]]\nname = "x"\n']
)
def test_a_key_that_nobody_knows_is_refused(text: str) -> None:
    with pytest.raises(TypeError):
        Rules.read(text)


def test_a_page_is_read_after_those_that_it_stands_on(rules: Rules) -> None:
    library = Library({"a.md": [KERNEL], "b.md": [UNLOCK], "c.md": [C], "d.md": []}, rules)
    assert library.readers(["c.md", "b.md"]) == {"a.md": ["a.md", "b.md", "c.md"]}
    assert library.readers(["d.md", "a.md"]) == {"d.md": ["d.md"], "a.md": ["a.md"]}


def test_the_playbooks_of_a_command_and_what_it_gives_them() -> None:
    found = play(
        Command("a.md", 1, "ansible-playbook -i hosts x.yml -l isle -e a=1 -e '{\"b\": []}' --check # no")
    )
    assert found is not None
    assert (found.playbooks, found.names) == (["x.yml"], {"a", "b"})
    assert play(KERNEL) is None


def test_a_variable_that_a_playbook_does_not_take_is_named() -> None:
    wrong = play(Command("a.md", 7, "ansible-playbook playbooks/rescue.yml -e repair=true -e repiar=true"))
    assert wrong is not None
    (said,) = unknown([wrong], ROOT)
    assert said.startswith("a.md:7: repiar: no such variable of playbooks/rescue.yml; did you mean repair?")
