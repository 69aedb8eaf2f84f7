"""Ports at which the proxy ends TLS for what is not HTTP: real clients outside, real programs in containers.

The suite's site.yml says proxy_tls_ports: [8883, 6697].
"""

import contextlib
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
from tests.integration.playbooks import play
from tests.integration.talk import PYTHON
from tests.integration.tls_talk import CLIENT, HOLDER, SERVER

APP, OTHER, ALIAS = "tls-app", "tls-other", "tls-shop"
PORT, HEADER_PORT, DOMAIN = 8883, 6697, "skerry.localhost"
OUTSIDE = "skerry-tls"  # a network namespace, joined to the host as its provider's network is
HOST4, HOST6, CLIENT4, CLIENT6 = "198.51.100.1", "2001:db8:51::1", "198.51.100.2", "2001:db8:51::2"
JOIN = f"""set -e
ip netns add {OUTSIDE}
ip link add tls0 type veth peer name eth0 netns {OUTSIDE}
ip addr add {HOST4}/24 dev tls0
ip addr add {HOST6}/64 dev tls0 nodad
ip link set tls0 up
ip -n {OUTSIDE} addr add {CLIENT4}/24 dev eth0
ip -n {OUTSIDE} addr add {CLIENT6}/64 dev eth0 nodad
ip -n {OUTSIDE} link set eth0 up
ip -n {OUTSIDE} route add default via {HOST4}
ip -n {OUTSIDE} route add default via {HOST6}
"""
PUBLISH = f"--publish {PORT}:5433/tls --publish {HEADER_PORT}:5434/tls+proxy"
CLOSED = {"closed": True, "slow": False}
Asked = tuple[str, int, str | None, list[str]]


def skerry(host: Host, words: str) -> Any:
    return json.loads(host.check_output(f"skerry {words} --json"))


def create(host: Host, name: str, options: str = PUBLISH) -> dict[str, Any]:
    command = f"{PYTHON} {shlex.quote(SERVER)}"
    found: dict[str, Any] = json.loads(
        host.check_output(f"skerry create {name} --image=hello --port=5432 {options} --json -- {command}")
    )["after"]
    return found


def outside(program: str, *arguments: str) -> str:
    words = " ".join(map(shlex.quote, arguments))
    return f"ip netns exec {OUTSIDE} /usr/bin/python3 -I -c {shlex.quote(program)} {words}"


def said(host: Host, *asked: Asked) -> list[dict[str, Any]]:
    """What each client outside was told, or how it ended."""
    found: list[dict[str, Any]] = json.loads(host.check_output(outside(CLIENT, json.dumps(asked))))
    return found


def both(name: str | None, port: int = PORT) -> list[Asked]:
    return [(HOST4, port, name, []), (HOST6, port, name, [])]


def told(host: Host, name: str | None, port: int = PORT) -> list[Any]:
    """Which container answers by IPv4 and IPv6, or how that ended."""
    return [one.get("name", one) for one in said(host, *both(name, port))]


def host_name(url: str) -> str:
    return url.removeprefix("https://").split("/")[0].split(":")[0]


def name_of(container: dict[str, Any]) -> str:
    return host_name(container["url"])


def refused(host: Host, words: str) -> str:
    done = host.run(f"skerry {words}")
    assert done.rc != 0, done.stdout
    return " ".join(done.stderr.split())


def workers(host: Host) -> str:
    found: str = host.check_output("pgrep --parent $(systemctl show -P MainPID skerry-proxy)")
    return found


def gone(host: Host) -> None:
    for name in (ALIAS, f"{ALIAS}-2"):
        host.run(f"skerry alias delete {name}")
    for name in (APP, OTHER, f"{APP}-copy"):
        host.run(f"skerry delete {name}; skerry delete {name} --realm rival")


@pytest.fixture(scope="module", autouse=True)
def standing_outside(host: Host, hello: str) -> Iterator[None]:
    """Somebody outside is there, and no container of these tests, before and afterwards."""
    part = f"ip link del tls0; ip netns del {OUTSIDE}"
    gone(host)
    host.run(part)
    host.check_output(JOIN)
    tenants.make(host, "rival/default")
    yield
    gone(host)
    tenants.delete(host, "rival/default")
    host.run(part)


