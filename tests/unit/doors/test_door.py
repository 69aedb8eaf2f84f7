"""What a module asks of the engine, and what it returns of the answer."""

from typing import Any

import pytest

from plugins.filter.table import FilterModule
from plugins.module_utils import door
from skerry.engine import requests

KEY = {"realm": "default", "project": "default", "name": "blog"}
PARAMS: dict[str, Any] = {
    **KEY, "state": "started", "wait": "ready", "timeout": 30.0, "grace": 10.0,
    "image": None, "memory": None, "cpu": None, "pids": None, "disk": None, "port": None,
    "services": None, "env": None, "command": None,
}  # fmt: skip


def test_an_option_that_is_not_given_is_not_sent() -> None:
    request = door.ensure_request(PARAMS)
    assert request == {
        "verb": "ensure", "container": KEY, "state": "started", "wait": "ready", "timeout": 30.0, "grace": 10.0,
        "spec": {},
    }  # fmt: skip


def test_what_is_given_is_sent_as_it_is() -> None:
    spec = {
        "image": "hello", "memory": "512M", "cpu": 0.5, "pids": 64, "disk": "2G", "port": 80,
        "services": [{"name": "web", "port": 81}], "env": {"A": "1"}, "command": ["/app"],
    }  # fmt: skip
    request = door.ensure_request(PARAMS | spec)
    assert request["spec"] == spec
    requests.parse({"version": 1, **request})


def test_empty_is_given() -> None:
    assert door.ensure_request(PARAMS | {"services": [], "env": {}})["spec"] == {"services": [], "env": {}}


def test_a_number_in_env_is_text_and_what_yaml_makes_of_yes_is_refused_by_the_engine() -> None:
    assert door.ensure_request(PARAMS | {"env": {"PORT": 8080, "DEBUG": True}})["spec"]["env"] == {
        "PORT": "8080",
        "DEBUG": True,
    }


def plan(verb: str, *steps: str, waiting: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"verb": verb, "steps": list(steps), "restart_required": list(waiting)}


@pytest.mark.parametrize(
    ("plans", "waiting"),
    [
        ([], []),
        ([plan("update", "a")], []),
        ([plan("update", waiting=("env", "command"))], ["env", "command"]),
        ([plan("update", waiting=("env",)), plan("restart", "b")], []),
        ([plan("update", waiting=("env",)), plan("stop", "b")], []),
    ],
)
def test_what_waits_for_a_restart_waits_no_more_after_one(plans: list[Any], waiting: list[str]) -> None:
    assert door.restart_required(plans) == waiting


BEFORE = {
    **KEY,
    "id": "a" * 24,
    "memory": "256M",
    "state": "running",
    "version": 1,
    "created": "2026",
    "url": "https://x/",
}
AFTER = BEFORE | {"memory": "512M", "version": 2}


def test_the_result_of_a_change() -> None:
    answer = {
        "changed": True, "before": BEFORE, "after": AFTER,
        "plans": [plan("update", "change unit"), plan("restart", "remove unit", "make unit")],
        "timings_ms": [[1.5], [2.5, 3.5]],
    }  # fmt: skip
    result = door.container_result(answer)
    assert result["changed"] is True
    assert result["container"] == AFTER
    assert result["url"] == "https://x/"
    assert result["steps"] == ["change unit", "remove unit", "make unit"]
    assert result["timings_ms"] == [1.5, 2.5, 3.5]
    assert result["diff"]["before"] == {**KEY, "id": "a" * 24, "memory": "256M", "url": "https://x/"}
    assert result["diff"]["after"]["memory"] == "512M"
    assert result["diff"]["prepared"].splitlines() == [
        "plan: update", "  1. change unit", "plan: restart", "  1. remove unit", "  2. make unit"
    ]  # fmt: skip


def test_the_result_of_a_delete_has_the_url_that_is_dead() -> None:
    answer = {
        "changed": True,
        "before": BEFORE,
        "after": None,
        "plans": [plan("delete", "x")],
        "timings_ms": [[1]],
    }
    result = door.container_result(answer)
    assert (result["container"], result["url"]) == (None, "https://x/")
    assert result["diff"]["after"] == ""


def test_the_result_of_deleting_what_is_not_there() -> None:
    answer = {"changed": False, "before": None, "after": None, "plans": [], "timings_ms": []}
    result = door.container_result(answer)
    assert (result["changed"], result["url"], result["steps"]) == (False, "", [])
    assert result["diff"] == {"before": "", "after": "", "prepared": ""}


def test_a_diff_names_what_waits_for_a_restart() -> None:
    answer = {
        "changed": True,
        "before": BEFORE,
        "after": AFTER,
        "plans": [plan("update", waiting=("env",))],
        "timings_ms": [[]],
    }
    assert "  when it is next restarted: env\n" in door.container_result(answer)["diff"]["prepared"]


def test_the_filter_makes_a_table() -> None:
    rows = [{"a": 1, "b": ["x", "y"]}, {"a": None}]
    assert FilterModule().filters()["table"](rows, ["a", "b"]) == "A  B\n1  x y\n"
