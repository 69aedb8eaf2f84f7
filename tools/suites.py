"""The suites of `make test`: tests/suites.toml declares each of them once."""

import json
import shlex
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from skerry_lab import mitogen
from tools import inputs
from tools.files import ROOT, listed

DECLARED = Path("tests/suites.toml")
# Inputs of every slow suite: the runner, the controller's packages, what all tests share.
ALWAYS = (
    "requirements/controller.txt",
    "tests/conftest.py",
    "tests/integration/kept_ssh.py",
    "tests/integration/playbooks.py",
    "tools/files.py",
    "tools/inputs.py",
    "tools/receipts.py",
    "tools/run_tests.py",
    "tools/schedule.py",
    "tools/suites.py",
)
PROGRAMS = {
    "python": [sys.executable],
    "pytest": [sys.executable, "-m", "pytest", "-q", "--durations=10"],
}
KEYS = {
    "tier": str, "lab": str, "minutes": int, "seconds": int, "commands": list, "always": list, "settings": dict,
    "kernel": bool, "inputs": list,
}  # fmt: skip
NEEDED = ("tier", "lab", "minutes", "seconds", "commands")


class SuitesError(Exception):
    """tests/suites.toml is not right; the text has a line for each mistake."""


class Tier(StrEnum):
    """When a suite runs."""

    QUICK = "quick"
    """Every time."""
    SLOW = "slow"
    """Where no receipt fits its inputs."""


@dataclass(frozen=True)
class Suite:
    """Tests that belong together: the commands run in order, the last ones always, to clean up."""

    name: str
    lab: str
    minutes: int
    """At this limit it is killed."""
    commands: Sequence[Sequence[str]]
    always: Sequence[Sequence[str]] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment of its commands."""
    kernel: bool = False
    """Whether it boots the hardened kernel: its own minutes begin when that is built."""
    tier: Tier = Tier.QUICK
    seconds: float = 0
    """How long it is expected to take where no receipt knows better."""
    inputs: Sequence[str] = ()
    """Globs of the files that a slow one depends on."""
    declared: str = ""
    """Its declaration and its lab's, as they stand in the file."""

    def digest(self, root: Path = ROOT, names: Sequence[str] | None = None) -> str:
        """The digest of its declaration and its inputs, as the files are now.

        Args:
            root: of the checkout.
            names: of its files, where they are known already.

        Raises:
            subprocess.CalledProcessError: `root` is not a git checkout.
        """
        globs = [*self.inputs, *ALWAYS]
        return inputs.digest(self.declared, globs, listed(root) if names is None else names, root)


# Where the cache has it, this takes seconds.
KERNEL = Suite(
    "kernel-lab",
    "-",
    60,
    [["tools/test_programs.sh"], [sys.executable, "-m", "skerry_kernel", "build", "lab"]],
    seconds=25 * 60,
)


@dataclass(frozen=True)
class Reader:
    """Reads one declaration: what is common to the suites, and the files there are."""

    root: Path
    names: Sequence[str]
    labs: Mapping[str, Mapping[str, Any]]
    sets: Mapping[str, Sequence[str]]

    def suite(self, name: str, table: Mapping[str, Any]) -> Suite:
        """The suite of that name.

        Raises:
            SuitesError: what is wrong with it.
        """
        self._check(table)
        lab = self.labs.get(table["lab"], {})
        settings = {**lab.get("settings", {}), **table.get("settings", {})}
        return Suite(
            name=name,
            lab=table["lab"],
            minutes=table["minutes"],
            commands=self._commands(name, [*lab.get("before", []), *table["commands"]]),
            always=self._commands(name, [*table.get("always", []), *lab.get("always", [])]),
            settings={key: value.replace("{name}", name) for key, value in settings.items()}
            | (mitogen.environment() if lab.get("mitogen") else {}),
            kernel=table.get("kernel", False),
            tier=Tier(table["tier"]),
            seconds=table["seconds"],
            inputs=self._inputs(Tier(table["tier"]), table.get("inputs", [])),
            # An estimate changes nothing.
            declared=json.dumps([name, {**table, "seconds": 0}, lab], sort_keys=True),
        )

    @staticmethod
    def _check(table: Mapping[str, Any]) -> None:
        if missing := [key for key in NEEDED if key not in table]:
            raise SuitesError(f"lacks {', '.join(missing)}")
        if unknown := [key for key in table if key not in KEYS]:
            raise SuitesError(f"has {', '.join(unknown)}, which is not one of: {', '.join(KEYS)}")
        if wrong := [key for key, value in table.items() if type(value) is not KEYS[key]]:
            raise SuitesError(", ".join(f"{key} must be a TOML {KEYS[key].__name__}" for key in wrong))
        if table["tier"] not in list(Tier):
            raise SuitesError(f"tier is {table['tier']!r}; right would be: {', '.join(Tier)}")

    def _commands(self, name: str, lines: Sequence[str]) -> list[list[str]]:
        return [self._command(line.replace("{name}", name)) for line in lines]

    def _command(self, line: str) -> list[str]:
        first, *words = shlex.split(line)
        without = [word[1:] for word in words if word.startswith("!")]
        found = [one for word in words if not word.startswith("!") for one in self._expanded(word)]
        if unknown := [word for word in without if word not in found]:
            raise SuitesError(f"the command leaves out {', '.join(unknown)}, which it would not name")
        return [*PROGRAMS.get(first, [first]), *(word for word in found if word not in without)]

    def _expanded(self, word: str) -> list[str]:
        if "*" not in word:
            return [word]
        found = [name for name in inputs.matching([word], self.names) if (self.root / name).exists()]
        if not found:
            raise SuitesError(f"the command's {word} matches no file")
        return found

    def _inputs(self, tier: Tier, globs: Sequence[str]) -> list[str]:
        if tier is Tier.QUICK:
            if globs:
                raise SuitesError(
                    "is quick and declares inputs: it runs every time; only slow ones have inputs"
                )
            return []
        if not globs:
            raise SuitesError("is slow and declares no inputs: name the files that it depends on")
        if unknown := [glob for glob in globs if glob.startswith("@") and glob[1:] not in self.sets]:
            raise SuitesError(f"inputs: no such set: {', '.join(unknown)}; there are: {', '.join(self.sets)}")
        whole = [one for glob in globs for one in (self.sets[glob[1:]] if glob.startswith("@") else [glob])]
        if nothing := inputs.empty(whole, self.names):
            raise SuitesError(f"inputs match no file: {', '.join(nothing)}")
        return sorted(set(whole))


def suites(root: Path = ROOT) -> list[Suite]:
    """Every suite there is, as declared.

    Raises:
        SuitesError: the declaration is not right: a line for each suite that is not.
        subprocess.CalledProcessError: `root` is not a git checkout.
    """
    try:
        whole = tomllib.loads((root / DECLARED).read_text())
    except tomllib.TOMLDecodeError as error:
        raise SuitesError(f"{DECLARED}: {error}") from error
    reader = Reader(root, listed(root), whole.get("labs", {}), whole.get("inputs", {}))
    found, problems = [], []
    for name, table in whole.get("suites", {}).items():
        try:
            found.append(reader.suite(name, table))
        except SuitesError as error:
            problems.append(f"{DECLARED}: suite {name} {error}")
    if problems:
        raise SuitesError("\n".join(problems))
    return found