@pytest.fixture
def app(host: Host) -> dict[str, Any]:
    """A container that is reached at both ports."""
    gone(host)
    return create(host, APP)


@contextlib.contextmanager
def holding(lab: str, target: str, name: str, port: int = PORT) -> Iterator[Any]:
    """A connection that is open, and tells by a line how it ends."""
    command = kept_ssh.command(lab, outside(HOLDER, target, str(port), name))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        assert '"name"' in held.stdout.readline()
        yield held.stdout


def test_the_name_picks_the_container_at_one_port(host: Host, app: dict[str, Any]) -> None:
    other = create(host, OTHER, f"--realm rival --publish {PORT}:5432/tls")
    assert app["publish"] == [f"{PORT}:5433/tls", f"{HEADER_PORT}:5434/tls+proxy"]
    assert app["tls"] == [f"{name_of(app)}:{HEADER_PORT}", f"{name_of(app)}:{PORT}"]
    answers = said(host, *both(name_of(app)), *both(name_of(other)), *both(name_of(app).upper()))
    assert [(one["name"], one["port"], one["echo"]) for one in answers] == [
        *[(APP, 5433, "echo\n")] * 2,
        *[(OTHER, 5432, "echo\n")] * 2,
        *[(APP, 5433, "echo\n")] * 2,
    ]
    assert {one["peer"] for one in answers} == {"10.90.0.1"}, "the proxy asks, by IPv4"


def test_a_header_tells_the_program_who_asks(host: Host, app: dict[str, Any]) -> None:
    answers = said(host, *both(name_of(app), HEADER_PORT))
    assert [one["header"]["source"].removeprefix("::ffff:") for one in answers] == [CLIENT4, CLIENT6]
    for one in answers:
        assert one["header"]["signature"] == b"\r\n\r\n\0\r\nQUIT\n\x21".hex(), "version 2, of a connection"
        assert (one["header"]["authority"], one["header"]["by_tls"]) == (name_of(app), True)
        assert one["peer"] == "10.90.0.1"
        assert one["echo"] == "echo\n"


def test_what_leads_nowhere_is_closed_at_once_and_all_alike(host: Host, app: dict[str, Any]) -> None:
    """No handshake for a name of no container's, and not a byte for one that is not, or not any more."""
    other = create(host, OTHER, "--service db:5433")  # with a service of HTTP, and no port by TLS
    create(host, f"{APP}-copy")
    deleted = name_of(skerry(host, f"info {APP}-copy")["container"])
    host.check_output(f"skerry delete {APP}-copy")
    host.check_output(f"skerry stop {APP}")
    never = f"{'0' * 24}-{'1' * 24}.{DOMAIN}"
    for name in (
        name_of(other),
        host_name(other["urls"][1]),
        name_of(app),
        deleted,
        never,
        f"nobody.{DOMAIN}",
    ):
        assert told(host, name) == [CLOSED] * 2, name
    host.check_output(f"skerry start {APP}")
    assert told(host, name_of(app)) == [APP] * 2
    for foreign in (None, "example.org", f"a.b.{DOMAIN}"):
        assert all("refused" in one and not one["slow"] for one in said(host, *both(foreign))), foreign


def test_what_is_no_tls_is_closed(host: Host, app: dict[str, Any]) -> None:
    program = (
        "import socket, sys; one = socket.create_connection((sys.argv[1], 8883), 5); "
        "one.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n'); one.settimeout(5); print(one.recv(100))"
    )
    assert host.run(outside(program, HOST4)).stdout.strip() in {"b''", ""}


def test_postgresql_s_clients_find_their_protocol_named(host: Host, app: dict[str, Any]) -> None:
    name = name_of(app)
    answers = said(host, (HOST4, PORT, name, ["postgresql"]), (HOST6, PORT, name, ["mqtt"]))
    assert [(one["name"], one["alpn"]) for one in answers] == [(APP, "postgresql"), (APP, None)]


