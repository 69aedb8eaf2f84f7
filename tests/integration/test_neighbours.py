"""Containers that may talk to one another, on a real host: by which ways, by which names, for how long."""

import json
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration import kept_ssh, tenants
from tests.integration.modules import Call, call, four_beats
from tests.integration.talk import CLIENT, HOLDER, PYTHON, SERVER

DATABASE, APP, OTHER = "near-database", "near-app", "near-other"


def skerry(host: Host, words: str) -> Any:
    return json.loads(host.check_output(f"skerry {words} --json"))


def create(host: Host, name: str, options: str = "", *, project: str = "default") -> dict[str, Any]:
    command = f"{PYTHON} {shlex.quote(SERVER)}"
    words = f"create {name} --image=hello --project={project} --port=5432 {options} --json -- {command}"
    found: dict[str, Any] = json.loads(host.check_output(f"skerry {words}"))["after"]
    return found


def inside(host: Host, name: str, program: str, *arguments: str) -> str:
    words = " ".join(map(shlex.quote, arguments))
    return host.check_output(f"skerry exec {name} -- {PYTHON} {shlex.quote(program)} {words}")


def said(host: Host, name: str, *asked: tuple[str, int, str, int]) -> list[str | None]:
    """What a container is told by each that it asks: its own address, or nothing."""
    found: list[str | None] = json.loads(inside(host, name, CLIENT, json.dumps(asked)))
    return [one and one.split()[1] for one in found]


def both(target: str, port: int = 5432, kind: str = "tcp") -> list[tuple[str, int, str, int]]:
    return [(target, port, kind, family) for family in (4, 6)]


def hosts_file(host: Host, name: str) -> str:
    return host.check_output(f"skerry get {name} /etc/hosts")


def refused(host: Host, words: str) -> str:
    done = host.run(f"skerry {words}")
    assert done.rc != 0, done.stdout
    return " ".join(done.stderr.split())


@pytest.fixture(scope="module", autouse=True)
def nothing_left(host: Host, hello: str) -> Iterator[None]:
    """No container of these tests is there, before and afterwards."""
    gone(host)
    tenants.make(host, "default/near")
    yield
    gone(host)
    tenants.delete(host, "default/near")


def gone(host: Host) -> None:
    for name in (APP, OTHER, DATABASE):
        host.run(f"skerry delete {name}; skerry delete {name} --project=near")


@pytest.fixture
def database(host: Host) -> dict[str, Any]:
    """A database, nobody who may reach it; whoever was here before is gone."""
    gone(host)
    return create(host, DATABASE)


@pytest.fixture
def app(host: Host, database: dict[str, Any]) -> dict[str, Any]:
    """An app that may reach the database by tcp at 5432 and by udp at 5433."""
    return create(host, APP, f"--reach {DATABASE}:5432 --reach {DATABASE}:5433/udp")


def test_what_is_declared_passes_by_name_and_nothing_else(
    host: Host, database: dict[str, Any], app: dict[str, Any]
) -> None:
    other = create(host, OTHER)
    own = [app["ipv4"], app["ipv6"]]
    assert said(host, APP, *both(DATABASE), *both(DATABASE, 5433, "udp")) == own * 2
    assert said(host, APP, *both(DATABASE, 5433), *both(DATABASE, 5432, "udp")) == [None] * 4
    addresses = [(database["ipv4"], 5432, "tcp", 4), (database["ipv6"], 5432, "tcp", 6)]
    assert said(host, APP, *addresses) == own
    assert said(host, OTHER, *addresses) == [None, None]
    back = [
        (one[key], 5432, "tcp", family) for one in (app, other) for key, family in (("ipv4", 4), ("ipv6", 6))
    ]
    assert said(host, DATABASE, *back) == [None] * 4


def test_a_name_is_in_the_hosts_file_of_who_may_reach_it_alone(
    host: Host, database: dict[str, Any], app: dict[str, Any]
) -> None:
    create(host, OTHER)
    lines = [f"{database['ipv4']}\t{DATABASE}", f"{database['ipv6']}\t{DATABASE}"]
    assert hosts_file(host, APP).splitlines()[-2:] == lines
    assert f"{app['ipv4']}\t{APP}" in hosts_file(host, APP)
    assert DATABASE not in hosts_file(host, OTHER)
    assert said(host, OTHER, *both(DATABASE)) == [None, None]


