"""Published ports on a real host, asked from outside of it: by which ways, for how long."""

import concurrent.futures
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

APP, OTHER = "pub-app", "pub-other"
OUTSIDE = "skerry-outside"  # a network namespace, joined to the host as its provider's network is
HOST4, HOST6, CLIENT4, CLIENT6 = "198.51.100.1", "2001:db8:51::1", "198.51.100.2", "2001:db8:51::2"
JOIN = f"""set -e
ip netns add {OUTSIDE}
ip link add outside0 type veth peer name eth0 netns {OUTSIDE}
ip addr add {HOST4}/24 dev outside0
ip addr add {HOST6}/64 dev outside0 nodad
ip link set outside0 up
ip -n {OUTSIDE} addr add {CLIENT4}/24 dev eth0
ip -n {OUTSIDE} addr add {CLIENT6}/64 dev eth0 nodad
ip -n {OUTSIDE} link set eth0 up
ip -n {OUTSIDE} route add default via {HOST4}
ip -n {OUTSIDE} route add default via {HOST6}
"""


def skerry(host: Host, words: str) -> Any:
    return json.loads(host.check_output(f"skerry {words} --json"))


def create(host: Host, name: str, options: str = "") -> dict[str, Any]:
    command = f"{PYTHON} {shlex.quote(SERVER)}"
    found: dict[str, Any] = json.loads(
        host.check_output(f"skerry create {name} --image=hello --port=5432 {options} --json -- {command}")
    )["after"]
    return found


def outside(program: str, *arguments: str) -> str:
    words = " ".join(map(shlex.quote, arguments))
    return f"ip netns exec {OUTSIDE} {PYTHON} {shlex.quote(program)} {words}"


def said(host: Host, *asked: tuple[str, int, str, int]) -> list[str | None]:
    """What somebody outside is told by each that he asks, or nothing."""
    found: list[str | None] = json.loads(host.check_output(outside(CLIENT, json.dumps(asked))))
    return found


def both(port: int, kind: str = "tcp") -> list[tuple[str, int, str, int]]:
    return [(HOST4, port, kind, 4), (HOST6, port, kind, 6)]


def told(name: str, port: int = 5432) -> list[str | None]:
    """What both families hear where a container answers."""
    return [f"{name}:{port} {CLIENT4}", f"{name}:{port} {CLIENT6}"]


NOTHING: list[str | None] = [None, None]


def refused(host: Host, words: str) -> str:
    done = host.run(f"skerry {words}")
    assert done.rc != 0, done.stdout
    return " ".join(done.stderr.split())


def elements(host: Host) -> int:
    """Elements of the firewall that are of published ports."""
    listed = json.loads(host.check_output("nft --json list table inet skerry"))["nftables"]
    holders = [one.get("set") or one.get("map") or {} for one in listed]
    named = (one for one in holders if one.get("name", "").startswith(("published", "admitted")))
    return sum(len(one.get("elem", [])) for one in named)


@pytest.fixture(scope="module", autouse=True)
def standing_outside(host: Host, hello: str) -> Iterator[None]:
    """Somebody outside is there, and no container of these tests, before and afterwards."""
    part = f"ip link del outside0; ip netns del {OUTSIDE}"
    gone(host)
    host.run(part)
    host.check_output(JOIN)
    tenants.make(host, "rival/default")
    yield
    gone(host)
    tenants.delete(host, "rival/default")
    host.run(part)


def gone(host: Host) -> None:
    for name in (APP, OTHER):
        host.run(f"skerry delete {name}; skerry delete {name} --realm rival")


@pytest.fixture
def app(host: Host) -> dict[str, Any]:
    """A container that publishes its port 5432 by tcp as it is, and its 5433 by udp as 5353."""
    gone(host)
    return create(host, APP, "--publish 5432 --publish 5353:5433/udp")


def test_what_is_declared_passes_and_nothing_else(host: Host, app: dict[str, Any]) -> None:
    assert app["publish"] == ["5432", "5353:5433/udp"]
    assert said(host, *both(5432), *both(5353, "udp")) == told(APP) + told(APP, 5433)
    closed = [*both(5433), *both(5432, "udp"), *both(5353), *both(5433, "udp")]
    assert said(host, *closed) == [None] * 8
    assert said(host, (app["ipv4"], 5432, "tcp", 4), (app["ipv6"], 5432, "tcp", 6)) == NOTHING
    create(host, OTHER)
    near = f"skerry exec {OTHER} -- {PYTHON} {shlex.quote(CLIENT)} {shlex.quote(json.dumps(both(5432)))}"
    assert json.loads(host.check_output(near)) == NOTHING, "a neighbour has `reaches` for that"


