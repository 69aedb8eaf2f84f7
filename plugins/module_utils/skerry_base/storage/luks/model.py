"""What the header of an encrypted volume says of its keys.

A LUKS2 header knows its keys as numbered slots. Their names stand in notes, which are tokens of our own in the same
header: a name goes where its key goes, into every backup too. A note also tells which key its own one replaces, by that
key's salt, so that a rotation that was cut off is brought to its end, and no other key is ever taken for the replaced one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ...core.errors import SkerryError

NOTE = "skerry-key"
"""The type of our tokens."""


class Secret(StrEnum):
    """Which of the secrets that were given a step uses."""

    GIVEN = "given"
    NEW = "new"


@dataclass(frozen=True)
class Slot:
    """A key: its number, the salt that no other key has, and what deriving it costs: KiB, rounds, lanes."""

    number: int
    salt: str
    kdf: str
    memory: int
    rounds: int = 0
    lanes: int = 0


@dataclass(frozen=True)
class Note:
    """A token of ours: the slot that it names (None where that is gone), and the salt of the key it replaces."""

    token: int
    slot: int | None
    name: str
    replaces: str = ""


@dataclass(frozen=True)
class Header:
    """What a LUKS2 header says of its keys.

    Attributes:
        digest: by it the volume's own key is known; the same in every header of the volume.
        areas: offset and length in bytes of what each key is stored in.
        tokens: the numbers in use, ours and others'.
    """

    slots: tuple[Slot, ...]
    notes: tuple[Note, ...] = ()
    digest: str = ""
    areas: tuple[tuple[int, int], ...] = ()
    tokens: frozenset[int] = frozenset()

    def slot(self, number: int) -> Slot:
        """The slot of this number."""
        return next(slot for slot in self.slots if slot.number == number)

    def note(self, number: int) -> Note | None:
        """What is noted of a slot."""
        return next((note for note in self.notes if note.slot == number), None)

    def name(self, number: int) -> str:
        """How a slot is called; slot0 and so on where it has no name."""
        note = self.note(number)
        return note.name if note else f"slot{number}"

    def called(self, name: str) -> Slot | None:
        """The slot of this name."""
        return next((slot for slot in self.slots if self.name(slot.number) == name), None)

    def rows(self) -> list[dict[str, Any]]:
        """The keys, for a table."""
        return [
            {
                "slot": slot.number,
                "name": self.name(slot.number),
                "kdf": slot.kdf,
                "memory_mib": slot.memory // 1024,
                "note": f"to be removed: {', '.join(by)} replaces it"
                if (by := self._replaced_by(slot))
                else "",
            }
            for slot in self.slots
        ]

    def _replaced_by(self, slot: Slot) -> list[str]:
        return [
            f"slot{note.slot}" for note in self.notes if note.replaces == slot.salt and note.slot is not None
        ]


def parse(listing: str) -> Header:
    """A header, from what ``cryptsetup luksDump --dump-json-metadata`` prints.

    Raises:
        SkerryError: it is no LUKS2 header.
    """
    try:
        said = json.loads(listing)
        slots = sorted(said["keyslots"].items(), key=lambda item: int(item[0]))
        return Header(
            slots=tuple(_slot(int(number), slot) for number, slot in slots),
            notes=tuple(_notes(said["tokens"])),
            digest="".join(digest["digest"] for _number, digest in sorted(said["digests"].items())),
            areas=tuple((int(slot["area"]["offset"]), int(slot["area"]["size"])) for _number, slot in slots),
            tokens=frozenset(map(int, said["tokens"])),
        )
    except (ValueError, KeyError) as error:
        raise SkerryError(f"this is no LUKS2 header that can be read: {error}") from error


def _slot(number: int, said: dict[str, Any]) -> Slot:
    kdf: dict[str, Any] = said["kdf"]
    costs = (int(kdf.get(name, 0)) for name in ("memory", "time", "cpus"))
    return Slot(number, kdf["salt"], kdf["type"], *costs)


def _notes(tokens: dict[str, Any]) -> Iterator[Note]:
    for number, said in sorted(tokens.items(), key=lambda item: int(item[0])):
        if said["type"] == NOTE:
            slot = int(said["keyslots"][0]) if said["keyslots"] else None
            yield Note(int(number), slot, str(said.get("name", "")), str(said.get("replaces", "")))
