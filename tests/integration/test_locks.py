"""Policies at the real proxy: it decides as Python does, no token fools it, and what engine and modules make of them."""

import base64
import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.integration import tenants
from tests.integration.modules import Call, call, four_beats
from tests.integration.proxy_client import DOMAIN, Door, Http2, lab_door

OnHost = Callable[..., CommandResult]
PASSWORD = "correct horse battery"
STAFF = {"name": "staff", "passwords": [{"user": "ann", "password": PASSWORD}]}
BASIC = ("authorization", f"Basic {base64.b64encode(f'ann:{PASSWORD}'.encode()).decode()}")
MAP = "/run/skerry-proxy/policies.map"
EVERYBODY = {"name": "everybody", "ip": ["0.0.0.0/0", "::/0"]}


def found(result: CommandResult) -> Any:
    """What a program on the host printed."""
    assert result.rc == 0, result.stderr
    return json.loads(result.stdout)


def test_the_proxy_and_python_decide_alike_on_any_policy(on_host: OnHost) -> None:
    told = found(on_host("lock_sweep.py", "sweep", 1, 60, 40))
    print(told)
    assert told["asked"] >= 2000
    assert told["differs"] == 0, told["differ"]
    assert told["unlogged"] <= told["dropped"]  # each refusal is in the log, with the group that Python names
    assert {"200 group", "200 default", "401 none", "403 none", "403 group", "403 off"} <= told["seen"].keys()


def test_no_token_fools_the_proxy_not_the_second_time_either(on_host: OnHost) -> None:
    told = found(on_host("lock_sweep.py", "attacks"))
    assert told["asked"] >= 60
    assert told["wrong"] == []


def test_whatever_is_wrong_in_the_evaluator_is_found(on_host: OnHost) -> None:
    told = found(on_host("lock_sweep.py", "mutations"))
    print(told)
    assert [line for line, differs in told.items() if not differs] == []


@pytest.fixture(scope="module")
def blog(host: Host, hello: str) -> Iterator[dict[str, Any]]:
    """A container that runs."""
    made = host.check_output(f"skerry create locked --image {hello} --memory 64M --json")
    yield json.loads(made)["after"]
    for name in ("locked", "copied"):
        host.run(f"skerry delete {name}")
    host.run("skerry policy delete")


@pytest.fixture
def door(lab: str, host: Host) -> Iterator[Door]:
    """The public port. The container has no policy afterwards."""
    yield lab_door(lab)
    host.run("skerry policy delete --container locked")
    host.run("skerry policy delete")


def set_policy(
    host: Host, groups: list[dict[str, Any]], options: str = "--container locked"
) -> dict[str, Any]:
    """By the command line, with the groups on standard input."""
    text = json.dumps(groups).replace("'", "'\\''")
    answer: dict[str, Any] = json.loads(
        host.check_output(f"echo '{text}' | skerry policy set {options} --groups - --json")
    )
    return answer


def at_the_proxy(host: Host, code: str) -> str:
    """What a line about ``m``, the proxy's master socket, prints."""
    begin = 'from skerry.host.haproxy import Master; m = Master("/run/skerry-proxy/master.sock")'
    return str(host.check_output(f"python3 -c '{begin}; {code}'"))


def name_of(container: dict[str, Any]) -> str:
    """The host name of its URL."""
    return re.sub(r"https://([^/:]+).*", r"\1", container["url"])


def test_a_policy_holds_from_the_next_request_on_without_a_reload(
    host: Host, blog: dict[str, Any], door: Door
) -> None:
    name, workers = name_of(blog), host.check_output("pidof haproxy")
    with Http2(door, name) as connection:
        assert connection.get(name).status == 200
        set_policy(host, [STAFF])
        answer = connection.get(name)
        assert (answer.status, dict(answer.headers)["www-authenticate"]) == (
            401,
            'Basic realm="Skerry", charset="UTF-8"',
        )
        assert b"This page is locked" in answer.body
        assert connection.get(name, headers=[BASIC]).status == 200
        set_policy(host, [STAFF | {"passwords": [{"user": "ann", "password": "another password"}]}])
        assert connection.get(name, headers=[BASIC]).status == 401
        set_policy(host, [EVERYBODY])
        assert connection.get(name).status == 200
        set_policy(host, [EVERYBODY], "--container locked --no-enabled")
        assert connection.get(name).status == 403
        host.check_output("skerry policy delete --container locked")
        assert connection.get(name).status == 200
    assert host.check_output("pidof haproxy") == workers


