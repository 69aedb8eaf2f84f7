"""What a page prints, as the suite `docs` reads it."""

import pytest

from tests.docs.pages import CONTROLLER, Command, PageError, PrintedFile, commands, pages, read
from tests.docs.reading import Library
from tools.files import ROOT

SCRIPT = """\
Text.

```sh
# a comment
make try   # and another

ansible-playbook site.yml \\
  --check
ansible isle -a 'one
two'
```
"""
TERMINAL = """\
```console
$ make lab-ssh NAME=try
root@try:~# skerry list
NAME   STATE
hello  running
root@rescue:~# lsblk
```
"""
ANSWER = """\
## One

```sh
make try
```

prints at its end

```text
first answer  0.4 s
```

## Two

```text
a drawing
```
"""


def test_a_script_is_a_command_a_line_and_goes_on_after_a_backslash_and_in_quotes() -> None:
    assert read(SCRIPT, "page.md") == [
        Command("page.md", 5, "make try   # and another"),
        Command("page.md", 7, "ansible-playbook site.yml \\\n  --check"),
        Command("page.md", 9, "ansible isle -a 'one\ntwo'"),
    ]


def test_a_terminal_says_where_its_commands_are_typed_and_what_they_answer() -> None:
    log_in, listed, rescue = commands(read(TERMINAL, "page.md"))
    assert (log_in.place, log_in.opens, log_in.line) == (CONTROLLER, "try", 2)
    assert (listed.place, listed.text, listed.where) == ("try", "skerry list", "page.md:3")
    assert listed.answer == ("NAME   STATE", "hello  running")
    assert (rescue.place, rescue.answer) == ("rescue", ())


def test_a_text_answers_the_command_before_it_in_its_section() -> None:
    (command,) = commands(read(ANSWER, "page.md"))
    assert command.answer == ("first answer  0.4 s",)


def test_a_file_has_the_name_that_the_text_gives_it() -> None:
    text = '`web/image.toml`:\n\n```toml title="web/image.toml"\nsuite = "trixie"\n```\n'
    assert read(text, "page.md") == [PrintedFile("page.md", 3, "web/image.toml", 'suite = "trixie"\n')]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Text:\n\n    make try\n", "page.md:3: a block without a fence"),
        ("```\nmake try\n```\n", "page.md:1: a block of the kind ''"),
        ("```bash\nmake try\n```\n", "page.md:1: a block of the kind 'bash'"),
        ("```console\nmake try\n```\n", "page.md:2: a terminal that begins without a prompt: 'make try'"),
        ("```sh\nmake 'try\n```\n", "page.md:2: a command without an end: make 'try"),
        (
            'Text.\n\n```toml title="a.toml"\na = 1\n```\n',
            "page.md:3: a file a.toml, which the text before it",
        ),
        ("```toml\na =\n```\n", "page.md:1: a block that is not toml"),
        ("```yaml\n- a: [\n```\n", "page.md:1: a block that is not yaml"),
    ],
)
def test_a_form_that_says_nothing_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(PageError) as refused:
        read(text, "page.md")
    assert str(refused.value).startswith(problem)
    assert "docs/explanation/house.md" in str(refused.value)


def test_each_page_has_the_form_and_left_out_toml_fits() -> None:
    library = Library.of(ROOT)
    assert {"README.md", "docs/tutorial/first-island.md", "docs/how-to/containers.md"} <= library.items.keys()
    assert library.items.keys() <= set(pages(ROOT))
    assert list(library.rules.problems(library.commands)) == []
