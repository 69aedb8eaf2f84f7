"""Which keys are added, removed and replaced, and what a power cut leaves of it."""

import json
from dataclasses import dataclass, field, replace

import pytest

from skerry_base.core.errors import SkerryError
from skerry_base.storage.luks import keys, model
from skerry_base.storage.luks.keys import Add, Forget, Opened, Prove, Remove, Write
from skerry_base.storage.luks.model import Header, Note, Slot


@dataclass
class Volume:
    """A volume whose header is in memory: slot → its secret; it obeys steps as cryptsetup does."""

    secrets: dict[int, str]
    notes: dict[int, Note] = field(default_factory=dict)
    foreign: frozenset[int] = frozenset()
    salts: dict[int, str] = field(default_factory=dict)

    def header(self):
        slots = tuple(
            Slot(number, self.salts.get(number, f"salt of {secret}"), "argon2id", 4096)
            for number, secret in sorted(self.secrets.items())
        )
        notes = tuple(
            note if note.slot in self.secrets else replace(note, slot=None)
            for _, note in sorted(self.notes.items())
        )
        return Header(slots, notes, tokens=frozenset(self.notes) | self.foreign)

    def opened(self, given, new=None):
        find = {secret: number for number, secret in self.secrets.items()}
        return Opened(find.get(given), find.get(new))

    def carry_out(self, steps, given, new=""):
        secrets = {"given": given, "new": new}
        for step in steps:
            match step:
                case Add():
                    assert step.slot not in self.secrets
                    assert given in self.secrets.values()
                    self.secrets[step.slot] = new
                case Prove():
                    assert self.secrets[step.slot] == secrets[step.secret]
                case Write():
                    assert step.note.slot in self.secrets
                    assert step.over == (step.note.token in self.notes)
                    assert step.note.token not in self.foreign
                    self.notes[step.note.token] = step.note
                case Remove():
                    others = [secret for slot, secret in self.secrets.items() if slot != step.slot]
                    assert secrets[step.proof] in others
                    del self.secrets[step.slot]
                case Forget():
                    del self.notes[step.token]

    def rotate(self, given, new):
        return keys.rotate(self.header(), self.opened(given, new))

    def names(self):
        header = self.header()
        return {slot.number: header.name(slot.number) for slot in header.slots}


def fresh():
    return Volume({0: "old"})


def with_paper():
    return Volume({0: "old", 1: "on paper"}, {1: Note(1, 1, "paper")})


@pytest.mark.parametrize("make", [fresh, with_paper])
@pytest.mark.parametrize("foreign", [frozenset(), frozenset({0, 2})], ids=["alone", "tokens of others"])
def test_a_rotation_that_is_cut_off_anywhere_is_brought_to_its_end(make, foreign):
    whole = len(make().rotate("old", "new"))
    for cut in range(whole + 1):
        volume = replace(make(), foreign=foreign)
        volume.carry_out(volume.rotate("old", "new")[:cut], "old", "new")
        assert {"old", "new"} & set(volume.secrets.values())

        volume.carry_out(volume.rotate("old", "new"), "old", "new")
        assert "old" not in volume.secrets.values()
        assert "passphrase" in volume.names().values()
        assert [note for note in volume.notes.values() if note.replaces] == []
        assert volume.rotate("old", "new") == ()
        assert volume.rotate("new", "new") == ()
        assert ("on paper" in volume.secrets.values()) == (make is with_paper)


def test_a_slot_that_was_half_destroyed_is_finished_by_its_note():
    volume = fresh()
    steps = volume.rotate("old", "new")
    volume.carry_out(steps[: [type(step) for step in steps].index(Remove)], "old", "new")
    volume.salts[0] = "salt of old"
    volume.secrets[0] = "nothing opens it"

    volume.carry_out(volume.rotate("old", "new"), "old", "new")
    assert volume.secrets == {1: "new"}


def test_a_later_key_in_the_replaced_ones_slot_is_never_taken_for_it():
    volume = fresh()
    steps = volume.rotate("old", "new")
    volume.carry_out(steps[: [type(step) for step in steps].index(Remove) + 1], "old", "new")
    volume.carry_out(keys.add(volume.header(), volume.opened("new", "on paper"), "paper"), "new", "on paper")
    assert volume.names() == {0: "paper", 1: "passphrase"}

    volume.carry_out(volume.rotate("old", "new"), "old", "new")
    assert volume.names() == {0: "paper", 1: "passphrase"}


def test_a_key_keeps_its_name_when_it_is_replaced():
    volume = with_paper()
    volume.carry_out(volume.rotate("on paper", "on new paper"), "on paper", "on new paper")
    assert volume.names() == {0: "slot0", 2: "paper"}
    assert volume.secrets[2] == "on new paper"


@pytest.mark.parametrize(
    ("given", "new", "message"),
    [
        ("wrong", "new", "neither the old nor the new passphrase opens the volume"),
        ("old", "on paper", "the new passphrase is the key 'paper' (slot 1) already"),
    ],
)
def test_rotations_that_are_refused(given, new, message):
    with pytest.raises(SkerryError, match="Nothing was changed") as refusal:
        with_paper().rotate(given, new)
    assert message in str(refusal.value)


