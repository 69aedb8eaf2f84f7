"""The page for users about programs says what the tests give each of them."""

import shlex

from tests.programs.declared import Program, programs
from tools.files import ROOT

PAGE = ROOT / "docs" / "how-to" / "programs.md"


def row(program: Program) -> str:
    packages = "" if program.go else " ".join(program.packages)  # of Go, the packages are a compiler
    cells = [f"`{text}`" if text else "-" for text in (packages, shlex.join(program.command), program.volume)]
    capabilities = ", ".join(program.capabilities) or "-"
    return f"| {program.name} | {cells[0]} | {cells[1]} | {capabilities} | {cells[2]} | {program.stop_signal or '-'} |"


def test_its_table_has_what_is_tested() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table = lines[lines.index("|---|---|---|---|---|---|") + 1 :]
    assert table[: len(programs()) + 1] == [*map(row, programs().values()), ""]


def test_programs_that_want_more_memory_are_named() -> None:
    names = {"mariadb": "MariaDB", "rabbitmq": "RabbitMQ", "tomcat": "Tomcat"}
    larger = [program.name for program in programs().values() if program.memory != "256M"]
    assert sorted(larger) == sorted(names)
    said = next(
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("- Memory:")
    )
    assert all(name in said for name in names.values())