def test_it_is_shown(host: Host, app: dict[str, Any]) -> None:
    assert skerry(host, f"info {APP}")["container"]["publish"] == app["publish"]
    [listed] = [one for one in skerry(host, "list")["containers"] if one["name"] == APP]
    assert listed["publish"] == app["publish"]
    assert "5353:5433/udp" in host.check_output(f"skerry info {APP}")


def test_a_change_holds_at_once_for_one_that_runs(host: Host) -> None:
    gone(host)
    create(host, APP)
    began = since(host)
    plan = host.check_output(f"skerry plan update {APP} --publish 5432")
    assert "publish none to 5432" in plan
    assert said(host, *both(5432)) == NOTHING
    for wanted, port, found in (
        ("5432", 5432, 5432),
        ("5432:5433", 5432, 5433),
        ("", 5432, 0),
        ("6432:5432", 6432, 5432),
    ):
        assert skerry(host, f"update {APP} --publish '{wanted}'")["changed"]
        assert not skerry(host, f"update {APP} --publish '{wanted}'")["changed"]
        assert said(host, *both(port)) == (told(APP, found) if found else NOTHING)
    assert said(host, *both(5432)) == NOTHING
    assert since(host) == began, "it was restarted"


def since(host: Host) -> str:
    unit = f"skerry-{skerry(host, f'info {APP}')['container']['id']}.service"
    found: str = host.check_output(f"systemctl show -P MainPID -P ActiveEnterTimestampMonotonic {unit}")
    return found


@pytest.mark.parametrize("target", [HOST4, HOST6])
def test_what_is_open_ends_when_it_is_published_no_more(
    host: Host, lab: str, app: dict[str, Any], target: str
) -> None:
    command = outside(HOLDER, target, "5432")
    with subprocess.Popen(kept_ssh.command(lab, command), stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == "open\n"
        host.check_output(f"skerry update {APP} --publish 5353:5433/udp")
        assert held.stdout.readline() == "ConnectionResetError\n"


def test_it_holds_over_stops_starts_restarts_and_a_restore(host: Host, app: dict[str, Any]) -> None:
    host.check_output(f"skerry restart {APP}")
    assert said(host, *both(5432), *both(5353, "udp")) == told(APP) + told(APP, 5433)
    host.check_output(f"skerry stop {APP}")
    assert said(host, *both(5432)) == NOTHING
    assert elements(host) == 0
    host.check_output(f"skerry start {APP}")
    assert said(host, *both(5432), *both(5353, "udp")) == told(APP) + told(APP, 5433)
    host.check_output(f"skerry snapshot create {APP} first")
    host.check_output(f"skerry update {APP} --publish 6432:5432")
    host.check_output(f"skerry snapshot restore {APP} first --no-keep")
    assert said(host, *both(6432), *both(5432)) == told(APP) + NOTHING, "a snapshot holds files, no options"


def test_another_name_and_a_copy_leave_it_where_it_is(host: Host, app: dict[str, Any]) -> None:
    before = elements(host)
    host.check_output(f"skerry rename {APP} {OTHER}")
    assert said(host, *both(5432), *both(5353, "udp")) == told(APP) + told(APP, 5433), "its program runs on"
    host.check_output(f"skerry copy {OTHER} {APP} --wait running")
    assert said(host, *both(5432), *both(5353, "udp")) == told(APP) + told(APP, 5433)
    assert elements(host) == before > 0, "the copy publishes something"
    host.check_output(f"skerry delete {OTHER}")
    assert said(host, *both(5432), *both(5353, "udp")) == [None] * 4
    host.check_output(f"skerry update {APP} --publish 5432")
    assert said(host, *both(5432)) == told(APP), "the copy may have it then"


def test_its_port_is_free_when_it_is_deleted_and_not_when_it_is_stopped(
    host: Host, app: dict[str, Any]
) -> None:
    host.check_output(f"skerry stop {APP}")
    assert "port 5432/tcp of the host is taken" in refused(
        host, f"create {OTHER} --image hello --publish 5432"
    )
    host.check_output(f"skerry delete {APP}")
    assert said(host, *both(5432), *both(5353, "udp")) == [None] * 4
    create(host, OTHER, "--publish 5432")
    assert said(host, *both(5432)) == told(OTHER)


def test_it_survives_the_engine_and_comes_back_after_the_rules_were_lost(
    host: Host, app: dict[str, Any]
) -> None:
    right = told(APP) + told(APP, 5433)
    for command in ("systemctl restart skerry-engine", "systemctl reload skerry-firewall"):
        host.check_output(command)
        assert said(host, *both(5432), *both(5353, "udp")) == right, command
    host.check_output("nft flush ruleset && systemctl reload skerry-firewall")
    assert said(host, *both(5432)) == NOTHING
    host.check_output("systemctl restart skerry-engine")
    assert said(host, *both(5432), *both(5353, "udp")) == right


def test_two_at_once_want_the_same_port_and_one_gets_it(host: Host, lab: str) -> None:
    gone(host)
    for name in (APP, OTHER):
        create(host, name)
    commands = [kept_ssh.command(lab, f"skerry update {name} --publish 5432 --json") for name in (APP, OTHER)]
    for _ in range(5):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda one: subprocess.run(one, capture_output=True, check=False), commands))
        winners = [one.returncode == 0 for one in done]
        assert sorted(winners) == [False, True], done
        assert b"port 5432/tcp of the host is taken" in done[winners.index(False)].stderr
        winner = (APP, OTHER)[winners.index(True)]
        assert said(host, *both(5432)) == told(winner)
        host.check_output(f"skerry update {winner} --publish ''")
    assert said(host, *both(5432)) == NOTHING