def test_an_addition_that_is_cut_off_anywhere_is_brought_to_its_end():
    for cut in range(4):
        volume = fresh()
        for end in (cut, None):
            steps = keys.add(volume.header(), volume.opened("old", "on paper"), "paper")
            volume.carry_out(steps[:end], "old", "on paper")
        assert volume.names() == {0: "slot0", 1: "paper"}
        assert keys.add(volume.header(), volume.opened("old", "on paper"), "paper") == ()


@pytest.mark.parametrize(
    ("given", "new", "name", "message"),
    [
        ("wrong", "another", "usb", "the passphrase opens no key"),
        ("old", "another", "paper", "there is another key called 'paper' (slot 1)"),
        ("old", "on paper", "usb", "the new key is there already, as 'paper'"),
        ("old", "another", "slot7", "is how a key without a name is called"),
        ("old", "another", "Two Words", "is no name for a key"),
    ],
)
def test_additions_that_are_refused(given, new, name, message):
    volume = with_paper()
    with pytest.raises(SkerryError) as refusal:
        keys.add(volume.header(), volume.opened(given, new), name)
    assert message in str(refusal.value)


def test_no_more_keys_than_a_header_holds():
    volume = Volume({number: f"key {number}" for number in range(32)})
    with pytest.raises(SkerryError, match="has 32 keys"):
        keys.add(volume.header(), volume.opened("key 0", "another"), "usb")


@pytest.mark.parametrize(
    ("given", "name", "left"), [("old", "paper", "old"), ("on paper", "slot0", "on paper")]
)
def test_a_key_is_removed_by_one_that_remains(given, name, left):
    volume = with_paper()
    volume.carry_out(keys.remove(volume.header(), volume.opened(given), name), given)
    assert list(volume.secrets.values()) == [left]
    assert keys.remove(volume.header(), volume.opened(given), name) == ()


@pytest.mark.parametrize(
    ("volume", "given", "name", "message"),
    [
        (fresh(), "old", "slot0", "'slot0' (slot 0) is the last key"),
        (fresh(), "wrong", "slot0", "is the last key"),
        (with_paper(), "on paper", "paper", "is the key 'paper' itself"),
        (with_paper(), "wrong", "paper", "opens no key of the volume"),
    ],
)
def test_removals_that_are_refused(volume, given, name, message):
    with pytest.raises(SkerryError, match="Nothing was changed") as refusal:
        keys.remove(volume.header(), volume.opened(given), name)
    assert message in str(refusal.value)


def test_check_mode_names_the_keys_that_are_left():
    volume = with_paper()
    assert keys.after(volume.header(), volume.rotate("old", "new")) == {1: "paper", 2: "passphrase"}


LISTING = {
    "keyslots": {
        "10": {"kdf": {"type": "pbkdf2", "salt": "b"}, "area": {"offset": "290816", "size": "258048"}},
        "2": {
            "kdf": {"type": "argon2id", "salt": "a", "memory": 32768, "time": 4, "cpus": 2},
            "area": {"offset": "32768", "size": "258048"},
        },
    },
    "tokens": {
        "0": {"type": "systemd-tpm2", "keyslots": ["10"]},
        "1": {"type": "skerry-key", "keyslots": ["2"], "name": "passphrase", "replaces": "c"},
        "4": {"type": "skerry-key", "keyslots": [], "name": "gone"},
    },
    "digests": {"0": {"digest": "d"}},
}


def test_a_header_as_cryptsetup_prints_it():
    header = model.parse(json.dumps(LISTING))
    assert header.slots == (Slot(2, "a", "argon2id", 32768, 4, 2), Slot(10, "b", "pbkdf2", 0))
    assert header.notes == (Note(1, 2, "passphrase", "c"), Note(4, None, "gone"))
    assert (header.digest, header.tokens) == ("d", frozenset({0, 1, 4}))
    assert header.areas == ((32768, 258048), (290816, 258048))
    assert [row["name"] for row in header.rows()] == ["passphrase", "slot10"]


@pytest.mark.parametrize("listing", ["", "{}", "Device x is not a valid LUKS device."])
def test_what_is_no_header(listing):
    with pytest.raises(SkerryError, match="no LUKS2 header"):
        model.parse(listing)


@pytest.mark.parametrize(
    ("state", "name", "after"),
    [
        ("listed", "", {"0": "slot0"}),
        ("present", "paper", {"0": "slot0", "1": "paper"}),
        ("absent", "paper", {"0": "slot0"}),
        ("rotated", "", {"1": "passphrase"}),
    ],
)
def test_the_diff_shows_the_names_before_and_after(state, name, after):
    volume = Volume({0: "old"})
    plan = keys.plan_keys(state, volume.header(), volume.opened("old", "new"), name)
    assert (plan.before, plan.after) == ({"0": "slot0"}, after)
    assert plan.changed == (plan.before != plan.after)
