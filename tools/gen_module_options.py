"""Writes the options of the container modules, their documentation and argument specs, from src/skerry/model.

An option is declared once, in the model. Each module has two marked regions, and this fills them. A default of
the model stays out of the argument specs: to a module an option that is not given means "as it is".
"""

import argparse
import re
import subprocess
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, PlainSerializer
from pydantic.fields import FieldInfo

from skerry.engine.requests import Ensure, Stop
from skerry.engine.wording import PATTERNS, plain
from skerry.model.container import ContainerKey, Spec, TakesEffect
from skerry.model.size import format_size
from tools.files import ROOT, report

NOTE = "written by `make options` from src/skerry/model"
REGION = re.compile(rf"^(?P<indent> *)# {NOTE}\n.*?^ *# end of what is written\n", re.DOTALL | re.MULTILINE)
STATES = [
    "V(present): it exists. A new one is started, one that exists stays running or stopped as it is.",
    "V(started) and V(stopped): it exists, and its program runs or does not. A new one is made as needed.",
    "V(restarted): as V(started); where it runs already, its program is ended and started again.",
    "V(absent): it is deleted with all its files, and its URLs are dead for good.",
]
EFFECTS = {
    "live": "A change takes effect at once.",
    "restart": "A change takes effect when the container is next started or restarted.",
    "never": "It cannot be changed.",
}
SCALARS: Mapping[Any, str] = {str: "str", int: "int", float: "float", bool: "bool"}


@dataclass(frozen=True)
class Option:
    """An option of a module: how Ansible checks it, and what its page says."""

    spec: dict[str, Any]
    description: list[str]
    suboptions: dict[str, "Option"] = field(default_factory=dict)

    def documented(self) -> dict[str, Any]:
        """As in the module's DOCUMENTATION."""
        page = {"description": self.description} | self.spec
        page.pop("options", None)
        inner = {name: option.documented() for name, option in self.suboptions.items()}
        return page | ({"suboptions": inner} if inner else {})


def is_size(declared: FieldInfo) -> bool:
    """Whether an option is a size: a number of bytes that people write as 256M."""
    return any(isinstance(note, PlainSerializer) for note in declared.metadata)


def shown(value: Any, declared: FieldInfo) -> str:
    """A bound or a default as its page shows it."""
    return f"V({format_size(value)})" if is_size(declared) else f"V({plain(value)})"


def bounds(declared: FieldInfo) -> Iterator[str]:
    """What is allowed, in sentences."""
    found = {
        name: getattr(note, name)
        for note in declared.metadata
        for name in ("ge", "le")
        if hasattr(note, name)
    }
    low, high = (shown(found[name], declared) if name in found else "" for name in ("ge", "le"))
    if low:
        yield f"From {low} to {high}." if high else f"At least {low}."
    for note in declared.metadata:
        if pattern := getattr(note, "pattern", None):
            yield PATTERNS[pattern].capitalize() + "."
        if declared.annotation is str and (most := getattr(note, "max_length", None)):
            yield f"At most {most} characters."


def effects(declared: FieldInfo) -> Iterator[str]:
    """For an option of the container itself: what a new one has, and when a change takes effect."""
    for note in declared.metadata:
        if isinstance(note, TakesEffect):
            if isinstance(declared.default, int | float):
                yield f"A new container has {shown(declared.default, declared)}."
            yield EFFECTS[note.how]


def description(declared: FieldInfo) -> list[str]:
    """The page of an option."""
    if not declared.description:
        raise ValueError(f"an option of type {declared.annotation} has no description in the model")
    facts = " ".join([*bounds(declared), *effects(declared)])
    return [declared.description, *([facts] if facts else [])]


def option(declared: FieldInfo) -> Option:
    """The option of a module for a field of the model."""
    spec, suboptions = kind(declared)
    if suboptions:
        spec["options"] = {name: inner.spec for name, inner in suboptions.items()}
    return Option(spec, description(declared), suboptions)


