"""Links that lead nowhere are told, with page and line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import check_links


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("see [it](gone.md)", "docs/a.md:1: no such file: gone.md"),
        ("# A\n\nsee [it](b.md#nope)", "docs/a.md:3: no heading #nope in b.md"),
        ("[here](#there)", "no heading #there in a.md"),
        ("[up](../gone/)", "no such file: ../gone/"),
    ],
)
def test_a_dead_link_is_told(
    repository: Callable[[dict[str, str]], Path], text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_links.main(repository({"docs/a.md": text, "docs/b.md": "# B\n"})) == 1
    assert said in capsys.readouterr().out


def test_live_links_pass(repository: Callable[[dict[str, str]], Path]) -> None:
    page = (
        "# One `thing`, and more\n# Twice\n# Twice\n"
        "[b](b.md) [b](b.md#b) [1](#one-thing-and-more) [2](#twice-1)\n"
        "[web](https://example.org/x) [root](../README.md) `[code](gone.md)`\n```\n[code](gone.md)\n```\n"
    )
    assert check_links.main(repository({"docs/a.md": page, "docs/b.md": "# B\n", "README.md": "# R\n"})) == 0
