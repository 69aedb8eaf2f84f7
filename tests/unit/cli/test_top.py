"""The table of what containers use."""

import sys
from typing import Any

import pytest

from skerry.cli import top
from skerry.cli.main import main
from tests.unit.client.conftest import StartEngine
from tests.unit.client.engine_stub import done

ROW: dict[str, Any] = {
    "name": "blog", "project": "default", "state": "running", "cpu_used": 0.25, "cpu": 1.0, "memory_used": 35 * 1024**2,
    "memory": 256 * 1024**2, "pids_used": 4, "pids": 256, "disk_used": 16384, "disk": 1024**3,
    "received_per_second": 1500.0, "sent_per_second": None,
}  # fmt: skip


def test_use_and_limit_stand_side_by_side_and_the_busiest_first() -> None:
    idle = ROW | {"name": "idle", "cpu_used": None, "memory_used": None, "pids_used": None}
    assert [line.split() for line in top.shown([idle, ROW]).splitlines()] == [
        ["NAME", "PROJECT", "STATE", "CPU", "MEMORY", "PIDS", "DISK", "IN", "OUT"],
        ["blog", "default", "running", "0.25/1", "35M/256M", "4/256", "16K/1G", "1.46K/s", "-"],
        ["idle", "default", "running", "-/1", "-/256M", "-/256", "16K/1G", "1.46K/s", "-"],
    ]
    assert top.shown([]) == "no containers"


@pytest.mark.parametrize(
    ("found", "said"),
    [(0, "0"), (999, "999"), (1000, "0.977K"), (1024**2, "1M"), (5 * 1024**4, "5T"), (10**18, "9.09e+05T")],
)
def test_sizes(found: int, said: str) -> None:
    assert top.size(found) == said


def test_without_a_terminal_it_is_measured_and_shown_once(
    engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    server = engine([done(stats=[ROW])])
    assert main(["top", "--interval", "5", "--socket", server.path]) == 0
    assert [one.get("interval") for one in server.asked] == ["5"]
    assert "\x1b" not in capsys.readouterr().out


def test_on_a_terminal_the_first_table_comes_at_once_and_an_interrupt_ends_it(
    engine: StartEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, tables = top.shown, []

    def interrupted(rows: list[dict[str, Any]]) -> str:
        tables.append(rows)
        if len(tables) > 2:
            raise KeyboardInterrupt
        return shown(rows)

    server = engine(*[[done(stats=[ROW])]] * 3)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(top, "shown", interrupted)
    assert main(["top", "--interval", "5", "--socket", server.path]) == 0
    assert [one["interval"] for one in server.asked] == [0.1, "5", "5"]
    assert capsys.readouterr().out.count("\x1b[H\x1b[J") == 2