def test_a_change_holds_at_once_for_those_that_run(host: Host, database: dict[str, Any]) -> None:
    app = create(host, APP)
    own, began = [app["ipv4"], app["ipv6"]], since(host, APP)
    plan = host.check_output(f"skerry plan update {APP} --reach {DATABASE}:5432")
    assert f"firewall entry from {APP} to {DATABASE}:5432" in plan
    assert f"name {DATABASE} in /etc/hosts of {APP}" in plan
    assert said(host, APP, *both(DATABASE)) == [None, None]
    for wanted, found in (([f"{DATABASE}:5432"], own), ([], [None, None]), ([f"{DATABASE}:5432"], own)):
        options = " ".join(f"--reach {one}" for one in wanted) or "--reach ''"
        assert skerry(host, f"update {APP} {options}")["changed"]
        assert not skerry(host, f"update {APP} {options}")["changed"]
        assert said(host, APP, *both(DATABASE)) == found
        assert (DATABASE in hosts_file(host, APP)) == bool(wanted)
    assert since(host, APP) == began, "it was restarted"


def since(host: Host, name: str) -> str:
    unit = f"skerry-{skerry(host, f'info {name}')['container']['id']}.service"
    return host.check_output(f"systemctl show -P MainPID -P ActiveEnterTimestampMonotonic {unit}")


def test_what_is_open_ends_when_it_may_not_be_any_more(
    host: Host,
    lab: str,
    database: dict[str, Any],
    app: dict[str, Any],
) -> None:
    command = f"skerry exec {APP} -- {PYTHON} {shlex.quote(HOLDER)} {DATABASE} 5432"
    with subprocess.Popen(kept_ssh.command(lab, command), stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == "open\n"
        host.check_output(f"skerry update {APP} --reach {DATABASE}:5433/udp")
        assert held.stdout.readline() == "ConnectionResetError\n"


def test_it_holds_over_stops_starts_and_restarts_of_either(
    host: Host,
    database: dict[str, Any],
    app: dict[str, Any],
) -> None:
    own = [app["ipv4"], app["ipv6"]]
    for verb in (f"restart {APP}", f"restart {DATABASE}"):
        host.check_output(f"skerry {verb}")
        assert said(host, APP, *both(DATABASE)) == own, verb
    host.check_output(f"skerry stop {DATABASE}")
    assert said(host, APP, *both(DATABASE)) == [None, None]
    assert reach_entries(host) == 0
    host.check_output(f"skerry start {DATABASE}")
    assert said(host, APP, *both(DATABASE)) == own
    host.check_output(f"skerry stop {APP}")
    assert reach_entries(host) == 0
    host.check_output(f"skerry start {APP}")
    assert said(host, APP, *both(DATABASE)) == own


def test_it_holds_over_other_names_copies_and_restores(
    host: Host, database: dict[str, Any], app: dict[str, Any]
) -> None:
    own = [app["ipv4"], app["ipv6"]]
    host.check_output(f"skerry snapshot create {APP} first")
    host.check_output(f"skerry rename {DATABASE} {OTHER}")
    assert said(host, APP, *both(OTHER), *both(OTHER, 5433, "udp")) == own * 2
    assert said(host, APP, *both(OTHER, 5433), *both(DATABASE)) == [None] * 4
    for name in (APP, OTHER):
        host.check_output(
            f"skerry snapshot create {name} second && skerry snapshot restore {name} second --no-keep"
        )
        assert said(host, APP, *both(OTHER)) == own, name
    host.check_output(f"skerry copy {OTHER} {DATABASE} --wait running")
    assert said(host, APP, *both(DATABASE)) == [None] * 2, "the copy of what is reached is not"
    host.check_output(f"skerry delete {DATABASE}")
    copied = skerry(host, f"copy {APP} {DATABASE} --wait running")["after"]
    assert (
        said(host, DATABASE, *both(OTHER), *both(OTHER, 5433, "udp")) == [copied["ipv4"], copied["ipv6"]] * 2
    )
    assert said(host, DATABASE, *both(OTHER, 5433)) == [None] * 2
    assert said(host, APP, *both(OTHER)) == own
    host.check_output(f"skerry delete {APP}")
    assert said(host, DATABASE, *both(OTHER)) == [copied["ipv4"], copied["ipv6"]]
    host.check_output(f"skerry update {DATABASE} --reach ''")
    assert (said(host, DATABASE, *both(OTHER)), reach_entries(host)) == ([None] * 2, 0)


def reach_entries(host: Host) -> int:
    """Elements of the firewall that are of two containers."""
    found = 0
    for name in ("reaches4", "reaches6"):
        listed = json.loads(host.check_output(f"nft --json list set inet skerry {name}"))["nftables"]
        found += sum(len(one["set"].get("elem", [])) for one in listed if "set" in one)
    return found


def test_a_new_container_of_the_name_is_reached_and_the_old_address_is_not(
    host: Host, database: dict[str, Any], app: dict[str, Any]
) -> None:
    host.check_output(f"skerry delete {DATABASE}")
    assert DATABASE not in hosts_file(host, APP)
    assert reach_entries(host) == 0
    fresh = create(host, DATABASE)
    assert fresh["ipv4"] != database["ipv4"]
    assert said(host, APP, *both(DATABASE)) == [app["ipv4"], app["ipv6"]]
    assert database["ipv4"] not in hosts_file(host, APP)


def test_it_survives_the_engine_and_comes_back_after_the_rules_were_lost(
    host: Host,
    database: dict[str, Any],
    app: dict[str, Any],
) -> None:
    own = [app["ipv4"], app["ipv6"]]
    host.check_output("systemctl restart skerry-engine")
    assert said(host, APP, *both(DATABASE)) == own
    host.check_output("systemctl reload skerry-firewall")
    assert said(host, APP, *both(DATABASE)) == own
    host.check_output("nft flush ruleset && systemctl reload skerry-firewall")
    assert said(host, APP, *both(DATABASE)) == [None, None]
    host.check_output("systemctl restart skerry-engine")
    assert said(host, APP, *both(DATABASE), *both(DATABASE, 5433, "udp")) == own * 2


def test_two_may_reach_each_other(host: Host, database: dict[str, Any], app: dict[str, Any]) -> None:
    host.check_output(f"skerry update {DATABASE} --reach {APP}:5432")
    assert said(host, APP, *both(DATABASE)) == [app["ipv4"], app["ipv6"]]
    assert said(host, DATABASE, *both(APP)) == [database["ipv4"], database["ipv6"]]


def test_one_of_another_project_is_reached_with_its_consent_alone(
    host: Host,
    database: dict[str, Any],
    app: dict[str, Any],
) -> None:
    create(host, DATABASE, project="near")
    wants = f"update {APP} --reach near/{DATABASE}:5432"
    assert f"no container near/{DATABASE} in realm default that lets default/{APP} in" in refused(host, wants)
    host.check_output(f"skerry update {DATABASE} --project near --reachable-from default/{APP}")
    host.check_output(f"skerry {wants}")
    name = f"{DATABASE}.near.internal"
    assert said(host, APP, *both(name)) == [app["ipv4"], app["ipv6"]]
    assert said(host, APP, *both(DATABASE)) == [None, None]
    host.check_output(f"skerry update {DATABASE} --project near --reachable-from ''")
    assert said(host, APP, *both(name)) == [None, None]
    assert name not in hosts_file(host, APP)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "near-databases:5432",
            f"there is no container 'near-databases' in its project. Did you mean {DATABASE}?",
        ),
        (f"{APP}:5432", "is the container itself"),
        ("localhost:5432", "means the container itself in every /etc/hosts"),
        ("ip6-localhost:5432", "means the container itself in every /etc/hosts"),
        (f"other/near/{DATABASE}:5432", "must be NAME:PORT"),
        (f"near/{DATABASE}:5432", "that lets default/near-app in"),
        ("example.org:443", "must be NAME:PORT"),
        (DATABASE, "must be NAME:PORT, such as database:5432"),
        (f"{DATABASE}:70000", "must be NAME:PORT"),
    ],
)
def test_what_can_not_be_reached_is_refused(
    host: Host, standing_app: None, entry: str, expected: str
) -> None:
    assert expected in refused(host, f"update {APP} --reach {entry}")


