"""From the fields of a model to options of a module: type, bounds, effect, and what their page says of them."""

import re
import subprocess
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, PlainSerializer
from pydantic.fields import FieldInfo

from skerry.model.container import ContainerKey, Secret, TakesEffect
from skerry.model.size import format_size
from skerry.protocol.core import group_of
from skerry.protocol.errors import PATTERNS, plain
from tools.files import ROOT

CODE = re.compile(r"\b[A-Z]+_[A-Z_]+\b|\bsha256(?:sum\b|:)|(?<!\S)/[a-z]+(?:/[a-z]+)*")
EFFECTS = {
    "live": "A change takes effect at once.",
    "restart": "A change takes effect when the container is next started or restarted.",
    "anew": "A change restarts the container at once, with a fresh root; one that is stopped stays so.",
}
ABSOLUTE = r"^/"
PRESENT = {"type": "str", "choices": ["present", "absent"]}
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
        for only_in_the_spec in ("options", "no_log", "mutually_exclusive", "required_one_of"):
            page.pop(only_in_the_spec, None)
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
            words = PATTERNS[pattern]
            yield f"{words[:1].upper()}{words[1:]}."
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
    return [marked(declared.description), *([facts] if facts else [])]


def marked(text: str) -> str:
    """Plain text of the model with Ansible's markup: what is code is written as code."""
    return CODE.sub(r"C(\g<0>)", text)


def option(declared: FieldInfo) -> Option:
    """The option of a module for a field of the model."""
    spec, suboptions = kind(declared)
    if any(isinstance(note, Secret) for note in declared.metadata):
        spec["no_log"] = True
    if suboptions:
        spec["options"] = {name: inner.spec for name, inner in suboptions.items()}
    return Option(spec, description(declared), suboptions)


def kind(declared: FieldInfo) -> tuple[dict[str, Any], dict[str, Option]]:
    """Ansible's type for a field of the model, and the options inside it.

    Raises:
        TypeError: no type of Ansible's stands for it.
    """
    hint = declared.annotation
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        hint = bare(next(one for one in typing.get_args(hint) if one is not type(None)))
    if is_size(declared):
        return {"type": "str"}, {}
    if any(getattr(note, "pattern", None) == ABSOLUTE for note in declared.metadata):
        return {"type": "path"}, {}
    if hint in SCALARS:
        return {"type": SCALARS[hint]}, {}
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Literal:
            return {"type": "str", "choices": list(arguments)}, {}
        case None if isinstance(hint, type) and issubclass(hint, BaseModel):
            return {"type": "dict"}, options(hint)
        case origin if origin is dict:
            return {"type": "dict"}, {}
        case origin if origin in {list, tuple}:
            return listed(bare(arguments[0]))
    raise TypeError(f"no type of Ansible's stands for {hint}")


def listed(entry: Any) -> tuple[dict[str, Any], dict[str, Option]]:
    """The same for a list of such entries."""
    if typing.get_origin(entry) is typing.Literal:
        return {"type": "list", "elements": "str", "choices": list(typing.get_args(entry))}, {}
    if entry in SCALARS:
        return {"type": "list", "elements": SCALARS[entry]}, {}
    return {"type": "list", "elements": "dict"}, options(entry)


def bare(hint: Any) -> Any:
    """A type without what is noted on it."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint


def group(text: str, inner: dict[str, Option]) -> Option:
    """An option that has others in it."""
    spec = {"type": "dict", "options": {name: one.spec for name, one in inner.items()}}
    return Option(spec, [text], inner)


NO_VALUES = frozenset(
    {"keys", "passwords", "tokens"}
)  # public keys, and lists in which the values are marked


def options(model: type[BaseModel]) -> dict[str, Option]:
    """Every field of a model as an option; what has no default is required."""
    found = {name: option(declared) for name, declared in model.model_fields.items()}
    for name, one in found.items():
        if model.model_fields[name].is_required():
            one.spec["required"] = True
        if "secret" in name or name in NO_VALUES:  # Ansible would warn of an option that it takes for a value
            one.spec.setdefault("no_log", False)
    return found


def of_request(request: type[BaseModel]) -> dict[str, Option]:
    """The options of a module whose request is this one: its fields, and those of its groups."""
    found: dict[str, Option] = {}
    for name, declared in request.model_fields.items():
        inner = group_of(declared)
        if inner is not None:
            found |= options(inner)
        elif name != "verb":
            found[name] = option(declared)
            if declared.is_required():
                found[name].spec["required"] = True
            elif isinstance(declared.default, bool | int | float | str | list):
                found[name].spec["default"] = declared.default
    return found


def owned(request: type[BaseModel]) -> dict[str, Option]:
    """The options of a module for what a project owns: name and state first, then where it is, then the rest."""
    found = of_request(request)
    for name in ("realm", "project"):
        found[name].spec["default"] = ContainerKey.model_fields[name].default
    first = {name: found.pop(name) for name in ("name", "state", "realm", "project")}
    return first | found


def only_those(key: type[BaseModel], plural: str) -> dict[str, Option]:
    """The fields of a key as options that leave resources out."""
    found = options(key)
    for name, one in found.items():
        for of_a_new_one in ("required", "default"):
            one.spec.pop(of_a_new_one, None)
        one.description[:] = [f"Only {plural} of this {name}."]
    return found


def of_container(request: type[BaseModel]) -> dict[str, Option]:
    """The options of a module that asks this of a container that exists: its name first."""
    found = of_request(request)
    for name in ("realm", "project"):
        found[name].spec["default"] = ContainerKey.model_fields[name].default
    return {"name": found.pop("name")} | found


def formatted(text: str) -> str:
    """Python as the formatter writes it.

    Raises:
        subprocess.CalledProcessError: it is none.
    """
    command = [str(ROOT / ".venv" / "bin" / "ruff"), "format", "--stdin-filename", "written.py", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
