"""What is told to HAProxy when a route comes, changes and goes. The real HAProxy is in tests/integration/test_proxy*.py."""

import contextlib
import dataclasses
import fcntl
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry import proxy_sync
from skerry.host import haproxy as haproxy_module
from skerry.host import policies, routes
from skerry.host.haproxy import Master, ProxyDownError, ProxyError, ProxyLostError
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.parts import entry, proxy
from skerry.parts.base import Part
from skerry.parts.proxy import Route
from tests.unit.parts.master import StandIn

A, B = "a" * 24, "b" * 24
ROUTE = Route(f"{A}-{B}.example.org", "10.90.1.1", 1071, "default", A, B)
VALUE = f"10.90.1.1|1071|default|{A}|{B}"


@pytest.fixture
def host(tmp_path: Path) -> HostConfig:
    run = tmp_path / "run"
    run.mkdir()
    return HostConfig(
        "example.org", state=str(tmp_path), proxy_socket=f"{run}/master.sock", routes_map=f"{run}/routes.map"
    )


@pytest.fixture
def haproxy(host: HostConfig) -> Iterator[StandIn]:
    with contextlib.closing(StandIn(Path(host.proxy_socket))) as found:
        yield found


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_STARTING_SECONDS", 0.3)
    monkeypatch.setattr(entry, "_STARTING_SECONDS", 0.3)
    monkeypatch.setattr(haproxy_module, "_LOST_SECONDS", 1.0)
    monkeypatch.setattr(entry, "_CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(routes, "_LOCK_SECONDS", 0.05)


def store(host: HostConfig, **entries: str) -> None:
    with contextlib.closing(sqlite3.connect(host.database)) as db, db:
        db.execute("CREATE TABLE IF NOT EXISTS route_map (host TEXT, value TEXT)")
        db.execute("DELETE FROM route_map")
        db.executemany("INSERT INTO route_map VALUES (?, ?)", entries.items())


def test_a_route_is_made_changed_and_removed_in_every_worker(host: HostConfig, haproxy: StandIn) -> None:
    assert not ROUTE.exists(host)
    ROUTE.make(host)
    ROUTE.make(host)
    assert haproxy.maps == {11: {ROUTE.host: VALUE}, 12: {ROUTE.host: VALUE}}
    assert ROUTE.exists(host)
    stopped = dataclasses.replace(ROUTE, ip="")
    stopped.make(host)
    assert haproxy.maps[12] == {ROUTE.host: f"stopped|1071|default|{A}|{B}"}
    assert not ROUTE.exists(host)
    stopped.remove(host)
    stopped.remove(host)
    assert haproxy.maps == {11: {}, 12: {}}


def test_a_port_by_tls_is_an_entry_of_its_own(host: HostConfig, haproxy: StandIn) -> None:
    by_tls = dataclasses.replace(ROUTE, host=f"{ROUTE.host}:8883", port=1883)
    for route in (ROUTE, by_tls):
        route.make(host)
    assert haproxy.maps[11] == {ROUTE.host: VALUE, f"{ROUTE.host}:8883": VALUE.replace("1071", "1883")}
    with_header = dataclasses.replace(by_tls, header=True)
    with_header.make(host)
    assert haproxy.maps[12][with_header.host] == f"{VALUE.replace('1071', '1883')}|proxy"
    assert not by_tls.exists(host)
    with_header.remove(host)
    assert haproxy.maps[12] == {ROUTE.host: VALUE}


@pytest.mark.parametrize("route", [ROUTE, dataclasses.replace(ROUTE, host=f"{ROUTE.host}:1", header=True)])
def test_the_journal_gives_the_same_route_back(route: Route) -> None:
    assert Part.from_json(route.to_json()) == route


def test_a_route_of_an_older_journal_has_no_header() -> None:
    older = {key: value for key, value in ROUTE.to_json().items() if key != "header"}
    assert Part.from_json(older) == ROUTE


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "example.org"},
        {"host": f"{A}-{B}.example.net"},
        {"host": f"{A}-{B}.x.example.org"},
        {"host": f"{A}-{B[1:]}.example.org"},
        {"host": f"{A}-{B}-{'s' * 14}.example.org"},
        {"host": f"{A}-{B}--x.example.org"},
        {"host": f"{A}-{B}.example.org\n"},
        {"host": f"{A}-{B}.example.org:"},
        {"host": f"{A}-{B}.example.org:0"},
        {"host": f"{A}-{B}.example.org:65536"},
        {"host": f"{A}-{B}.example.org:8883:1"},
        {"host": f"{A}-{B}:8883.example.org"},
        {"ip": "10.90.0.255"},
        {"ip": "10.91.1.1"},
        {"ip": "fd5e:6b65:7279::ff"},
        {"ip": "stopped"},
        {"port": 0},
        {"port": 65_536},
        {"realm": "a|b"},
        {"realm": "a;b"},
        {"project": ""},
        {"ip": "", "page": "gone|1"},
    ],
)
def test_what_cannot_be_a_route_never_reaches_the_proxy(
    host: HostConfig, haproxy: StandIn, wrong: dict[str, Any]
) -> None:
    with pytest.raises(SkerryError, match="is not allowed"):
        dataclasses.replace(ROUTE, **wrong).make(host)
    assert haproxy.commands == []


