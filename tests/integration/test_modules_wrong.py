"""Wrong input, by the module and by the command: what is said names the option and what would be right."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration.modules import Call, Result, call

NAME_HINT = "Give lower-case letters, digits and dashes; a letter first, no dash last"
NEW = {"name": "wrong", "image": "hello"}

# What is wrong with a request for a new container, and all of what the module says, as a regular expression.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Blog"}, re.escape(f"name: 'Blog' is not allowed. {NAME_HINT}")),
    ({"name": "a" * 33}, re.escape(f"name: '{'a' * 33}' is not allowed. Give at most 32 characters")),
    ({"name": "../etc"}, re.escape(f"name: '../etc' is not allowed. {NAME_HINT}")),
    ({"project": "my shop"}, re.escape(f"project: 'my shop' is not allowed. {NAME_HINT}")),
    ({"memory": "12X"}, re.escape("memory: '12X' is not a size. Give bytes or a number with K, M, G or T, such as 256M")),
    ({"memory": "1M"}, re.escape("memory: '1M' is not allowed. Give at least 16M")),
    ({"memory": "64T"}, r"memory: 64T is more than this host has\. Give at most \d+M: the host's RAM less its reserve"),
    ({"disk": "1000T"}, r"disk: 1000T is more than this host has\. Give at most \d+M, the size of the pool"),
    ({"cpu": 1000}, r"cpu: 1000 is more than this host has\. Give at most \d+, the host's processors"),
    ({"cpu": 0}, re.escape("cpu: 0.0 is not allowed. Give at least 0.05")),
    ({"pids": 1}, re.escape("pids: 1 is not allowed. Give at least 8")),
    ({"port": 0}, re.escape("port: 0 is not allowed. Give at least 1")),
    ({"port": 70000}, re.escape("port: 70000 is not allowed. Give at most 65535")),
    ({"port": "http"}, r"argument 'port' is of type .*unable to convert to int.*"),
    ({"services": [{"name": "fourteen-chars", "port": 80}]},
     re.escape("services, entry 1, name: 'fourteen-chars' is not allowed. Give at most 13 characters")),
    ({"services": [{"name": "web", "port": 1}, {"name": "web", "port": 2}]},
     re.escape("services: the name 'web' is there twice. Each service has a URL, and so a name, of its own")),
    ({"services": [{"name": "web"}]}, r"missing required arguments: port found in services"),
    ({"env": {"A-B": "1"}},
     re.escape("env: 'A-B' is not a name for a variable. Use letters, digits and _, and not SKERRY_…")),
    ({"env": {"DEBUG": True}}, re.escape("env, DEBUG: a boolean is not allowed. Give text, in quotes")),
    ({"image": "nope"}, r"image 'nope' is not on this host\. Images here: .*hello.*"),
    ({"image": None}, re.escape("image: is missing. A new container needs an image: name one. If the container should "
                                "exist already, check its name")),
    ({"state": "runing"}, (r"value of state must be one of: present, started, frozen, stopped, restarted, absent, "
                           r"got: runing")),
    ({"timeout": 9999}, re.escape("timeout: 9999.0 is not allowed. Give at most 3600")),
    ({"memmory": "1G"}, r"Unsupported parameters .*: memmory\. Supported parameters include: .*memory.*"),
]  # fmt: skip


@pytest.fixture(scope="module")
def answers(lab: str, hello: str, tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """Each wrong request, for real and in check mode."""
    calls = [Call(NEW | wrong, check) for wrong, _ in WRONG for check in (False, True)]
    return call(lab, tmp_path_factory.mktemp("wrong"), *calls)


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[str(wrong) for wrong, _ in WRONG])
def test_what_is_wrong_and_what_would_be_right(answers: list[Result], number: int) -> None:
    for answer in answers[2 * number : 2 * number + 2]:
        assert answer["failed"]
        assert not answer["changed"]
        assert re.fullmatch(WRONG[number][1], answer["msg"]), answer["msg"]


def test_nothing_of_a_refused_one_is_there(answers: list[Result], host: Host) -> None:
    names = {one["name"] for one in json.loads(host.check_output("skerry list --json"))["containers"]}
    assert "wrong" not in names


@pytest.fixture
def existing(hello: str, host: Host) -> Iterator[str]:
    """A container that is stopped."""
    host.check_output("skerry create here --image hello --no-start")
    yield "here"
    host.run("skerry delete here")


def test_a_bad_change_leaves_all_as_it_was(lab: str, existing: str, host: Host, tmp_path: Path) -> None:
    before = host.check_output(f"skerry info {existing} --json")
    stopped = {"name": existing, "state": "stopped"}
    too_much, other_image, wrong = call(
        lab,
        tmp_path,
        Call(stopped | {"memory": "64T", "pids": 99}),
        Call(stopped | {"image": "sha256:" + "0" * 64}),
        Call(stopped | {"memory": "1M", "pids": 99}),
    )
    assert too_much["msg"].startswith("memory: 64T is more than this host has. Give at most ")
    assert other_image["msg"] == (f"image 'sha256:{'0' * 64}' is not on this host. Images here: hello")
    assert wrong["msg"] == "memory: '1M' is not allowed. Give at least 16M"
    assert host.check_output(f"skerry info {existing} --json") == before


def test_a_program_that_does_not_answer_leaves_nothing_and_shows_its_log(
    lab: str, hello: str, host: Host, tmp_path: Path
) -> None:
    mute = {"name": "mute", "image": "hello", "timeout": 1}
    wrong_port, wrong_program = call(
        lab,
        tmp_path,
        Call(mute | {"port": 9999}),
        Call(mute | {"command": ["/nowhere/app"], "timeout": 60}),  # it is told at once
    )
    assert wrong_port["msg"].startswith(
        "create default/default/mute: nothing answered on port 9999 of the container within 1 s. "
        "Let its program listen on all addresses at that port"
    )
    assert wrong_port["code"] == "failed"
    assert wrong_program["failed"]
    assert "No such file or directory" in wrong_program["journal"]
    assert host.run("skerry info mute").rc == 3


RACE = (
    "for n in 1 2; do {{ {command} >/tmp/race.$n 2>/tmp/race.$n.err; echo $? >/tmp/race.$n.rc; }} & done; wait; "
    "cat /tmp/race.*.rc; cat /tmp/race.*.err >&2"
)


def test_the_same_name_twice_at_the_same_moment(hello: str, host: Host) -> None:
    try:
        done = host.run(RACE.format(command="skerry create race --image hello --wait running --json"))
        found = json.loads(host.check_output("skerry list --json"))["containers"]
    finally:
        host.run("skerry delete race")
    assert sorted(done.stdout.split()) == ["0", "4"], done.stdout + done.stderr
    winner = next(one["id"] for one in found if one["name"] == "race")
    assert f"error: container default/default/race exists already, with id {winner}." in done.stderr
    assert "Choose another name, update it, or delete it first." in done.stderr


def test_the_same_state_twice_at_the_same_moment_is_made_once(hello: str, host: Host) -> None:
    try:
        command = "skerry ensure race --image hello --state started --wait running --json"
        done = host.run(RACE.format(command=command))
        results = [json.loads(host.check_output(f"cat /tmp/race.{n}")) for n in (1, 2)]
    finally:
        host.run("skerry delete race")
    assert done.stdout.split() == ["0", "0"]
    assert sorted(result["changed"] for result in results) == [False, True]
    assert results[0]["after"]["id"] == results[1]["after"]["id"]


@pytest.mark.usefixtures("existing")
def test_what_is_not_there(lab: str, host: Host, tmp_path: Path) -> None:
    absent, not_made = call(
        lab,
        tmp_path,
        Call({"name": "hree", "state": "absent"}),
        Call({"name": "hree", "image": "hello", "create": False}),
    )
    assert not absent["failed"]
    assert not absent["changed"]
    said = r"there is no container default/default/hree\. Did you mean here\? Containers of default/default: .*here"
    assert re.match(said, absent["missing"])
    assert (not_made["failed"], not_made["code"]) == (True, "not_found")
    assert re.match(said, not_made["msg"])
    for verb in ("delete", "info", "start", "stop", "restart", "update"):
        done = host.run(f"skerry {verb} hree")
        assert done.rc == 3, verb
        first, second = done.stderr.splitlines()
        assert first == "error: there is no container default/default/hree."
        assert second.startswith("       Did you mean here? Containers of default/default: ")


@pytest.fixture
def no_engine(host: Host) -> Iterator[None]:
    """The engine and its socket are stopped; containers go on."""
    host.check_output("systemctl stop skerry-engine.socket skerry-engine.service")
    yield
    host.check_output("systemctl start skerry-engine.socket")
    host.check_output("skerry status")


@pytest.mark.usefixtures("no_engine")
def test_the_engine_does_not_run(lab: str, host: Host, tmp_path: Path) -> None:
    do, check, info = call(
        lab,
        tmp_path,
        Call(NEW),
        Call(NEW, check=True),
        Call({}, module="skerry_container_info"),
    )
    there = host.file("/run/skerry/engine.sock").exists
    said = (
        "the engine of this host does not run: nobody listens on /run/skerry/engine.sock. "
        "'systemctl status skerry-engine.socket skerry-engine.service' says why; "
        "'systemctl restart skerry-engine.socket' starts it"
        if there
        else "there is no engine on this host: /run/skerry/engine.sock is missing. Set the host up with "
        "playbooks/host.yml (role lxc_host); if it is, 'systemctl status skerry-engine.socket' says what is wrong"
    )
    for answer in (do, check, info):
        assert answer["failed"]
        assert (answer["code"], answer["msg"]) == ("host", said)
    assert host.run("skerry list").rc == 6


def test_only_root_may_speak_to_the_engine(host: Host) -> None:
    done = host.run("runuser -u nobody -- skerry list")
    assert done.rc == 7
    assert done.stderr.splitlines()[0] == "error: this user may not open /run/skerry/engine.sock."