def test_no_other_way_opens(host: Host, app: dict[str, Any]) -> None:
    """Neither the container's own address, nor the host's by a neighbour, nor the port as it is."""
    create(host, OTHER, "")
    program = """
import json, socket, sys
found = []
for target, port in json.loads(sys.argv[1]):
    try:
        socket.create_connection((target, port), 2).close()
        found.append(True)
    except OSError:
        found.append(False)
print(json.dumps(found))
"""
    own = [(app[family], port) for family in ("ipv4", "ipv6") for port in (5433, 5434, PORT)]
    bare = [(target, port) for target in (HOST4, HOST6) for port in (5433, 5434)]
    assert not any(json.loads(host.check_output(outside(program, json.dumps(own + bare)))))
    near = [*own, *((target, PORT) for target in (HOST4, HOST6, "10.90.0.1"))]
    inside = f"skerry exec {OTHER} -- {PYTHON} {shlex.quote(program)} {shlex.quote(json.dumps(near))}"
    assert not any(json.loads(host.check_output(inside)))


@pytest.mark.parametrize("verb", ["delete", "stop", "update"])
@pytest.mark.parametrize("target", [HOST4, HOST6])
def test_what_is_open_ends_with_the_way_and_nobody_else_s(
    host: Host, lab: str, app: dict[str, Any], verb: str, target: str
) -> None:
    other = create(host, OTHER)
    with holding(lab, target, name_of(app)) as held, holding(lab, target, name_of(other)) as theirs:
        options = f"--publish {HEADER_PORT}:5434/tls+proxy" if verb == "update" else ""
        host.check_output(f"skerry {verb} {APP} {options}")
        assert held.readline() == "ended\n"
        assert told(host, name_of(app)) == [CLOSED] * 2
        assert told(host, name_of(other)) == [OTHER] * 2
        host.check_output(f"skerry delete {OTHER}")
        assert theirs.readline() == "ended\n"


def test_a_frozen_one_goes_on_where_it_was(host: Host, lab: str, app: dict[str, Any]) -> None:
    """As with a WebSocket: what is open waits, and nothing new comes."""
    program = HOLDER.replace(
        "one.settimeout(60)", "sys.stdin.readline(); one.sendall(b'?'); one.settimeout(20)"
    )
    command = kept_ssh.command(lab, outside(program, HOST4, str(PORT), name_of(app)))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        assert '"name"' in held.stdout.readline()
        host.check_output(f"skerry freeze {APP}")
        assert told(host, name_of(app)) == [CLOSED] * 2
        host.check_output(f"skerry thaw {APP}")
        assert held.communicate("\n")[0] == "heard\n"
    assert told(host, name_of(app)) == [APP] * 2


def test_an_alias_leads_there_and_is_switched(host: Host, lab: str, app: dict[str, Any]) -> None:
    other, name = create(host, OTHER), f"{ALIAS}.{DOMAIN}"
    host.check_output(f"skerry alias set {ALIAS} --container {APP}")
    assert told(host, name) == [APP] * 2
    [header, _] = said(host, *both(name, HEADER_PORT))
    assert header["header"]["authority"] == name
    assert f"{name}:{PORT}" in skerry(host, f"info {APP}")["container"]["tls"]
    with holding(lab, HOST4, name) as by_name, holding(lab, HOST4, name_of(app)) as by_id:
        host.check_output(f"skerry alias set {ALIAS} --container {OTHER}")
        assert told(host, name) == [OTHER] * 2
        with holding(lab, HOST6, name, HEADER_PORT) as new:
            [step] = skerry(host, f"alias drain {ALIAS} --within 0")["plans"][0]["steps"]
            assert step.startswith(f"drain 1 connections through {name}")
            assert by_name.readline() == "ended\n"
            assert told(host, name_of(app)) == [APP] * 2
            host.check_output(f"skerry alias delete {ALIAS}")
            assert new.readline() == "ended\n"
        assert told(host, name) == [CLOSED] * 2
        host.check_output(f"skerry delete {APP}")
        assert by_id.readline() == "ended\n"
    assert told(host, name_of(other)) == [OTHER] * 2


