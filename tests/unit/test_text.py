"""What others wrote cannot command a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.callback import progress
from skerry.host.run import ProgramError
from skerry.model.errors import Code, SkerryError
from skerry.text import printable

HARMFUL = "\x1b]0;title\x07\x1b[2J\r\x9b31m\x7f\u202eabc\u2066\u200b\ufeff\U000e0041\u2028"

UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.binary())
def test_any_bytes_become_text_that_a_terminal_only_prints(raw: bytes) -> None:
    shown = printable(raw)
    assert all(c in "\n\t" or unicodedata.category(c) not in UNSAFE for c in shown)
    assert shown.count("\n") == raw.count(b"\n")
    shown.encode()


@given(st.text())
def test_any_text_does_and_printing_again_changes_nothing(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert all(c in "\n\t" or unicodedata.category(c) not in UNSAFE for c in shown)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_letters_of_all_languages_stay_as_they_are(text: str) -> None:
    assert printable(text) == text.replace("\u115f", "\\u115f").replace("\u1160", "\\u1160").replace(
        "\u3164", "\\u3164"
    ).replace("\uffa0", "\\uffa0")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b]0;PWNED\x07", "\\x1b]0;PWNED\\x07"),
        (b"done\rok: [host]\n\tnext", "done\\x0dok: [host]\n\tnext"),
        (b"\xc2\x9b2J \x7f", "\\x9b2J \\x7f"),
        ("a\u202eb\u2066".encode(), "a\\u202eb\\u2066"),
        (b"\xff\xfe \xed\xa0\x80", "\ufffd\ufffd \ufffd\ufffd\ufffd"),
        ("Grüße, 你好 ❤️".encode(), "Grüße, 你好 ❤️"),
        ("\U000e0041\u200b\u3164".encode(), "\\U000e0041\\u200b\\u3164"),
    ],
)
def test_what_it_becomes(raw: bytes, shown: str) -> None:
    assert printable(raw) == shown


def test_no_error_carries_such_text_whoever_said_it() -> None:
    error = SkerryError(Code.FAILED, HARMFUL, HARMFUL, HARMFUL)
    program = ProgramError(["tar"], 1, f"first\n{HARMFUL.replace(chr(0x2028), '')}")
    for text in (error.message, error.hint, error.journal, str(error), program.message, str(program)):
        assert printable(text) == text
        assert "abc" in text


def test_the_callback_prints_no_journal_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    callback = progress.CallbackModule()
    monkeypatch.setattr(callback._display, "display", lambda text, **_: lines.append(text))
    callback._help("host", "skerry.host.skerry_container", {"journal": HARMFUL, "next": HARMFUL})
    assert len(lines) == 3
    assert all(printable(line) == line for line in lines)
    assert all("title" in line for line in lines[1:])
