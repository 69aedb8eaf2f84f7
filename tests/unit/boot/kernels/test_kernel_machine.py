"""What is left of a trial on either disk of a mirror."""

import pytest

from skerry_base.boot.kernels.machine import offered
from skerry_base.storage.disks.mounted_boot import Boot

EMPTY = "# GRUB Environment Block\n"


@pytest.fixture
def both(tmp_path):
    places = tmp_path / "boot", tmp_path / "boot.1"
    for place in places:
        (place / "grub").mkdir(parents=True)
        (place / "grub/grubenv").write_text(EMPTY + "#" * 900)
    return [Boot(place, f"uuid-{place.name}", place.name) for place in places]


def test_nothing_is_left(both):
    assert not offered(both)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("grub/skerry-trial.cfg", "menuentry"),
        ("skerry-trial", "initramfs"),
        ("grub/grubenv", EMPTY + "next_entry=skerry-trial\n" + "#" * 900),
    ],
)
def test_a_trial_is_seen_on_either_disk(both, which, name, text):
    (both[which].path / name).write_text(text)
    assert offered(both)


def test_what_somebody_else_chose_for_the_next_boot_is_left_alone(both):
    (both[1].path / "grub/grubenv").write_text(EMPTY + "next_entry=memtest\n" + "#" * 900)
    assert not offered(both)