def test_a_change_holds_at_once_without_a_restart_or_a_reload(host: Host) -> None:
    gone(host)
    app = create(host, APP, "")
    name, unit = name_of(app), f"skerry-{app['id']}.service"
    began = host.check_output(f"systemctl show -P MainPID {unit}"), workers(host)
    plan = host.check_output(f"skerry plan update {APP} --publish {PORT}:5433/tls")
    assert f"make route {name}:{PORT} to {app['ipv4']}:5433" in plan
    assert f"publish none to {PORT}:5433/tls" in plan
    assert told(host, name) == [CLOSED] * 2
    for port in (5433, 5432, None, 5433):
        wanted = f"{PORT}:{port}/tls" if port else ""
        assert skerry(host, f"update {APP} --publish '{wanted}'")["changed"]
        assert not skerry(host, f"update {APP} --publish '{wanted}'")["changed"]
        assert [one.get("port") for one in said(host, *both(name))] == [port] * 2, wanted
    assert began == (host.check_output(f"systemctl show -P MainPID {unit}"), workers(host))


def test_it_holds_over_whatever_is_started_again(host: Host, app: dict[str, Any]) -> None:
    name = name_of(app)
    for command in (
        "systemctl restart skerry-engine",
        "systemctl reload skerry-proxy",
        "systemctl restart skerry-proxy",
        "systemctl reload skerry-firewall",
        "nft flush ruleset && systemctl reload skerry-firewall && systemctl restart skerry-engine",
        f"skerry restart {APP}",
        f"skerry stop {APP} && skerry start {APP}",
        f"skerry snapshot create {APP} first && skerry snapshot restore {APP} first --no-keep",
    ):
        host.check_output(command)
        assert told(host, name) == [APP] * 2, command
        assert [one.get("name") for one in said(host, *both(name, HEADER_PORT))] == [APP] * 2, command


def test_a_copy_is_reached_by_its_own_name(host: Host, app: dict[str, Any]) -> None:
    copied = skerry(host, f"copy {APP} {APP}-copy")["after"]
    assert copied["publish"] == app["publish"]
    assert told(host, name_of(copied)) == [f"{APP}-copy"] * 2
    assert told(host, name_of(app)) == [APP] * 2
    renamed = skerry(host, f"rename {APP}-copy {OTHER}")["after"]
    assert renamed["tls"] == copied["tls"]
    host.check_output(f"skerry restart {OTHER}")
    assert told(host, name_of(copied)) == [OTHER] * 2


def test_a_program_that_does_not_listen_is_named_in_the_log(host: Host, app: dict[str, Any]) -> None:
    host.check_output(f"skerry update {APP} --publish {PORT}:5999/tls")
    assert told(host, name_of(app)) == [CLOSED] * 2
    log = host.check_output("journalctl -u skerry-proxy -n 5 -o cat")
    assert f"{name_of(app)}:{PORT}: {CLIENT4} to port 5999 of the container" in log


def test_an_engine_that_is_killed_leaves_nothing_half_open(
    host: Host, lab: str, app: dict[str, Any], on_host: Any
) -> None:
    """Between any two steps: what the store says afterwards is what the proxy does."""
    name = name_of(app)
    for number in range(12):
        wanted = "" if number % 2 else f"{PORT}:5433/tls"
        command = kept_ssh.command(lab, f"skerry update {APP} --publish '{wanted}'")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            time.sleep(0.12 + 0.03 * number)
            host.check_output("systemctl kill --signal=KILL --kill-whom=main skerry-engine")
        host.run("systemctl reset-failed skerry-engine; systemctl start skerry-engine")
        found = skerry(host, f"info {APP}")["container"]
        open_ = found["publish"] == [f"{PORT}:5433/tls"]
        kept = [one.get("name") for one in said(host, *both(name))]
        assert kept == ([APP] * 2 if open_ or found["publish"] == app["publish"] else [None] * 2), number
        settled(on_host)


def settled(on_host: Any) -> None:
    deadline = time.monotonic() + 60
    while (done := on_host("leftovers.py")).rc:
        assert time.monotonic() < deadline, done.stdout


