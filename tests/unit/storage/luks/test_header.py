"""Where a backup of a header may go, and what is kept of it."""

import pytest

from skerry_base.core.errors import SkerryError
from skerry_base.storage.luks.header import Identity, refuse, squeeze

OURS, OTHER = "1db80b0e-d190-47bf-b1f2-1a8380d896ed", "89c46e55-0aee-4a11-b1a9-0cbd40c76b9c"
KEPT = Identity(OURS, "digest")


@pytest.mark.parametrize("there", [KEPT, Identity("", "")], ids=["the same volume", "destroyed header"])
def test_a_header_goes_where_it_belongs(there):
    refuse(there, KEPT, OURS)


@pytest.mark.parametrize(
    ("there", "confirmed", "message"),
    [
        (KEPT, OTHER, f"the backup is of the volume {OURS}, and {OTHER} was confirmed"),
        (KEPT, "", "no UUID was confirmed"),
        (Identity(OTHER, "x"), OURS, f"the device holds the volume {OTHER}"),
        (Identity(OURS, "x"), OURS, "encrypted anew"),
    ],
)
def test_headers_that_are_refused(there, confirmed, message):
    with pytest.raises(SkerryError, match="Nothing was changed") as refusal:
        refuse(there, KEPT, confirmed)
    assert message in str(refusal.value)


def test_only_texts_and_keys_are_kept():
    image = bytes([1]) * 100_000
    kept = squeeze(image, [(50_000, 10)])
    assert len(kept) == len(image)
    assert kept.count(1) == 32 * 1024 + 10
    assert kept[50_000:50_010] == image[50_000:50_010]
