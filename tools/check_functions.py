"""Functions are short, typed and documented; modules only call their handler; files stay readable.

A function's length is counted from `def` to its last line, without its docstring. A file's length is counted without
what `make options` writes: nobody reads that here.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tools.files import ROOT, report, repository_files

ROOMS = ("src", "plugins", "tools")
LONGEST_FUNCTION = 50
MEDIAN_FUNCTION = 7
LONGEST_FILE = 400
MODULE_FUNCTION = 15
WRITTEN = re.compile(
    r"^ *# written by `make options`.*?^ *# end of what is written\n", re.DOTALL | re.MULTILINE
)
MODULE_MAY_NOT_IMPORT = {"os", "socket", "subprocess", "shutil"}

Node = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """A function, where it stands, and whether it is public."""

    where: str
    node: Node
    public: bool

    @property
    def lines(self) -> int:
        """Its length in lines, without the docstring."""
        whole = (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1
        first = self.node.body[0]
        if ast.get_docstring(self.node) is None:
            return whole
        return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)

    @property
    def untyped(self) -> list[str]:
        """Its arguments (and `return`) that have no annotation."""
        arguments = self.node.args
        plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        plain += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
        names = [one.arg for one in plain if one.annotation is None and one.arg not in {"self", "cls"}]
        return names + (["return"] if self.node.returns is None else [])


def functions(tree: ast.AST, path: str, public: bool = True) -> Iterator[Function]:
    """Every function below a node. One inside another, or inside a private class, is not public."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, Node):
            shown = public and not child.name.startswith("_")
            yield Function(f"{path}:{child.lineno}: {child.name}", child, shown)
            yield from functions(child, path, public=False)
        elif isinstance(child, ast.ClassDef):
            yield from functions(child, path, public and not child.name.startswith("_"))
        else:
            yield from functions(child, path, public)


def check_function(function: Function) -> Iterator[str]:
    """What is wrong with one function."""
    if function.lines > LONGEST_FUNCTION:
        yield f"{function.where} has {function.lines} lines; at most {LONGEST_FUNCTION}"
    if function.untyped:
        yield f"{function.where} has no type for {', '.join(function.untyped)}"
    if function.public and not ast.get_docstring(function.node):
        yield f"{function.where} is public and has no docstring"


def imported(tree: ast.AST) -> set[str]:
    """The top-level names of the modules that are imported."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names


def check_module(tree: ast.AST, path: str) -> Iterator[str]:
    """A module is options and one call: no work of its own."""
    for name in sorted(imported(tree) & MODULE_MAY_NOT_IMPORT):
        yield f"{path}: a module only calls its handler, it does not use {name}"
    for function in functions(tree, path):
        if function.lines > MODULE_FUNCTION:
            yield f"{function.where} has {function.lines} lines; in a module at most {MODULE_FUNCTION}"


def check_median(lengths: list[int]) -> Iterator[str]:
    """Half of all functions must fit in ten lines."""
    if lengths and (middle := median(lengths)) > MEDIAN_FUNCTION:
        yield f"the median function has {middle:g} lines; at most {MEDIAN_FUNCTION}"


def check_tree(root: Path) -> Iterator[str]:
    """What is wrong in the rooms under `root`, a line each; then the figures."""
    lengths: list[int] = []
    for path in repository_files(root):
        name = path.relative_to(root)
        if path.suffix != ".py" or name.parts[0] not in ROOMS:
            continue
        text = path.read_text()
        tree = ast.parse(text)
        found = list(functions(tree, str(name)))
        lengths += [function.lines for function in found]
        for function in found:
            yield from check_function(function)
        lines = WRITTEN.sub("", text).count("\n")
        if lines > LONGEST_FILE:
            yield f"{name} has {lines} lines; at most {LONGEST_FILE}"
        if name.parts[:2] == ("plugins", "modules"):
            yield from check_module(tree, str(name))
    yield from check_median(lengths)
    if lengths:
        print(f"{len(lengths)} functions: median {median(lengths):g} lines, longest {max(lengths)}")


def main(root: Path = ROOT) -> int:
    """Check the repository; the exit code."""
    return report(check_tree(root))


if __name__ == "__main__":
    sys.exit(main())