def test_a_token_is_shown_once_and_revoked_by_leaving_it_out(
    host: Host, blog: dict[str, Any], door: Door
) -> None:
    ci = {"name": "ci", "tokens": [{"name": "deploy"}, {"name": "watch"}], "sources": ["header:x-key"]}
    made = set_policy(host, [ci])["once"]
    assert made.keys() == {"ci/deploy", "ci/watch"}
    again = set_policy(host, [ci])
    assert (again["changed"], "once" in again) == (False, False)
    header = [("x-key", made["ci/deploy"])]
    assert door.get(name_of(blog), headers=header).status == 200
    set_policy(host, [ci | {"tokens": [{"name": "watch"}]}])
    assert door.get(name_of(blog), headers=header).status == 401


def test_no_secret_is_in_answers_logs_journal_or_store(host: Host, blog: dict[str, Any], door: Door) -> None:
    secret = "jwt secret of more than thirty-two characters"
    made = set_policy(
        host, [STAFF, {"name": "ci", "tokens": [{"name": "t"}]}, {"name": "team", "jwt": {"secret": secret}}]
    )
    words = (PASSWORD, secret, base64.b64encode(secret.encode()).decode().rstrip("="), made["once"]["ci/t"])
    shown = host.check_output(
        "skerry policy info --container locked --json; skerry policy list --json; skerry operations --json"
    )
    logged = host.check_output("journalctl --output=cat --since=-2min")
    stored = host.check_output(
        "cat /var/lib/skerry/state.db /var/lib/skerry/state.db-wal | strings -n 8; cat /var/lib/skerry/pool/specs/*/*"
    )
    for word in words:
        assert word not in shown + logged + stored
    assert host.file("/run/skerry-proxy/policies.map").mode == 0o600


def test_a_projects_policy_holds_for_containers_with_no_own_one(
    host: Host, blog: dict[str, Any], door: Door
) -> None:
    name = name_of(blog)
    set_policy(host, [STAFF], "")
    assert door.get(name).status == 401
    set_policy(host, [EVERYBODY])
    assert door.get(name).status == 200
    host.check_output("skerry policy delete --container locked")
    assert door.get(name).status == 401
    host.check_output("skerry stop locked")
    assert door.get(name).status == 401  # who is not let in does not learn that it does not run
    assert door.get(name, headers=[BASIC]).status == 503
    host.check_output("skerry start locked")


def test_it_outlives_the_proxy_the_engine_and_a_reload(host: Host, blog: dict[str, Any], door: Door) -> None:
    name = name_of(blog)
    set_policy(host, [STAFF])
    for command in ("reload skerry-proxy", "restart skerry-proxy", "restart skerry-engine"):
        host.check_output(f"systemctl {command}")
        assert (door.get(name).status, door.get(name, headers=[BASIC]).status) == (401, 200), command


def test_an_entry_that_cannot_be_read_lets_nobody_in(host: Host, blog: dict[str, Any], door: Door) -> None:
    set_policy(host, [EVERYBODY])
    for value in ("unreadable", f"{blog['id']}.unreadable", f"{blog['id']}.e30"):
        at_the_proxy(host, f'm.set_entry("{MAP}", "{blog["id"]}", "{value}")')
        assert door.get(name_of(blog), headers=[BASIC]).status == 403


