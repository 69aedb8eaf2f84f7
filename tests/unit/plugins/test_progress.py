"""What the progress callback says after a failure."""

from typing import Any

import pytest

from plugins.callback.progress import clock, failed_part, failed_unit, next_step


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00"), (59.9, "00:59"), (127, "02:07"), (6000, "100:00")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("action", "result", "unit"),
    [
        ("skerry.host.skerry_container", {"unit": "skerry-0a.service"}, "skerry-0a.service"),
        (
            "ansible.builtin.systemd_service",
            {"invocation": {"module_args": {"name": "a.service"}}},
            "a.service",
        ),
        ("service", {"name": "b"}, "b"),
        ("ansible.builtin.file", {"invocation": {"module_args": {"name": "/etc"}}}, None),
    ],
)
def test_the_unit_behind_a_failure(action: str, result: dict[str, Any], unit: str | None) -> None:
    assert failed_unit(action, result) == unit


def test_of_a_loop_the_item_that_failed_counts() -> None:
    bad = {"failed": True, "name": "b.service"}
    assert failed_part({"failed": True, "results": [{"changed": True}, bad]}) == bad
    assert failed_part(bad) == bad


@pytest.mark.parametrize(
    ("unit", "result", "said"),
    [
        (None, {"next": "Free some memory."}, "Free some memory."),
        ("a.service", {}, "systemctl status a.service"),
        (None, {"unreachable": True}, "ansible h1 -m ansible.builtin.ping -vvv"),
        (None, {}, "run the same command again"),
    ],
)
def test_what_to_do_next(unit: str | None, result: dict[str, Any], said: str) -> None:
    assert said in next_step("h1", unit, result)