@pytest.mark.parametrize("service", ["", "-web", "-http-8080", f"-{'s' * 13}"])
@pytest.mark.parametrize("ip", ["", "10.90.1.0", "10.90.255.255", "fd5e:6b65:7279::100"])
def test_what_can_be_a_route(host: HostConfig, haproxy: StandIn, service: str, ip: str) -> None:
    dataclasses.replace(ROUTE, host=f"{A}-{B}{service}.example.org", ip=ip).make(host)
    assert haproxy.maps[11]


def test_a_proxy_that_does_not_run(host: HostConfig) -> None:
    with pytest.raises(ProxyDownError, match=r"does not run.*systemctl status skerry-proxy.service"):
        ROUTE.make(host)
    ROUTE.remove(host)
    assert not ROUTE.exists(host)
    assert proxy.sync(host) == 0


def test_a_proxy_that_was_never_installed(host: HostConfig) -> None:
    absent = dataclasses.replace(host, proxy_socket="/nowhere/master.sock", routes_map="/nowhere/routes.map")
    with pytest.raises(ProxyDownError, match="Run the role proxy"):
        ROUTE.make(absent)
    ROUTE.remove(absent)
    assert proxy.sync(absent) == 0


def test_a_master_whose_workers_have_ended_serves_nothing(host: HostConfig, haproxy: StandIn) -> None:
    haproxy.maps.clear()
    with pytest.raises(ProxyDownError, match="workers have ended"):
        ROUTE.make(host)
    ROUTE.remove(host)


@contextlib.contextmanager
def nobody_listens(host: HostConfig) -> Iterator[socket.socket]:
    """As it is between the master's word that it is ready and the end of its exec."""
    with socket.socket(socket.AF_UNIX) as found:
        found.bind(host.proxy_socket)
        yield found


def test_a_load_waits_until_the_master_listens_again(host: HostConfig) -> None:
    """READY=1 comes before the master executes itself anew: what follows it finds nobody."""
    store(host, **{ROUTE.host: VALUE})
    with nobody_listens(host), contextlib.ExitStack() as later:

        def listen() -> None:
            Path(host.proxy_socket).unlink()
            started.append(later.enter_context(contextlib.closing(StandIn(Path(host.proxy_socket)))))

        started: list[StandIn] = []
        timer = threading.Timer(0.1, listen)
        timer.start()
        assert proxy.load(host) == 1
        timer.join()
        assert started[0].maps[11] == {"ready": "1", ROUTE.host: VALUE}


def test_a_started_proxy_without_its_routes_is_no_success(
    host: HostConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proxy_sync, "HostConfig", lambda **_: host)
    monkeypatch.setattr(proxy_sync, "CONFIG_PATH", "/nowhere")
    assert proxy_sync.main(["load"]) == 1
    assert "the proxy does not run" in capsys.readouterr().err
    with nobody_listens(host):
        assert proxy_sync.main(["load"]) == 1
    assert "is beginning or ending" in capsys.readouterr().err