@pytest.fixture(scope="module")
def standing_app(host: Host, nothing_left: None) -> None:
    """The app and the database are there, whatever a test before did."""
    gone(host)
    create(host, DATABASE)
    create(host, APP, f"--reach {DATABASE}:5432")


def test_the_module_asks_for_it_in_four_beats(
    lab: str, host: Host, standing_app: None, tmp_path: Path
) -> None:
    wanted: list[list[str]] = [[f"{DATABASE}:5432/tcp", f"{DATABASE}:5433/udp"], []]
    answers = call(
        lab, tmp_path, *(beat for one in wanted for beat in four_beats({"name": APP, "reaches": one}))
    )
    for number, _ in enumerate(wanted):
        assert [one["changed"] for one in answers[4 * number : 4 * number + 4]] == [True, True, False, False]
    assert answers[1]["container"]["reaches"] == [f"{DATABASE}:5432", f"{DATABASE}:5433/udp"]
    assert answers[5]["container"]["reaches"] == []
    assert not any(one["restart_required"] for one in answers)
    refused_ = call(lab, tmp_path, Call({"name": APP, "reaches": ["nobody:1"]}))[0]
    assert "there is no container 'nobody'" in refused_["msg"]


def test_nothing_is_left_over(host: Host, on_host: Any) -> None:
    gone(host)
    assert reach_entries(host) == 0
    deadline = time.monotonic() + 60
    while (done := on_host("leftovers.py")).rc:
        assert time.monotonic() < deadline, done.stdout