@pytest.fixture(scope="module")
def standing_app(host: Host, standing_outside: None) -> None:
    """One container publishes 5432, another one of another realm 6000."""
    gone(host)
    create(host, APP, "--publish 5432")
    create(host, OTHER, "--realm rival --publish 6000")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("22", "port 22 is the host's own: ssh, the proxy and the unlocking have"),
        ("22:5432/udp", "port 22 is the host's own"),
        ("80", "port 80 is the host's own"),
        ("443:5432", "port 443 is the host's own"),
        ("2222", "port 2222 is the host's own"),
        ("1023", "this host lets containers publish the ports 1024-65535, and not 1023"),
        ("6000:5432", "port 6000/tcp of the host is taken. Choose another one, such as 6001:5432"),
        ("7777:5432", "a program of the host itself listens at port 7777/tcp"),
        ("8025:99999", "must be HOSTPORT[:PORT][/PROTOCOL], such as 5432, 8025:25 or 5353:53/udp"),
        ("127.0.0.1:8025:25", "must be HOSTPORT[:PORT][/PROTOCOL]"),
        ("8025:25/sctp", "must be HOSTPORT[:PORT][/PROTOCOL]"),
        ("8025 --publish 8025:25", "port 8025/tcp of the host is there twice"),
        ("6767:67/udp", "leads to a DHCP server"),
    ],
)
def test_what_can_not_be_published_is_refused(
    host: Host, standing_app: None, busy_port: None, entry: str, expected: str
) -> None:
    error = refused(host, f"update {APP} --publish {entry}")
    assert expected in error
    assert "rival" not in error
    assert OTHER not in error
    assert skerry(host, f"info {APP}")["container"]["publish"] == ["5432"]


@pytest.fixture(scope="module")
def busy_port(host: Host) -> Iterator[None]:
    """A program of the host listens at 7777."""
    program = "import socket, time; one = socket.create_server(('0.0.0.0', 7777)); time.sleep(3600)"
    host.check_output(f"systemd-run --unit=skerry-test-busy {PYTHON} {shlex.quote(program)}")
    for _ in range(100):
        if host.run("ss -Hlnt sport = 7777").stdout:
            break
        time.sleep(0.1)
    yield
    host.check_output("systemctl stop skerry-test-busy")


def test_the_module_asks_for_it_in_four_beats(
    lab: str, host: Host, standing_app: None, tmp_path: Path
) -> None:
    wanted: list[list[Any]] = [[5432, "8025:5433/tcp", "5353:5433/udp"], []]
    answers = call(
        lab, tmp_path, *(beat for one in wanted for beat in four_beats({"name": APP, "publish": one}))
    )
    for number, _ in enumerate(wanted):
        assert [one["changed"] for one in answers[4 * number : 4 * number + 4]] == [True, True, False, False]
    assert answers[1]["container"]["publish"] == ["5432", "8025:5433", "5353:5433/udp"]
    assert answers[5]["container"]["publish"] == []
    assert not any(one["restart_required"] for one in answers)
    refused_ = call(lab, tmp_path, Call({"name": APP, "publish": ["22"]}))[0]
    assert "port 22 is the host's own" in refused_["msg"]


def test_nothing_is_left_over(host: Host, on_host: Any) -> None:
    gone(host)
    assert elements(host) == 0
    deadline = time.monotonic() + 60
    while (done := on_host("leftovers.py")).rc:
        assert time.monotonic() < deadline, done.stdout
