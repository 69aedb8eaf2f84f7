"""From what should be to what has to be done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..core.plan import Plan
from .files import Argv, File, files
from .model import Kind, Reading, Setting

_PUT = {Kind.SYSCTL, Kind.MOUNT, Kind.MODE}
"""What is set on the running machine, one by one."""
_LOADED = {Kind.AUDIT, Kind.SYSTEMD, Kind.WORD}
"""What a program reads from its file, and reads again where the machine, or GRUB's menu, says something else."""


@dataclass(frozen=True)
class Write:
    """Write a file, or remove it where there is nothing to write."""

    file: File
    was: str

    @property
    def reason(self) -> str:
        """What it is for."""
        return (
            f"settings of the kind {self.file.kind}, at every boot"
            if self.file.content
            else "no setting needs it"
        )

    def diff(self) -> dict[str, str]:
        """Its lines before and after."""
        return _diff(self.file.path, self.was, self.file.content)

    def __str__(self) -> str:
        return f"write {self.file.path}" if self.file.content else f"remove {self.file.path}"


@dataclass(frozen=True)
class Put:
    """Set something on the running machine."""

    setting: Setting
    was: str

    @property
    def reason(self) -> str:
        """What it takes from an attacker."""
        return self.setting.reason

    def diff(self) -> dict[str, str]:
        """The value before and after."""
        return _diff(self.setting.name, f"{self.was}\n", f"{self.setting.value}\n")

    def __str__(self) -> str:
        return f"{self.setting.name}: {self.was or 'nothing'} to {self.setting.value}"


@dataclass(frozen=True)
class Restore:
    """Give something back that is turned off now, as it was before Skerry set it."""

    setting: Setting
    value: str

    @property
    def reason(self) -> str:
        """Why it goes."""
        return "it is turned off"

    def diff(self) -> dict[str, str]:
        """The value before and after."""
        return _diff(self.setting.name, f"{self.setting.value}\n", f"{self.value}\n")

    def __str__(self) -> str:
        if self.setting.one_way:
            return f"{self.setting.name}: with the next boot as it was"
        return f"{self.setting.name}: {self.setting.value} to {self.value or 'nothing'}, as it was"


@dataclass(frozen=True)
class Load:
    """Have a program read its file again."""

    argv: Argv

    @property
    def reason(self) -> str:
        """Why a file that did not change is read again."""
        return "the machine says otherwise than the file"

    def diff(self) -> dict[str, str]:
        """What is run."""
        return {"prepared": f"{self}\n"}

    def __str__(self) -> str:
        return f"run {' '.join(self.argv)}"


Step: TypeAlias = "Write | Put | Restore | Load"


def _diff(what: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": what, "after_header": what, "before": before, "after": after}


@dataclass(frozen=True)
class HardeningPlan(Plan[Step]):
    """A plan whose ``--diff`` shows each file and each value by itself."""

    def diff(self) -> list[dict[str, str]]:
        """What each step changes, in order."""
        return [step.diff() for step in self.steps]


@dataclass(frozen=True)
class State:
    """What the machine is like.

    Attributes:
        found: name → what it says of a setting; of all of them.
        before: name → how it was before Skerry set it.
        have: path → what a file of ours holds; nothing where it is not there.
        grub: whether GRUB starts it.
    """

    found: Mapping[str, Reading]
    before: Mapping[str, str]
    have: Mapping[str, str]
    grub: bool


def holds(setting: Setting, reading: Reading) -> bool:
    """Whether the running machine says what the table does."""
    return reading.value == setting.value


def plan_hardening(table: Sequence[Setting], on: Sequence[Setting], state: State) -> HardeningPlan:
    """What makes these settings hold, and gives back those of the table that are off; nothing where all is well."""
    return HardeningPlan((*_writes(on, state), *_puts(on, state), *_restores(table, on, state)))


def wanted_files(on: Sequence[Setting], state: State) -> tuple[File, ...]:
    """The files that a machine needs for what it can have."""
    can = [one for one in on if state.found[one.name].value is not None]
    return files([one for one in can if one.kind is not Kind.WORD or state.grub])


def _writes(on: Sequence[Setting], state: State) -> Iterator[Step]:
    drifted = {one.kind for one in on if _drifted(one, state.found[one.name])}
    for file in wanted_files(on, state):
        if file.content != state.have[file.path]:
            yield Write(file, state.have[file.path])
        elif file.kind in _LOADED & drifted:
            yield from (Load(argv) for argv in file.then)


def _drifted(setting: Setting, reading: Reading) -> bool:
    """Whether it should hold by now and does not."""
    return reading.value is not None and not reading.later and not holds(setting, reading)


def _puts(on: Sequence[Setting], state: State) -> Iterator[Step]:
    for one in on:
        reading = state.found[one.name]
        if one.kind in _PUT and _drifted(one, reading):
            yield Put(one, reading.value or "")


def _restores(table: Sequence[Setting], on: Sequence[Setting], state: State) -> Iterator[Step]:
    off = [one for one in table if one not in on]
    yield from (Restore(one, state.before[one.name]) for one in off if one.name in state.before)


@dataclass(frozen=True)
class Verdict:
    """How the settings that are on stand.

    Attributes:
        held: how many of them the running machine confirms.
        drifted: those that should hold and do not, each with what the machine says.
        later: names of those that hold from the next boot on only, by reason.
        unavailable: names of those that this machine can't have, by reason.
    """

    held: int
    drifted: tuple[str, ...]
    later: dict[str, list[str]]
    unavailable: dict[str, list[str]]


def judge(on: Sequence[Setting], found: Mapping[str, Reading]) -> Verdict:
    """How they stand."""
    rest = [one for one in on if not holds(one, found[one.name])]
    return Verdict(
        held=len(on) - len(rest),
        drifted=tuple(_differs(one, found[one.name]) for one in rest if _drifted(one, found[one.name])),
        later=_grouped({one.name: found[one.name].later for one in rest}),
        unavailable=_grouped({one.name: found[one.name].why for one in rest}),
    )


def _differs(setting: Setting, reading: Reading) -> str:
    return f"{setting.name}: {reading.value or 'nothing'}, not {setting.value}".replace("\n", "; ")


def _grouped(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Reason → names; those without one left out."""
    return {
        reason: [name for name, one in reasons.items() if one == reason]
        for reason in dict.fromkeys(reasons.values())
        if reason
    }
