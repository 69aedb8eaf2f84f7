"""A container's log: which lines are asked for, and how a person sees them."""

import os
import socket
from typing import Any

import pytest

from skerry import logs
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.text import printable

WHERE = {
    "unit": "skerry-a.service",
    "namespace": "skerry-b",
    "follow": False,
    "lines": 5,
    "since": None,
    "until": None,
}


def entry(text: Any, life: str = "1") -> dict[str, Any]:
    return {"__REALTIME_TIMESTAMP": "1000000", "MESSAGE": text, "_SYSTEMD_INVOCATION_ID": life}


def test_what_is_asked_for() -> None:
    argv = logs._argv({**WHERE, "since": "10m", "until": "-1h", "follow": True})
    assert argv[-5:] == [
        "--lines=5",
        "--since=-10min",
        "--until=-1h",
        "--follow",
        "_SYSTEMD_UNIT=skerry-a.service",
    ]
    assert "--namespace=+skerry-b" in argv


def test_no_line_of_before_may_be_asked_for() -> None:
    asked = {"verb": "logs", "container": {"name": "blog"}, "follow": True, "lines": "0"}
    assert vars(TABLE.parse({"version": WIRE_VERSION, **asked}))["lines"] == 0
    assert "--lines=0" in logs._argv({**WHERE, "lines": 0})


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("2h", "-2h"),
        ("30s", "-30s"),
        ("5m", "-5min"),
        ("today", "today"),
        ("2026-11-29 08:00", "2026-11-29 08:00"),
    ],
)
def test_a_span_is_that_long_ago(given: str, passed: str) -> None:
    assert logs._time(given) == passed


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("plain", "plain"),
        ("\x1b]0;PWNED\x07", "\\x1b]0;PWNED\\x07"),
        (list(b"\xffx"), "\ufffdx"),
        (None, ""),
    ],
)
def test_a_line_commands_no_terminal(message: Any, text: str) -> None:
    assert logs._line(entry(message), printable)["text"] == text


def test_a_line_of_several_begins_no_other() -> None:
    found = logs._line(entry("one\n2026-11-29 08:00:00  forged"), printable)
    (shown,) = logs.shown(iter([found]))
    assert shown.endswith("  one\n" + " " * 21 + "2026-11-29 08:00:00  forged")


def test_lines_end_with_who_reads_them() -> None:
    reader, client = socket.socketpair()
    written, journal = os.pipe()
    with reader:
        os.write(journal, b"one\ntwo\nthr")
        found = logs._while_read(written, reader.fileno())
        assert [next(found), next(found)] == [b"one", b"two"]
        os.write(journal, b"ee\n")
        assert next(found) == b"three"
        client.close()
        assert list(found) == []
    os.close(journal)
    os.close(written)


def test_a_mark_stands_between_two_lives() -> None:
    found = (logs._line(one, printable) for one in [entry("a"), entry("b"), entry("c", "2"), entry("d", "2")])
    texts = [line.split("  ")[-1] for line in logs.shown(iter(list(found)))]
    assert texts == ["a", "b", logs.STARTED_ANEW, "c", "d"]