def kind(declared: FieldInfo) -> tuple[dict[str, Any], dict[str, Option]]:
    """Ansible's type for a field of the model, and the options inside it.

    Raises:
        TypeError: no type of Ansible's stands for it.
    """
    hint = declared.annotation
    if typing.get_origin(hint) is types.UnionType:
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    if is_size(declared):
        return {"type": "str"}, {}
    if hint in SCALARS:
        return {"type": SCALARS[hint]}, {}
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Literal:
            return {"type": "str", "choices": list(arguments)}, {}
        case origin if origin is dict:
            return {"type": "dict"}, {}
        case origin if origin is list:
            return {"type": "list", "elements": SCALARS[arguments[0]]}, {}
        case origin if origin is tuple:
            return {"type": "list", "elements": "dict"}, options(arguments[0])
    raise TypeError(f"no type of Ansible's stands for {hint}")


def options(model: type[BaseModel]) -> dict[str, Option]:
    """Every field of a model as an option; what has no default is required."""
    found = {name: option(declared) for name, declared in model.model_fields.items()}
    for name, one in found.items():
        if model.model_fields[name].is_required():
            one.spec["required"] = True
    return found


def container() -> dict[str, Option]:
    """The options of skerry_container."""
    key, spec = options(ContainerKey), options(Spec)
    for name in ("realm", "project"):
        key[name].spec["default"] = ContainerKey.model_fields[name].default
    spec["image"].spec.pop("required")
    spec["image"].description.append("Required for a new container.")
    states = kind(Ensure.model_fields["state"])[0]
    waits = {name: option(Ensure.model_fields[name]) for name in ("wait", "timeout")}
    for name, waiting in waits.items():
        waiting.spec["default"] = Ensure.model_fields[name].default
    grace = option(Stop.model_fields["grace"])
    grace.spec["default"] = Stop.model_fields["grace"].default
    first = {"name": key.pop("name"), "state": Option({**states, "default": "started"}, STATES)}
    return first | key | spec | waits | {"grace": grace}


def container_info() -> dict[str, Option]:
    """The options of skerry_container_info."""
    found = options(ContainerKey)
    for name, one in found.items():
        one.spec.pop("required", None)
        one.description[:] = [f"Only containers of this {name}."]
    return found


def documentation(found: Mapping[str, Option]) -> str:
    """The options as the YAML of a module's DOCUMENTATION."""
    pages = {name: one.documented() for name, one in found.items()}
    return yaml.safe_dump(pages, sort_keys=False, width=100, allow_unicode=True)


def argument_spec(found: Mapping[str, Option]) -> str:
    """The options as the entries of a Python dictionary, formatted."""
    text = repr({name: one.spec for name, one in found.items()})
    command = [str(ROOT / ".venv" / "bin" / "ruff"), "format", "--stdin-filename", "options.py", "-"]
    answer = subprocess.run(
        command,
        input=text[:-1] + ",}",  # the last comma: one option a line
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return "".join(line[4:] for line in answer.stdout.splitlines(keepends=True)[1:-1])


def filled(text: str, found: Mapping[str, Option]) -> str:
    """A module's text with its two regions written anew.

    Raises:
        ValueError: it has not exactly two regions.
    """
    contents = [documentation(found), argument_spec(found)]
    if len(REGION.findall(text)) != len(contents):
        raise ValueError(f"a module has {len(contents)} regions that begin with '# {NOTE}'")

    def written(match: re.Match[str]) -> str:
        lines = [f"# {NOTE}", *contents.pop(0).splitlines(), "# end of what is written"]
        return "".join(f"{match['indent']}{line}\n" for line in lines)

    return REGION.sub(written, text)


MODULES: Mapping[str, Callable[[], dict[str, Option]]] = {
    "skerry_container": container,
    "skerry_container_info": container_info,
}


def main(root: Path = ROOT) -> int:
    """Write the regions, or with --check say which ones differ; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a module differs")
    checking = parser.parse_args().check
    stale = []
    for name, declare in MODULES.items():
        path = root / "plugins" / "modules" / f"{name}.py"
        text = path.read_text()
        if (new := filled(text, declare())) == text:
            continue
        stale.append(f"{path.relative_to(root)} differs from the model: run `make options`")
        if not checking:
            path.write_text(new)
    return report(stale) if checking else 0


if __name__ == "__main__":
    sys.exit(main())