@pytest.fixture(scope="module")
def standing_app(host: Host, standing_outside: None) -> None:
    """One container is reached by TLS."""
    gone(host)
    create(host, APP, f"--publish {PORT}:5433/tls")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("5432/tls", "the proxy of this host ends TLS at the ports 6697, 8883, and not at 5432"),
        (
            "443/tls",
            "the proxy of this host ends TLS at the ports 6697, 8883, and not at 443. Add 443 to proxy_tls_ports",
        ),
        ("8883", "port 8883 is the proxy's, which ends TLS there. Say 8883/tls to be reached there by name"),
        ("8883:5433", "Say 8883:5433/tls to be reached there by name. Choose another one, such as 8884:5433"),
        ("8025:25/tcp+proxy", "leave '+proxy' out"),
        ("8025:25/udp+proxy", "leave '+proxy' out"),
        ("8883/tls+proxy1", "PROTOCOL is tcp, udp, tls or tls+proxy"),
        ("8883/TLS", "PROTOCOL is tcp, udp, tls or tls+proxy"),
        ("8883+proxy", "PROTOCOL is tcp, udp, tls or tls+proxy"),
        ("8883/tls --publish 8883:1/tls+proxy", "port 8883/tls of the host is there twice"),
    ],
)
def test_what_can_not_be_is_refused(host: Host, standing_app: None, entry: str, expected: str) -> None:
    assert expected in refused(host, f"update {APP} --publish {entry}")
    assert skerry(host, f"info {APP}")["container"]["publish"] == [f"{PORT}:5433/tls"]


def test_by_udp_the_same_port_is_free(host: Host, standing_app: None) -> None:
    host.check_output(f"skerry update {APP} --publish {PORT}:5433/tls --publish {PORT}:5433/udp")
    host.check_output(f"skerry update {APP} --publish {PORT}:5433/tls")


def test_the_module_asks_for_it_in_four_beats(
    lab: str, host: Host, standing_app: None, tmp_path: Path
) -> None:
    wanted: list[list[Any]] = [[f"{PORT}:5432/tls", f"{HEADER_PORT}:5434/tls+proxy"], []]
    answers = call(
        lab, tmp_path, *(beat for one in wanted for beat in four_beats({"name": APP, "publish": one}))
    )
    for number, _ in enumerate(wanted):
        assert [one["changed"] for one in answers[4 * number : 4 * number + 4]] == [True, True, False, False]
        assert answers[4 * number]["steps"] == answers[4 * number + 1]["steps"]
    assert answers[1]["container"]["publish"] == wanted[0]
    assert not any(one["restart_required"] for one in answers)
    wrong = call(lab, tmp_path, Call({"name": APP, "publish": ["5432/tls"]}))[0]
    assert "proxy_tls_ports" in wrong["msg"]


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        (
            [443],
            "proxy_tls_ports: 443 can't be. Give ports from 1 to 65535, other ones than those of the URLs (443, 80)",
        ),
        ([8883, 70000, 0], "proxy_tls_ports: 70000, 0 can't be"),
        ([8883, 22], "another program of the host listens at 22. Stop it, which 'ss -lntp' names"),
        (["mqtt"], "unable to convert to int"),
    ],
)
def test_ports_that_can_not_be_are_refused_before_anything_changes(
    lab: str, ports: list[Any], expected: str
) -> None:
    done = play(lab, "playbooks/host.yml", "--tags=proxy", "-e", json.dumps({"proxy_tls_ports": ports}))
    assert done.code != 0
    assert expected in " ".join(done.output.split())
    assert done.changed == []


def test_a_port_that_a_container_publishes_as_it_is_is_not_taken_away(lab: str, host: Host) -> None:
    gone(host)
    create(host, OTHER, "--publish 5999:5432")
    done = play(lab, "playbooks/host.yml", "--tags=proxy", "-e", json.dumps({"proxy_tls_ports": [5999]}))
    assert "proxy_tls_ports: a container publishes 5999 as it is" in " ".join(done.output.split())
    assert done.changed == []


def test_nothing_is_left_over(host: Host, on_host: Any) -> None:
    gone(host)
    settled(on_host)
