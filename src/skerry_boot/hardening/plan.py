"""From what should be to what has to be done. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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

    def __str__(self) -> str:
        return f"write {self.file.path}" if self.file.content else f"remove {self.file.path}"


@dataclass(frozen=True)
class Put:
    """Set something on the running machine."""

    setting: Setting
    was: str

    def __str__(self) -> str:
        return f"{self.setting.name}: {self.was or 'nothing'} to {self.setting.value}"


@dataclass(frozen=True)
class Restore:
    """Give something back that is turned off now, as it was before Skerry set it."""

    setting: Setting
    value: str

    def __str__(self) -> str:
        if self.setting.one_way:
            return f"{self.setting.name}: with the next boot as it was"
        return f"{self.setting.name}: {self.setting.value} to {self.value or 'nothing'}, as it was"


@dataclass(frozen=True)
class Load:
    """Have a program read its file again."""

    argv: Argv

    def __str__(self) -> str:
        return f"run {' '.join(self.argv)}"


Step = Write | Put | Restore | Load


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


def plan(table: Sequence[Setting], on: Sequence[Setting], state: State) -> tuple[Step, ...]:
    """What makes these settings hold, and gives back those of the table that are off; nothing where all is well."""
    return (*_writes(on, state), *_puts(on, state), *_restores(table, on, state))


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