def test_while_nobody_listens_a_worker_may_still_serve_what_is_deleted(host: HostConfig) -> None:
    with nobody_listens(host):
        for operation in (ROUTE.remove, ROUTE.exists, proxy.sync):
            with pytest.raises(ProxyLostError, match="is beginning or ending"):
                operation(host)


@pytest.mark.parametrize("answer", ["", "#<PID> <type>\n10   master   0 [failed: 0]\n# workers\n"])
def test_a_list_of_workers_that_broke_off_is_asked_for_again(
    host: HostConfig, haproxy: StandIn, answer: str
) -> None:
    haproxy.maps = {11: {ROUTE.host: VALUE}}
    haproxy.answers = [("show proc", answer), ("show sess all", "\n")]
    ROUTE.remove(host)
    assert haproxy.maps == {11: {}}


def test_streams_that_were_not_shown_are_not_closed_ones(host: HostConfig, haproxy: StandIn) -> None:
    haproxy.maps = {11: {}}
    haproxy.answers = [
        ("show sess all", ""),
        ("show sess all", SESSIONS.removesuffix("\n")),
        ("show sess all", SESSIONS),
        ("shutdown session 0x3", "\n"),
        ("show sess all", "\n"),
    ]
    ROUTE.remove(host)
    assert haproxy.answers == []


@pytest.mark.parametrize("lost", ["", "Can't find the target PID matching the prefix '@!11'\n"])
def test_routes_that_no_worker_took_are_loaded_again(host: HostConfig, haproxy: StandIn, lost: str) -> None:
    store(host, **{ROUTE.host: VALUE})
    haproxy.answers = [("prepare map", lost), ("add map", lost), ("commit map", lost), ("get map", lost)]
    assert proxy.load(host) == 1
    assert haproxy.answers == []
    assert haproxy.maps[11] == haproxy.maps[12] == {"ready": "1", ROUTE.host: VALUE}


def test_routes_that_a_worker_says_it_took_are_read_back(host: HostConfig, haproxy: StandIn) -> None:
    haproxy.answers = [("@!12 commit map", "\n")]
    assert proxy.load(host) == 0
    assert haproxy.maps[12] == {"ready": "1"}


@pytest.mark.parametrize("answer", ["Can't connect to the target CLI!\n", ""])
def test_a_worker_that_is_just_ending_is_asked_again(host: HostConfig, haproxy: StandIn, answer: str) -> None:
    haproxy.answers = [("@!12 set map", answer)]
    ROUTE.make(host)
    assert haproxy.maps == {11: {ROUTE.host: VALUE}, 12: {ROUTE.host: VALUE}}


def test_a_worker_that_has_ended_meanwhile_does_not_count(host: HostConfig, haproxy: StandIn) -> None:
    two = haproxy.answer("show proc\n")
    haproxy.answers = [("show proc", two), ("@!12", "Can't find the target PID matching the prefix '@!12'\n")]
    del haproxy.maps[12]
    ROUTE.make(host)
    assert haproxy.maps == {11: {ROUTE.host: VALUE}}


def test_a_refusal_is_told(host: HostConfig, haproxy: StandIn) -> None:
    haproxy.answers = [("del map", "Permission denied\n\n")]
    with pytest.raises(ProxyError, match=r"refused 'del map.*Permission denied"):
        ROUTE.remove(host)


def test_a_sync_brings_what_the_store_says_in_commands_that_fit(host: HostConfig, haproxy: StandIn) -> None:
    wanted = {f"{n:024x}-{B}.example.org": VALUE for n in range(1000)}
    store(host, **wanted)
    ROUTE.make(host)
    assert proxy.sync(host) == 1000
    assert haproxy.maps == dict.fromkeys((11, 12), wanted | {"ready": "1"})
    store(host)
    assert proxy.sync(host) == 0
    assert haproxy.maps[11] == {"ready": "1"}


