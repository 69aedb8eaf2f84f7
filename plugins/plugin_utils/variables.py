# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""Which variables a playbook takes, as it declares them itself, and what is wrong with those that were given.

A playbook's first task, C(skerry.host.variables), names its own. Those of the roles that it runs stand in their
C(meta/argument_specs.yml). Everything is read from the files, so that a playbook that imports others takes what they take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

ROOT = Path(__file__).resolve().parents[2]
CHECK = "skerry.host.variables"
COLLECTION = "skerry.host."
# What all playbooks call alike and no role or module declares.
COMMON = "playbooks/vars/variables.yml"
SECTIONS = ("pre_tasks", "tasks", "post_tasks", "handlers")
# Folders beside playbooks that hold none.
ASIDE = {"vars", "tasks"}
BLOCKS = ("block", "rescue", "always")
NEAR = 0.65
NONE_NEAR = "."
# Under their old names they would be ignored, and no new name is near enough.
RENAMED = {"proxy_websocket_timeout": "proxy_stream_timeout"}
# What variables of playbooks were called before: Ansible's reserved names, of which it warns. The old ones go on.
OLD_NAMES = {"name": "container_name", "port": "container_port", "timeout": "container_timeout"}

Names = dict[str, None]
"""An ordered set."""


@dataclass(frozen=True)
class Takes:
    """What a playbook takes.

    Attributes:
        own: names that it declares, in its order.
        required: those of them that must be given, each with an example of its value.
        roles: the roles that it runs; what they take, it takes.
        modules: Skerry's modules that it calls; a variable named like an option of one is that option.
    """

    own: Names = field(default_factory=dict)
    required: Mapping[str, str] = field(default_factory=dict)
    roles: Names = field(default_factory=dict)
    modules: Names = field(default_factory=dict)

    def without(self, said: Iterable[str]) -> Takes:
        """What is left to give where an importing playbook says some of it."""
        own = {name: None for name in self.own if name not in said}
        required = {name: example for name, example in self.required.items() if name not in said}
        return Takes(own, required, self.roles, self.modules)

    def old_names(self) -> dict[str, str]:
        """What variables that it takes were called before, each with its name of today."""
        return {old: new for old, new in OLD_NAMES.items() if new in self.own}

    def __or__(self, other: Takes) -> Takes:
        """What two playbooks take together."""
        required = {**self.required, **other.required}
        return Takes(self.own | other.own, required, self.roles | other.roles, self.modules | other.modules)


@cache
def read(path: Path) -> Any:
    """The content of a YAML file; nothing where there is none. Files are read once.

    Raises:
        OSError: it can't be read.
    """
    return yaml_load(path.read_text(encoding="utf-8")) if path.exists() else None


def takes(path: Path, root: Path = ROOT) -> Takes:
    """What a playbook takes, with those that it imports."""
    found = Takes()
    for entry in read(path) or []:
        if imported := _argument(entry, "import_playbook"):
            found |= takes(path.parent / str(imported), root).without(entry.get("vars", {}))
            continue
        for task in tasks_of_play(entry, path):
            found |= _taken_by(task)
        found |= Takes(roles=dict.fromkeys(_plain(role) for role in entry.get("roles", ())))
    return found | Takes(roles=_roles_of_roles(found.roles, root))


def tasks_of_play(play: Mapping[str, Any], path: Path) -> Iterator[Mapping[str, Any]]:
    """Every task of a play in a file, those of task files that it brings in as well."""
    for section in SECTIONS:
        yield from tasks(play.get(section) or (), path)


def tasks(entries: Iterable[Mapping[str, Any]], path: Path) -> Iterator[Mapping[str, Any]]:
    """Tasks, with those of blocks and of task files; `path` is the file they stand in."""
    for task in entries:
        yield task
        for block in BLOCKS:
            yield from tasks(task.get(block) or (), path)
        name = _argument(task, "import_tasks") or _argument(task, "include_tasks")
        if isinstance(name, str) and "{{" not in name:
            yield from tasks(read(path.parent / name) or (), path.parent / name)


def _argument(task: Mapping[str, Any], module: str) -> Any:
    return task.get(module) or task.get(f"ansible.builtin.{module}")


def _plain(role: Any) -> str:
    name = role.get("role") or role.get("name") if isinstance(role, Mapping) else role
    return str(name).removeprefix(COLLECTION)


def _taken_by(task: Mapping[str, Any]) -> Takes:
    if CHECK in task:
        options = task[CHECK] or {}
        required = {str(name): str(example) for name, example in options.get("required", {}).items()}
        return Takes(dict.fromkeys([*required, *options.get("takes", [])]), required)
    role = _argument(task, "include_role") or _argument(task, "import_role")
    modules = [name for name in task if name.startswith(COLLECTION)]
    return Takes(roles={_plain(role): None} if role else {}, modules=dict.fromkeys(modules))