def test_a_copy_is_locked_as_what_it_is_copied_of_and_what_is_deleted_leaves_nothing(
    host: Host, blog: dict[str, Any], door: Door
) -> None:
    set_policy(host, [STAFF])
    copied = json.loads(host.check_output("skerry copy locked copied --json"))["after"]
    assert (door.get(name_of(copied)).status, door.get(name_of(copied), headers=[BASIC]).status) == (401, 200)
    host.check_output("skerry policy delete --container locked")
    assert (door.get(name_of(blog)).status, door.get(name_of(copied)).status) == (200, 401)
    host.check_output("skerry delete copied")
    left = at_the_proxy(host, f'print(m.ask(f"@!{{m.workers()[0]}} show map {MAP}"))')
    assert copied["id"] not in left
    assert "copied" not in host.check_output("skerry policy list")


def test_an_alias_is_locked_as_its_container(host: Host, blog: dict[str, Any], door: Door) -> None:
    host.check_output("skerry alias set lockedshop --container locked")
    try:
        set_policy(host, [STAFF])
        assert door.get(f"lockedshop.{DOMAIN}").status == 401
        assert door.get(f"lockedshop.{DOMAIN}", headers=[BASIC]).status == 200
    finally:
        host.check_output("skerry alias delete lockedshop")


def test_explain_names_the_group_and_the_condition(host: Host, blog: dict[str, Any], door: Door) -> None:
    set_policy(host, [{"name": "office", "ip": ["192.0.2.0/24"]}, STAFF])
    ask = f"skerry policy explain {blog['url']} --json --ip"
    inside = json.loads(host.check_output(f"{ask} 192.0.2.7"))
    assert (inside["status"], inside["group"], inside["policy"]) == (200, "office", "default/default/locked")
    outside = json.loads(host.check_output(f"{ask} 198.51.100.7"))
    assert (outside["status"], outside["group"]) == (401, "none")
    reasons = [one["conditions"][-1]["reason"] for one in outside["groups"]]
    assert reasons == ["198.51.100.7 is in none of 192.0.2.0/24", "nothing to go by in header:authorization"]
    known = json.loads(host.check_output(f"{ask} ::1 --header 'Authorization: {BASIC[1]}'"))
    assert (known["status"], known["group"], known["subject"]) == (200, "staff", "ann")
    assert "leads to no container" in host.run("skerry policy explain nothing.example").stderr


def test_the_module_in_four_beats(lab: str, blog: dict[str, Any], door: Door, tmp_path: Path) -> None:
    options = {"container": "locked", "groups": [STAFF, {"name": "office", "ip": ["192.0.2.0/24"]}]}
    absent = {"container": "locked", "state": "absent"}
    beats = [
        dataclasses.replace(one, module="skerry_policy")
        for each in (options, absent)
        for one in four_beats(each)
    ]
    ask = Call({"url": blog["url"], "ip": "192.0.2.1"}, module="skerry_policy_info")
    *first, told = call(lab, tmp_path, *beats[:4], ask)
    assert [one["changed"] for one in first] == [True, True, False, False]
    assert first[0]["stored"] == first[1]["stored"] == [
        "it is on",
        "whom no group is about: deny",
        "group staff: lets through with the password of ann",
        "group office: lets through from 192.0.2.0/24",
    ]  # fmt: skip
    assert (told["explained"]["group"], told["policies"][0]["group_names"]) == ("office", ["staff", "office"])
    assert PASSWORD not in json.dumps([first, told])
    assert [one["changed"] for one in call(lab, tmp_path, *beats[4:])] == [True, True, False, False]


def test_another_realms_container_is_as_absent_as_none(host: Host, blog: dict[str, Any], door: Door) -> None:
    tenants.make(host, "other/default")
    try:
        refused = host.run("echo '[]' | skerry policy set --realm other --container locked --groups -")
        assert "there is no container other/default/locked" in refused.stderr
    finally:
        tenants.delete(host, "other/default")


def test_a_policy_is_live_at_once(host: Host, blog: dict[str, Any], door: Door) -> None:
    times = []
    for number in range(20):
        answer = set_policy(
            host, [STAFF | {"passwords": [{"user": "ann", "password": f"password {number:02}"}]}]
        )
        times.append(sum(answer["timings_ms"][0]))
    print(f"live within {sorted(times)[10]:.1f} ms of the engine's step (median), {max(times):.1f} at most")
    assert sorted(times)[10] <= 30
