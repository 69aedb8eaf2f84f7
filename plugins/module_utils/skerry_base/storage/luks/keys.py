"""Keys of an encrypted volume: the steps from what its header says to what is wanted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ...core.errors import SkerryError
from ...core.plan import Plan
from .model import Header, Note, Secret, Slot

PASSPHRASE = "passphrase"  # noqa: S105 - a name
"""How the key is called that the installation made, once it has a note."""
MOST_SLOTS = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_UNNAMED = re.compile(r"slot(\d+)")


@dataclass(frozen=True)
class Opened:
    """The slots that the given and the new secret open; None: none."""

    given: int | None
    new: int | None = None


@dataclass(frozen=True)
class Add:
    """Store the new secret in a free slot, as dear to guess as another one."""

    slot: int
    like: Slot
    reason: str

    def __str__(self) -> str:
        return f"add the new key as slot {self.slot}"


@dataclass(frozen=True)
class Prove:
    """See that a secret opens a slot."""

    slot: int
    secret: Secret
    reason: str

    def __str__(self) -> str:
        return f"see that the {self.secret} key opens slot {self.slot}"


@dataclass(frozen=True)
class Write:
    """Write a note over another one, or as a new one."""

    note: Note
    over: bool
    reason: str

    def __str__(self) -> str:
        return f"note that slot {self.note.slot} is {self.note.name!r}"


@dataclass(frozen=True)
class Remove:
    """Destroy a slot, with a secret that opens another one."""

    slot: int
    proof: Secret
    reason: str

    def __str__(self) -> str:
        return f"destroy slot {self.slot}"


@dataclass(frozen=True)
class Forget:
    """Take away a note whose slot is gone."""

    token: int
    reason: str

    def __str__(self) -> str:
        return f"take away note {self.token}"


Step: TypeAlias = "Add | Prove | Write | Remove | Forget"


def plan_keys(state: str, header: Header, opened: Opened, name: str = "") -> Plan[Step]:
    """From the header to the state that is asked for.

    Args:
        state: present, absent, rotated or listed, which changes nothing.
        header: as it is.
        opened: what the secrets open.
        name: of the key to add or remove.

    Raises:
        SkerryError: it is refused; nothing was changed.
    """
    steps: tuple[Step, ...] = ()
    match state:
        case "present":
            steps = add(header, opened, name)
        case "absent":
            steps = remove(header, opened, name)
        case "rotated":
            steps = rotate(header, opened)
    before, left = after(header, ()), after(header, steps)
    return Plan(steps, _by_number(before), _by_number(left))


def problem(name: str) -> str:
    """What is wrong with the name of a key; empty where nothing is."""
    if _UNNAMED.fullmatch(name):
        return f"'{name}' is how a key without a name is called"
    if not _NAME.fullmatch(name):
        return (
            f"'{name}' is no name for a key: at most 32 small letters, digits, dots, dashes and underscores"
        )
    return ""


def rotate(header: Header, opened: Opened) -> tuple[Step, ...]:
    """The steps that replace the given secret by the new one. At every moment one of them opens the volume.

    Raises:
        SkerryError: nothing proves that the new one may replace the other.
    """
    old, new = opened.given, opened.new
    if new is None:
        if old is None:
            raise SkerryError("neither the old nor the new passphrase opens the volume", _UNCHANGED)
        return _replacing(header, old)
    if old is None or old == new:
        return _rest(header, new)
    note = header.note(new)
    if note and note.replaces != header.slot(old).salt:
        raise SkerryError(
            f"the new passphrase is the key {note.name!r} (slot {new}) already",
            f"Choose another one, or take the old one away with keys/remove.yml. {_UNCHANGED}",
        )
    return _replacing(header, old, new)


def after(header: Header, steps: Iterable[Step]) -> dict[int, str]:
    """The names of the keys that the steps leave, by slot."""
    names = {slot.number: header.name(slot.number) for slot in header.slots}
    for step in steps:
        if isinstance(step, Write) and step.note.slot is not None:
            names[step.note.slot] = step.note.name
        elif isinstance(step, Remove):
            names.pop(step.slot)
    return dict(sorted(names.items()))


def _by_number(names: dict[int, str]) -> dict[str, str]:
    return {str(number): name for number, name in names.items()}


def add(header: Header, opened: Opened, name: str) -> tuple[Step, ...]:
    """The steps to one more key of this name; none where it is there.

    Raises:
        SkerryError: the name or the key is in use, or no key that is there was given.
    """
    if wrong := problem(name):
        raise SkerryError(wrong, _UNCHANGED)
    there = header.called(name)
    if opened.new is not None:
        if there and there.number == opened.new:
            return ()
        if header.note(opened.new):
            known = header.name(opened.new)
            raise SkerryError(f"the new key is there already, as {known!r} (slot {opened.new})", _UNCHANGED)
    if there:
        raise SkerryError(
            f"there is another key called {name!r} (slot {there.number})",
            f"Give another name, or remove that one first. {_UNCHANGED}",
        )
    if opened.new is not None:
        return (_note(header, opened.new, name, "an addition that was cut off"),)
    if opened.given is None:
        raise SkerryError(
            "the passphrase opens no key of the volume", f"Only who has a key may add one. {_UNCHANGED}"
        )
    slot = _free(header)
    return (
        Add(slot, header.slot(opened.given), f"the key {name!r}"),
        Prove(slot, Secret.NEW, "a key that was stored wrongly is worse than none"),
        _note(header, slot, name, "so that it can be told from the others"),
    )


def remove(header: Header, opened: Opened, name: str) -> tuple[Step, ...]:
    """The steps to no key of this name; none where there is none.

    Raises:
        SkerryError: it is the last one, or nothing proves that another one remains.
    """
    slot = header.called(name)
    if slot is None:
        return tuple(_forgets(header))
    if len(header.slots) == 1:
        raise SkerryError(
            f"{name!r} (slot {slot.number}) is the last key: without it nobody could ever open the volume again",
            f"Add another one first. {_UNCHANGED}",
        )
    if opened.given is None:
        raise SkerryError(
            "the passphrase opens no key of the volume",
            f"Give the one that remains: only who has one may take another away. {_UNCHANGED}",
        )
    if opened.given == slot.number:
        raise SkerryError(
            f"the passphrase that was given is the key {name!r} itself, so that nothing proves that another remains",
            f"Give one that remains. {_UNCHANGED}",
        )
    note = header.note(slot.number)
    return (
        Prove(opened.given, Secret.GIVEN, "it remains"),
        Remove(slot.number, Secret.GIVEN, f"the key {name!r} is not wanted"),
        *([Forget(note.token, "its key is gone")] if note else []),
        *_forgets(header),
    )


_UNCHANGED = "Nothing was changed."


def _replacing(header: Header, old: int, new: int | None = None) -> tuple[Step, ...]:
    """From the slot ``old`` to another one; ``new`` where a run that was cut off has added it."""
    number = _free(header) if new is None else new
    was = header.note(old)
    name, salt = was.name if was else PASSPHRASE, header.slot(old).salt
    reason = "the new passphrase"
    adds = [Add(number, header.slot(old), reason)] if new is None else []
    noted = header.note(number)
    intent = noted or Note(_token(header, number), number, name, salt)
    return (
        *adds,
        Prove(number, Secret.NEW, "only a key that opens may replace another"),
        *(
            []
            if noted
            else [Write(intent, over=False, reason="so that the next run knows it, if this one is cut off")]
        ),
        Remove(old, Secret.NEW, "the new one replaces it"),
        *([Forget(was.token, "its key is gone")] if was else []),
        Write(Note(intent.token, number, intent.name), over=True, reason="the old one is gone"),
        *_forgets(header),
    )


def _rest(header: Header, new: int) -> tuple[Step, ...]:
    """What a rotation that was cut off has left to do; ``new`` is in place."""
    note = header.note(new)
    if note is None or not note.replaces:
        return tuple(_forgets(header))
    left = [slot.number for slot in header.slots if slot.salt == note.replaces and slot.number != new]
    notes = [header.note(number) for number in left]
    return (
        Prove(new, Secret.NEW, "only a key that opens may replace another"),
        *(Remove(number, Secret.NEW, "its note says that the new one replaces it") for number in left),
        *(Forget(one.token, "its key is gone") for one in notes if one),
        Write(Note(note.token, new, note.name), over=True, reason="the old one is gone"),
        *_forgets(header),
    )


def _forgets(header: Header) -> Iterator[Step]:
    return (Forget(note.token, "its key is gone") for note in header.notes if note.slot is None)


def _note(header: Header, slot: int, name: str, reason: str) -> Write:
    return Write(Note(_token(header, slot), slot, name), over=False, reason=reason)


def _free(header: Header) -> int:
    used = {slot.number for slot in header.slots}
    free = next((number for number in range(MOST_SLOTS) if number not in used), None)
    if free is None:
        raise SkerryError(f"the volume has {MOST_SLOTS} keys, as many as there can be", "Remove one first.")
    return free


def _token(header: Header, slot: int) -> int:
    """A free number for the note of a slot: the slot's own, where nobody else has it."""
    numbers: list[int] = [slot, *range(MOST_SLOTS)]
    free = next((number for number in numbers if number not in header.tokens), None)
    if free is None:
        raise SkerryError(
            f"the header has {MOST_SLOTS} tokens, as many as there can be", "Remove one of other programs."
        )
    return free
