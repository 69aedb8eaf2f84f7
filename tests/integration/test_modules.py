"""skerry_container and its info, four beats each: check, do, do again, check again. Every state, every option."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration import tenants
from tests.integration.modules import Call, Result, call, four_beats

NAME = "beats"
NEW = {"name": NAME, "image": "hello", "env": {"GREETING": "hi"}, "services": [{"name": "web", "port": 1071}]}

# What is asked for, in this order, of one container; the verbs it takes; what then waits for a restart.
BEATS: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("a new one", NEW, ["create"], []),
    ("the same with its size written otherwise", {"memory": "262144K", "disk": "1024M", "cpu": 1}, [], []),
    ("memory", {"memory": "300M"}, ["update"], []),
    ("cpu", {"cpu": 0.5}, ["update"], []),
    ("pids", {"pids": 128}, ["update"], []),
    ("disk", {"disk": "2G"}, ["update"], []),
    ("several at once", {"memory": "320M", "cpu": 0.75, "pids": 100}, ["update"], []),
    ("port", {"port": 1072}, ["update"], []),
    ("port back", {"port": 1071}, ["update"], []),
    ("another service", {"services": [{"name": "web", "port": 1071}, {"name": "web-2", "port": 1072}]}, ["update"], []),
    ("no service", {"services": []}, ["update"], []),
    ("env", {"env": {"GREETING": "hello", "PORT": 8080}}, ["update"], ["env"]),
    ("command", {"command": ["/usr/bin/python3", "-I", "-B", "/srv/hello/app.py"]}, ["update"], ["command"]),
    ("the image it has", {"image": "hello"}, [], []),
    ("stopped", {"state": "stopped"}, ["stop"], []),
    ("present leaves it stopped", {"state": "present"}, [], []),
    ("an option of a stopped one", {"state": "present", "memory": "256M"}, ["update"], []),
    ("env of a stopped one waits for nothing", {"state": "stopped", "env": {}}, ["update"], []),
    ("started", {"state": "started"}, ["start"], []),
    ("started with another option", {"memory": "256M", "state": "started"}, [], []),
    ("stopped with another option", {"pids": 64, "state": "stopped"}, ["update", "stop"], []),
    ("frozen, after a start", {"state": "frozen"}, ["start", "freeze"], []),
    ("present leaves it frozen", {"state": "present", "pids": 70}, ["update"], []),
    ("started lets it go on", {"state": "started"}, ["thaw"], []),
    ("frozen", {"state": "frozen"}, ["freeze"], []),
    ("absent", {"state": "absent"}, ["delete"], []),
    ("a new one that is stopped", {"image": "hello", "state": "stopped"}, ["create"], []),
    ("absent again", {"state": "absent"}, ["delete"], []),
    ("another project", {"image": "hello", "project": "shop", "wait": "running"}, ["create"], []),
    ("absent there", {"project": "shop", "state": "absent"}, ["delete"], []),
]  # fmt: skip
TITLES = [title for title, *_ in BEATS]


def operations(host: Host) -> list[dict[str, Any]]:
    """The journal of this container, oldest first."""
    found = json.loads(host.check_output("skerry operations --json --count 200"))["operations"]
    return [one for one in reversed(found) if one["resource"].endswith(f"/{NAME}")]


@pytest.fixture(scope="module")
def beats(
    lab: str, hello: str, host: Host, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """All beats in one play: the four answers of each, and the journal of what was done."""
    tenants.make(host, "default/shop")
    begun = len(operations(host))
    calls = [beat for _, options, *_ in BEATS for beat in four_beats({"name": NAME} | options)]
    answers = call(lab, tmp_path_factory.mktemp("beats"), *calls)
    found = {title: answers[4 * n : 4 * n + 4] for n, title in enumerate(TITLES)}
    yield found | {"journal": operations(host)[begun:]}
    for project in ("default", "shop"):
        host.run(f"skerry delete {NAME} --project {project}")
    tenants.delete(host, "default/shop")


def plans(result: Result) -> list[str]:
    """The verbs that a diff shows."""
    lines = result["diff"]["prepared"].splitlines()
    return [line.removeprefix("plan: ") for line in lines if line.startswith("plan: ")]


@pytest.mark.parametrize(
    ("title", "verbs", "waiting"), [(title, verbs, waiting) for title, _, verbs, waiting in BEATS]
)
def test_four_beats(beats: dict[str, Any], title: str, verbs: list[str], waiting: list[str]) -> None:
    check, do, again, check_again = beats[title]
    for answer in (check, do, again, check_again):
        assert not answer["failed"], answer
    assert check["changed"] == do["changed"] == bool(verbs)
    assert not again["changed"]
    assert not check_again["changed"]
    assert plans(check) == plans(do) == verbs
    assert check["steps"] == do["steps"]
    assert check["restart_required"] == do["restart_required"] == waiting
    assert again["steps"] == check_again["steps"] == []
    assert check["url"] == do["url"]
    assert check["diff"] == do["diff"]
    assert check["timings_ms"] == []
    assert len(do["timings_ms"]) == len(do["steps"])


def test_the_journal_has_exactly_the_steps_that_check_mode_printed(beats: dict[str, Any]) -> None:
    printed = [step for title in TITLES for step in beats[title][0]["steps"]]
    journalled = [step for one in beats["journal"] for step in one["steps"]]
    assert journalled == printed
    assert [one["verb"] for one in beats["journal"]] == [verb for _, _, verbs, _ in BEATS for verb in verbs]
    assert {one["state"] for one in beats["journal"]} == {"done"}


def test_a_diff_shows_the_one_value_that_changes(beats: dict[str, Any]) -> None:
    diff = beats["memory"][0]["diff"]
    changed = {name for name in diff["after"] if diff["before"][name] != diff["after"][name]}
    assert changed == {"memory"}
    assert (diff["before"]["memory"], diff["after"]["memory"]) == ("256M", "300M")
    assert "memory 256M to 300M" in diff["prepared"]


def test_what_is_not_given_stays(beats: dict[str, Any]) -> None:
    container = beats["several at once"][1]["container"]
    assert container["env"] == ["GREETING"]
    assert container["disk"] == "2G"
    assert container["services"] == [{"name": "web", "port": 1071}]


def test_a_new_one_has_the_models_defaults(beats: dict[str, Any]) -> None:
    container = beats["a new one"][1]["container"]
    wanted = {"memory": "256M", "cpu": 1.0, "pids": 256, "disk": "1G", "port": 1071, "state": "running"}
    assert {name: container[name] for name in wanted} == wanted


def test_a_deleted_id_never_comes_back(beats: dict[str, Any]) -> None:
    ids = [
        beats[title][1]["container"]["id"]
        for title in ("a new one", "a new one that is stopped", "another project")
    ]
    assert len(set(ids)) == 3


@pytest.fixture(scope="module")
def other(
    lab: str, hello: str, host: Host, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Result]]:
    """What is no four beats: a restart changes each time; the info module; what is there no more."""
    name = "restarts"
    answers = call(
        lab,
        tmp_path_factory.mktemp("other"),
        Call({"name": name, "image": "hello"}),
        Call({"name": name, "env": {"A": "1"}, "state": "restarted"}),
        Call({"name": name, "state": "restarted"}, check=True),
        Call({"name": name, "state": "restarted"}),
        Call({"name": name}, module="skerry_container_info"),
        Call({"name": "nobody"}, module="skerry_container_info"),
        Call({"project": "default"}, module="skerry_container_info", check=True),
        Call({"name": name, "env": {"A": "2"}}),
        Call({"name": name}, module="skerry_container_info"),
        Call({"name": name, "state": "absent"}),
        Call({"name": name}, module="skerry_container_info"),
    )
    yield answers
    host.run(f"skerry delete {name}")


def test_a_restart_is_an_operation_each_time(other: list[Result]) -> None:
    with_option, check, do = other[1:4]
    assert plans(with_option) == ["update", "restart"]
    assert with_option["restart_required"] == []
    assert check["changed"]
    assert do["changed"]
    assert plans(check) == plans(do) == ["restart"]
    assert check["steps"] == do["steps"]


def test_info_of_one_of_none_and_of_a_project(other: list[Result]) -> None:
    one, none, project, waiting, gone = other[4], other[5], other[6], other[8], other[10]
    assert [found["name"] for found in one["containers"]] == ["restarts"]
    assert one["containers"][0]["state"] == "running"
    (found,) = one["containers"]
    assert (found["restart_pending"], found["restart_reasons"]) == (False, [])
    (found,) = waiting["containers"]
    assert (found["restart_pending"], found["restart_reasons"]) == (True, ["options"])
    assert none["containers"] == []
    assert "restarts" in {found["name"] for found in project["containers"]}
    assert gone["containers"] == []
    assert not any(answer["changed"] for answer in (one, none, project, gone))