@pytest.mark.parametrize("locked", [{}, {A: "x"}])
def test_a_proxy_of_before_knows_no_policies_and_gets_its_routes(
    host: HostConfig,
    haproxy: StandIn,
    locked: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In an upgrade the engine is the new one first: one that does not start would leave a host without any."""
    store(host, **{ROUTE.host: VALUE})
    monkeypatch.setattr(policies, "read", lambda _host: locked)
    unknown = "Unknown map identifier. Please use #<id> or <file>.\n\n"
    haproxy.answers = [("prepare map .*policies", unknown)]
    assert proxy.sync(host) == 1
    assert haproxy.maps[12] == {ROUTE.host: VALUE, "ready": "1"}
    assert ("apply the role proxy" in caplog.text) == bool(locked)
    haproxy.answers = [("prepare map .*routes", unknown)]
    with pytest.raises(ProxyError, match="Unknown map identifier"):
        proxy.sync(host)


def test_a_reload_writes_the_file_first_and_says_why_it_failed(host: HostConfig, haproxy: StandIn) -> None:
    store(host, **{ROUTE.host: VALUE})
    haproxy.answers = [
        ("reload", "Success=1\n--\nfine\n\n"),
        ("reload", "Success=0\n--\nunknown keyword 'x'\n\n"),
    ]
    assert proxy.reload(host) == 1
    assert Path(host.routes_map).read_text() == f"ready 1\n{ROUTE.host} {VALUE}\n"
    with pytest.raises(ProxyError, match="unknown keyword 'x'"):
        proxy.reload(host)


def test_no_store_and_a_store_without_routes_are_both_empty(host: HostConfig) -> None:
    assert routes.read(host.database) == {"ready": "1"}
    sqlite3.connect(host.database).close()
    assert routes.read(host.database) == {"ready": "1"}
    Path(host.database).write_text("this is no database, but it is long enough to be looked at" * 20)
    with pytest.raises(SkerryError, match="cannot be read: file is not a database"):
        routes.read(host.database)


def test_nothing_changes_while_somebody_holds_the_lock(host: HostConfig, haproxy: StandIn) -> None:
    with Path(host.routes_map).with_name("lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(SkerryError, match="has been reloading"):
            ROUTE.remove(host)
    assert haproxy.commands == []
    ROUTE.remove(host)


SESSIONS = """\
0x1: [22/Nov/2026:18:07:00.304733] id=9 proto=sockpair source=unix:1
  server=<NONE> (id=-1)
0x2: [22/Nov/2026:18:06:59.376484] id=7 proto=tcpv4 source=127.0.0.1:55958
  backend=containers (id=3 mode=http) addr=10.90.1.1:1071
  server=container (id=1) addr=10.90.1.11:1071
0x3: [22/Nov/2026:18:06:59.376484] id=7 proto=tcpv4 source=127.0.0.1:55959
  backend=containers (id=3 mode=http) addr=10.90.0.1:41668
  server=container (id=1) addr=10.90.1.1:1071
  scf=0x7fdfe18e3000 flags=0x00001000 ioto=1h state=EST

"""


def test_exactly_the_streams_to_the_container_are_closed(host: HostConfig, haproxy: StandIn) -> None:
    haproxy.answers = [
        ("@!11 show sess all", SESSIONS),
        ("@!12 show sess all", SESSIONS.replace("0x3", "0x4")),
        ("@!11 shutdown session 0x3", "\n"),
        ("@!12 shutdown session 0x4", "No such session (use 'show sess').\n"),
        ("@!11 show sess all", "\n"),
        ("@!12 show sess all", "\n"),
    ]
    ROUTE.remove(host)
    assert haproxy.answers == []


def test_a_stream_that_does_not_close_is_told(host: HostConfig, haproxy: StandIn) -> None:
    haproxy.answers = [("show sess all", SESSIONS), ("shutdown session", "\n")] * 200
    with pytest.raises(SkerryError, match=r"connections to 10.90.1.1:1071 are still open"):
        ROUTE.remove(host)


@pytest.mark.parametrize("word", ["a b", "a;b", "", "#1", "a\nb", "ä"])
def test_a_word_that_would_be_another_command_is_refused(host: HostConfig, word: str) -> None:
    master = Master(host.proxy_socket)
    with pytest.raises(ProxyError, match="cannot stand in a map"):
        master.set_entry("/map", word, "x")
    with pytest.raises(ProxyError, match="cannot stand in a map"):
        master.delete_entry("/map", word)
    with pytest.raises(ProxyError, match="cannot stand in a map"):
        master.replace_map("/map", {"x": word})
