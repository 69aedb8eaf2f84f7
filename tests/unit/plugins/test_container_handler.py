"""What a module asks of the engine, and what it returns of the answer."""

from typing import Any

import pytest

from plugins.filter.table import FilterModule
from plugins.module_utils import container_handler, engine_module
from skerry.protocol.table import TABLE

KEY = {"realm": "default", "project": "default", "name": "blog"}
PARAMS: dict[str, Any] = {
    **KEY, "state": "started", "create": True, "wait": "ready", "timeout": 30.0, "grace_now": None, "discard_root": False,
    "image": None, "memory": None, "cpu": None, "pids": None, "disk": None, "port": None,
    "services": None, "env": None, "command": None, "restart": None, "grace": None, "stop_signal": None,
    "health": None, "after": None, "labels": None,
}  # fmt: skip


def test_an_option_that_is_not_given_is_not_sent() -> None:
    request = container_handler.ensure_request(PARAMS)
    assert request == {
        "verb": "ensure", "container": KEY, "state": "started", "create": True, "wait": "ready", "timeout": 30.0,
        "discard_root": False, "spec": {},
    }  # fmt: skip


def test_what_is_given_is_sent_as_it_is() -> None:
    spec = {
        "image": "hello", "memory": "512M", "cpu": 0.5, "pids": 64, "disk": "2G", "port": 80,
        "services": [{"name": "web", "port": 81}], "env": {"A": "1"}, "command": ["/app"],
    }  # fmt: skip
    request = container_handler.ensure_request(PARAMS | spec)
    assert request["spec"] == spec
    TABLE.parse({"version": 3, **request})


def test_grace_is_kept_and_grace_now_is_for_this_once() -> None:
    request = container_handler.ensure_request(PARAMS | {"grace": 60.0, "grace_now": 1.0})
    assert (request["spec"], request["grace_now"]) == ({"grace": 60.0}, 1.0)
    TABLE.parse({"version": 3, **request})


@pytest.mark.parametrize("given", [{}, {"http": "/live", "interval": 5.0}])
def test_what_ansible_adds_to_a_health_check_is_not_sent(given: dict[str, Any]) -> None:
    filled = dict.fromkeys(("port", "http", "interval", "retries")) | given
    request = container_handler.ensure_request(PARAMS | {"health": filled})
    assert request["spec"] == {"health": given}
    TABLE.parse({"version": 3, **request})


def test_empty_is_given() -> None:
    assert container_handler.ensure_request(PARAMS | {"services": [], "env": {}})["spec"] == {
        "services": [],
        "env": {},
    }


def test_a_number_in_env_is_text_and_what_yaml_makes_of_yes_is_refused_by_the_engine() -> None:
    assert container_handler.ensure_request(PARAMS | {"env": {"PORT": 8080, "DEBUG": True}})["spec"][
        "env"
    ] == {
        "PORT": "8080",
        "DEBUG": True,
    }


def test_a_number_in_labels_is_text() -> None:
    assert container_handler.ensure_request(PARAMS | {"labels": {"tier": 1, "app": "web"}})["spec"] == {
        "labels": {"tier": "1", "app": "web"}
    }


def plan(
    verb: str, *steps: str, stored: tuple[str, ...] = (), waiting: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {"verb": verb, "steps": list(steps), "stored": list(stored), "restart_required": list(waiting)}


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
    assert container_handler.restart_required(plans) == waiting


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
        "timings_ms": [[1.5], [2.5, 3.5]], "missing": "",
    }  # fmt: skip
    result = container_handler.container_result(answer)
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
        "missing": "",
    }
    result = container_handler.container_result(answer)
    assert (result["container"], result["url"]) == (None, "https://x/")
    assert result["diff"]["after"] == ""


def test_the_result_of_deleting_what_is_not_there() -> None:
    answer = {
        "changed": False, "before": None, "after": None, "plans": [], "timings_ms": [], "missing": "there is none",
    }  # fmt: skip
    result = container_handler.container_result(answer)
    assert (result["changed"], result["url"], result["steps"]) == (False, "", [])
    assert result["missing"] == "there is none"
    assert result["diff"] == {"before": "", "after": "", "prepared": ""}


def test_a_diff_names_what_is_stored_and_what_waits_for_a_restart() -> None:
    answer = {
        "changed": True,
        "before": BEFORE,
        "after": AFTER,
        "plans": [plan("update", stored=("env (A added)",), waiting=("env",))],
        "timings_ms": [[]],
        "missing": "",
    }
    result = container_handler.container_result(answer)
    assert result["stored"] == ["env (A added)"]
    assert result["diff"]["prepared"].splitlines() == [
        "plan: update", "  stored: env (A added)", "  when it is next restarted: env"
    ]  # fmt: skip


def test_a_result_has_no_value_of_a_secret_option_and_no_option_that_is_not_declared() -> None:
    arguments = {"name": {"type": "str"}, "env": {"type": "dict", "no_log": True}}
    shown = engine_module.hide({"name": "1", "env": {"A": "1"}, "TOKEN": "s3cret"}, arguments)
    assert shown == {"name": "1", "env": {"A": engine_module.HIDDEN}}
    assert engine_module.hide({"env": "A=s3cret, B"}, arguments) == {"env": engine_module.HIDDEN}
    assert engine_module.hide({"env": None}, arguments) == {"env": None}


def test_the_filter_makes_a_table() -> None:
    rows = [{"a": 1, "b": ["x", "y"]}, {"a": None}]
    assert FilterModule().filters()["table"](rows, ["a", "b"]) == "A  B\n1  x y\n"
