"""Each role's meta/argument_specs.yml says what its defaults/main.yml does, under the role's name.

Both directions: every default is declared with an equal value, every declared default is there. Names have
levels: `firewall_…` is public (defaults, specs), `_firewall_…` internal (vars).
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.files import ROOT, report

Options = dict[str, dict[str, Any]]
ABSENT = object()


def load(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; an absent or empty file is an empty one."""
    return (yaml.safe_load(path.read_text()) if path.exists() else None) or {}


def described(options: Options, where: str) -> Iterator[str]:
    """Options, and theirs in turn, that lack a description or a type."""
    for name, option in options.items():
        for key in ("description", "type"):
            if not option.get(key):
                yield f"{where}: {name} has no {key}"
        yield from described(option.get("options", {}), f"{where}: {name}")


def is_template(default: object) -> bool:
    """Whether a default is what another variable is."""
    return isinstance(default, str) and default.startswith("{{")


def defaults_differ(options: Options, defaults: dict[str, Any], where: str) -> Iterator[str]:
    """Where a declared default is not the one the role has."""
    for name, option in options.items():
        declared, actual = option.get("default", ABSENT), defaults.get(name, ABSENT)
        if declared is ABSENT and is_template(actual) and option.get("type") != "str":
            continue  # a declared default is of its option's type: the description tells it
        if declared is ABSENT and actual is not ABSENT:
            yield f"{where}: {name} declares no default; defaults/main.yml has {actual!r}"
        elif actual is ABSENT and declared is not ABSENT:
            yield f"{where}: {name} declares default {declared!r}; defaults/main.yml has no such variable"
        elif declared != actual or type(declared) is not type(actual):
            yield f"{where}: {name} declares default {declared!r}; defaults/main.yml has {actual!r}"


def misnamed(names: set[str], prefix: str, where: str) -> Iterator[str]:
    """Variables that do not begin with the prefix of their role."""
    for name in sorted(names):
        if not name.startswith(prefix):
            yield f"{where}: {name} should begin with {prefix}"


def check_role(role: Path) -> Iterator[str]:
    """What is wrong with a role's declarations, a line each."""
    label = f"roles/{role.name}"
    defaults = load(role / "defaults" / "main.yml")
    entries: dict[str, dict[str, Any]] = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    if "main" not in entries:
        yield f"{label}: meta/argument_specs.yml declares no entry point `main`"
    declared: set[str] = set()
    for entry, spec in entries.items():
        where = f"{label} ({entry})"
        options: Options = spec.get("options", {})
        declared |= options.keys()
        if not spec.get("short_description"):
            yield f"{where}: no short_description"
        yield from described(options, where)
        yield from defaults_differ(options, defaults, where)
    yield from (
        f"{label}: {name} is in defaults/main.yml only" for name in sorted(defaults.keys() - declared)
    )
    yield from misnamed(defaults.keys() | declared, f"{role.name}_", label)
    yield from misnamed(set(load(role / "vars" / "main.yml")), f"_{role.name}_", f"{label}/vars")


def main(root: Path = ROOT) -> int:
    """Check every role; the exit code."""
    roles = sorted(path for path in (root / "roles").glob("*") if path.is_dir())
    return report(problem for role in roles for problem in check_role(role))


if __name__ == "__main__":
    sys.exit(main())
