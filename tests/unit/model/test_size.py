"""Sizes as people write them, and what is none."""

import pytest

from skerry.model.size import format_size, parse_size


@pytest.mark.parametrize(("text", "size"), [("256M", 2**28), ("1.5G", 3 * 2**29), ("64 KiB", 2**16), (7, 7)])
def test_a_size(text: str | int, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("text", ["9" * 900_000, "9999999T", "64\u212a", "\u0663\u0660M", "1e3", "-1", ""])
def test_what_is_no_size_is_quoted_in_short(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size; give bytes") as error:
        parse_size(text)
    assert len(str(error.value)) < 200
