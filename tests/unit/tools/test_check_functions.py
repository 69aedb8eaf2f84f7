"""Long, untyped and undocumented functions, and modules that do more than call their handler, are told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import check_functions

GOOD = 'def f(x: int) -> int:\n    """Say x."""\n    return x\n'


def body(lines: int) -> str:
    return "".join(f"    x = {number}\n" for number in range(lines))


LONG = 'def f() -> None:\n    """Long."""\n' + body(60)


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("src/a.py", LONG, "has 61 lines; at most 50"),
        ("src/a.py", 'def f(x) -> None:\n    """Say."""\n', "no type for x"),
        ("src/a.py", 'def f(*x: int):\n    """Say."""\n', "no type for return"),
        ("plugins/a.py", "def f() -> None:\n    pass\n", "public and has no docstring"),
        ("tools/a.py", "class A:\n    def f(self) -> None:\n        pass\n", "public and has no docstring"),
        ("plugins/modules/a.py", 'def main() -> None:\n    """Go."""\n' + body(15), "in a module at most 15"),
        ("plugins/modules/a.py", "import subprocess\n", "does not use subprocess"),
        ("src/a.py", 'def f() -> None:\n    """Say."""\n' + body(8), "median function has 9 lines"),
        ("src/a.py", "x = 1\n" * 401, "has 401 lines; at most 400"),
    ],
)
def test_a_defect_is_told(
    repository: Callable[[dict[str, str]], Path],
    path: str,
    code: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Short functions beside it keep the median out of the other cases.
    short = (
        {"src/short.py": "".join(GOOD.replace("f(", f"f{n}(") for n in range(3))}
        if "median" not in said
        else {}
    )
    assert check_functions.main(repository({path: code, **short})) == 1
    assert said in capsys.readouterr().out


def test_good_code_passes_with_its_figures(
    repository: Callable[[dict[str, str]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    private = "class _A:\n    def f(self) -> None:\n        def g() -> None: ...\n"
    assert check_functions.main(repository({"src/a.py": GOOD + private})) == 0
    assert capsys.readouterr().out == "3 functions: median 2 lines, longest 2\n"
