"""What a new passphrase must be like."""

import pytest

from skerry_base.storage.luks.passphrase import LONGEST, SHORTEST, problem


@pytest.mark.parametrize(
    "passphrase", ["correct horse battery", "x" * SHORTEST, "ä" * SHORTEST, "p4ss-w0rd!\"'$`\\"]
)
def test_good(passphrase):
    assert problem(passphrase) == ""


@pytest.mark.parametrize(
    ("passphrase", "wrong"),
    [
        ("", "is empty"),
        ("short", "has 5 characters; it must have at least 12"),
        ("with a line\nbreak", "line break"),
        ("with a tab\tin it", "line break, a tab"),
        ("zero\0 byte in it", "nobody can see"),
        (" begins with a blank", "begins or ends with a blank"),
        ("ends with a blank ", "begins or ends with a blank"),
        ("x" * (LONGEST + 1), "more than 512 bytes"),
        ("é" * (LONGEST // 2 + 1), "more than 512 bytes"),
        (None, "is empty"),
        (0o123456701234567, "put it into quotes"),
        (["correct", "horse"], "put it into quotes"),
    ],
)
def test_bad(passphrase, wrong):
    assert wrong in problem(passphrase)
