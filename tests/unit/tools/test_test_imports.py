"""What a slow test takes from another module of tests is there: nobody starts a lab to find out that it is not."""

import ast
import functools
from pathlib import Path

from tests.conftest import ROOT


@functools.cache
def defined(path: Path) -> set[str]:
    """The names that a module gives anything."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name for alias in names}
    return found


def has(module: str, name: str) -> bool:
    place = ROOT / module.replace(".", "/")
    if place.is_dir():
        return (place / name).is_dir() or (place / f"{name}.py").exists()
    return name in defined(place.with_suffix(".py"))


def test_every_name_is_there() -> None:
    lacking = [
        f"{path.relative_to(ROOT)}: {node.module}.{alias.name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tests"
        for alias in node.names
        if not has(node.module or "", alias.name)
    ]
    assert lacking == []