def _roles_of_roles(roles: Iterable[str], root: Path) -> Names:
    found: Names = {}
    for role in roles:
        for path in sorted((root / "roles" / role / "tasks").glob("*.yml")):
            for task in tasks(read(path) or (), path):
                found |= _taken_by(task).roles
    return found


def role_options(role: str, root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """The variables of a role, of all its entry points, by name."""
    specs = (read(root / "roles" / role / "meta" / "argument_specs.yml") or {}).get("argument_specs", {})
    return {name: option for spec in specs.values() for name, option in spec.get("options", {}).items()}


def role_facts(role: str, root: Path = ROOT) -> set[str]:
    """What a role tells others by C(set_fact): nobody's to give, but there once it has run."""
    return {
        name
        for path in (root / "roles" / role / "tasks").glob("*.yml")
        for task in tasks(read(path) or (), path)
        for name in _argument(task, "set_fact") or ()
    }


def roles(root: Path = ROOT) -> list[str]:
    """The names of all roles."""
    return sorted(path.name for path in (root / "roles").glob("*") if path.is_dir())


def playbooks(root: Path = ROOT) -> list[Path]:
    """The files of all playbooks."""
    below = sorted((root / "playbooks").rglob("*.yml"))
    return [path for path in (root / "site.yml", *below) if path.exists() and not ASIDE & set(path.parts)]


def common(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """The variables that playbooks share and that are no option of a role or a module, by name."""
    found: dict[str, dict[str, Any]] = (read(root / COMMON) or {}).get("playbook_variables", {})
    return found


def ours(argument: str, root: Path = ROOT) -> Path | None:
    """The file of a playbook as the command line names it, by path or by the collection's name; None: not of Skerry's."""
    if argument.startswith(COLLECTION) and "/" not in argument:
        path = root / "playbooks" / argument.removeprefix(COLLECTION).replace(".", "/")
        return path.with_suffix(".yml")
    path = Path(argument).resolve()
    inside = path == root / "site.yml" or path.is_relative_to(root / "playbooks")
    return path if inside else None


def unknown(given: Iterable[str], taken: Takes, root: Path = ROOT) -> list[str]:
    """Of the variables given on the command line, those that nobody declares."""
    known = {*taken.own, *taken.old_names()}.union(*(role_options(role, root) for role in taken.roles))
    return [name for name in given if name not in known and not name.startswith("ansible_")]


def refusal(names: Iterable[str], taken: Takes, title: str, root: Path = ROOT) -> str:
    """What to say about variables that a playbook does not take."""
    known = list(taken.own)
    for role in taken.roles:
        known += role_options(role, root)
    told = " ".join(f"{name}: no such variable of {title}{_nearest(name, known)}" for name in names)
    listed = [", ".join(taken.own)] if taken.own else []
    if taken.roles:
        listed.append(f"the variables of the roles {', '.join(taken.roles)} (docs/reference/roles.md)")
    return f"{told} It takes: {', and '.join(listed) or 'none'}."


def _nearest(name: str, known: Iterable[str]) -> str:
    before = {new: old for old, new in OLD_NAMES.items()}
    closeness = {one: max(_closeness(name, one), _closeness(name, before.get(one, one))) for one in known}
    best = max(closeness.values(), default=0)
    near = [one for one, how in closeness.items() if how >= NEAR and how > best - 0.05]
    return f"; did you mean {' or '.join(near)}?" if near else NONE_NEAR


def _closeness(one: str, other: str) -> float:
    """From 0 to 1, without the words that both begin with: a role's prefix makes nothing near."""
    mine, theirs = one.split("_"), other.split("_")
    while len(mine) > 1 < len(theirs) and mine[0] == theirs[0]:
        del mine[0], theirs[0]
    return SequenceMatcher(None, "_".join(mine), "_".join(theirs)).ratio()


def misspelt(names: Iterable[str], root: Path = ROOT) -> dict[str, str]:
    """Of an inventory's variables the slips of a role's, and those that begin as Skerry's own and are none.

    Returns:
        What to say of each, by its name.

    Others use the words that some roles are named after: C(proxy_env) is near none of ours, and may stay.
    """
    all_roles = roles(root)
    found = {}
    for name in sorted(set(names)):
        role = next((role for role in all_roles if name.startswith(f"{role}_")), "")
        known = {*role_options(role, root), *role_facts(role, root)} if role else {name}
        if name not in known and (meant := _nearest(name, role_options(role, root))) != NONE_NEAR:
            found[name] = f"no such variable of the role {role}{meant}"
        if name in RENAMED:
            found[name] = f"is {RENAMED[name]} now"
        if name.startswith("skerry_") and name not in (shared := common(root)):
            mine = [one for one in shared if one.startswith("skerry_")]
            found[name] = f"no such variable of a playbook{_nearest(name, mine)}"
    return found


def mentioned(names: Iterable[str], texts: Iterable[str]) -> set[str]:
    """Of these names those that a template mentions, as an inventory does with a secret that comes from a vault."""
    words = set(re.findall(r"\w+", " ".join(text for text in texts if "{{" in text)))
    return words.intersection(names)
