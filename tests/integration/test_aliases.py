"""Aliases on a real host: a new version takes over under load, tenants stay apart, and four beats of the module."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration import tenants
from tests.integration.modules import Call, call, four_beats
from tests.integration.proxy_client import (
    DOMAIN,
    ECHO,
    HELLO,
    Door,
    Http2,
    lab_door,
    read_answer,
    websocket_request,
)

OLD, NEW, ALIAS = "shop-1", "shop-2", "shop"
NAME = f"{ALIAS}.{DOMAIN}"
SWITCHES, CLIENTS = 40, 8


@pytest.fixture(scope="module")
def versions(host: Host, hello: str) -> Iterator[dict[str, dict[str, Any]]]:
    """Two containers of one realm, and one of another; by name."""
    found = {}
    tenants.make(host, "other/default")
    for name, realm in ((OLD, "default"), (NEW, "default"), ("theirs", "other")):
        command = f"skerry create {name} --realm {realm} --image {hello} --memory 64M --json"
        found[name] = json.loads(host.check_output(command))["after"]
    yield found
    for name in (ALIAS, "their-shop"):
        host.run(f"skerry alias delete {name}")
        host.run(f"skerry alias delete {name} --realm other")
    for name, one in found.items():
        host.run(f"skerry delete {name} --realm {one['realm']}")
    tenants.delete(host, "other/default")


@pytest.fixture(scope="module")
def door(lab: str) -> Door:
    """The public port."""
    return lab_door(lab)


@pytest.fixture
def alias(host: Host, versions: dict[str, Any]) -> str:
    """The alias, which leads to the old version."""
    host.check_output(f"skerry alias set {ALIAS} --container {OLD}")
    return NAME


class Load:
    """Clients that keep their connections and ask without a pause."""

    def __init__(self, door: Door, name: str) -> None:
        self.answers: Counter[str] = Counter()
        self.failed: list[str] = []
        self._door, self._name, self._ending = door, name, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        request = f"GET / HTTP/1.1\r\nhost: {self._name}\r\n\r\n".encode()
        try:
            with self._door.connect(self._name) as connection:
                while not self._ending.is_set():
                    connection.sendall(request)
                    answer = read_answer(connection)
                    version = next((name for name in (OLD, NEW) if name in answer.text), "neither")
                    self.answers[version if answer.status == 200 else str(answer.status)] += 1
        except OSError as error:
            self.failed.append(repr(error))


def test_forty_switches_under_load_lose_no_request_and_end_no_websocket(
    host: Host, door: Door, alias: str, capsys: pytest.CaptureFixture[str]
) -> None:
    switch = f"skerry alias set {ALIAS} --container"
    with door.connect(alias) as socket:
        socket.sendall(websocket_request(alias))
        assert read_answer(socket).status == 101
        with Load(door, alias) as load:
            begun = time.monotonic()
            host.check_output(
                f"for n in $(seq {SWITCHES // 2}); do {switch} {NEW}; {switch} {OLD}; done 2>/dev/null; {switch} {NEW}"
            )
            took = time.monotonic() - begun
        with capsys.disabled():
            print(
                f"\n{SWITCHES + 1} switches in {took:.1f} s, answers {dict(load.answers)}, failed {load.failed}"
            )
        assert load.failed == []
        assert set(load.answers) == {OLD, NEW}
        assert sum(load.answers.values()) > SWITCHES
        socket.sendall(HELLO)
        assert socket.recv(100) == ECHO

        begun = time.monotonic()
        answer = json.loads(host.check_output(f"skerry alias drain {ALIAS} --within 2 --json"))
        assert time.monotonic() - begun > 2
        assert answer["plans"][0]["steps"][0].startswith(f"drain 1 connections through {NAME}, within 2 s")
        assert socket.recv(100) == b""
    assert not json.loads(host.check_output(f"skerry alias drain {ALIAS} --json"))["changed"]


def test_a_drain_ends_only_what_came_by_the_alias_and_leads_elsewhere(
    host: Host, door: Door, alias: str, versions: dict[str, Any]
) -> None:
    own = versions[OLD]["url"].removeprefix("https://").split(":")[0].rstrip("/")
    with door.connect(alias) as by_alias, door.connect(own) as by_url:
        for socket, name in ((by_alias, alias), (by_url, own)):
            socket.sendall(websocket_request(name))
            assert read_answer(socket).status == 101
        host.check_output(f"skerry alias set {ALIAS} --container {NEW}")
        with door.connect(alias) as newer:
            newer.sendall(websocket_request(alias))
            assert read_answer(newer).status == 101
            host.check_output(f"skerry alias drain {ALIAS} --within 0")
            assert by_alias.recv(100) == b""
            for socket in (by_url, newer):
                socket.sendall(HELLO)
                assert socket.recv(100) == ECHO


def test_a_drain_ends_when_all_have_ended_by_themselves(host: Host, door: Door, alias: str) -> None:
    with door.connect(alias) as socket:
        socket.sendall(websocket_request(alias))
        assert read_answer(socket).status == 101
        host.check_output(f"skerry alias set {ALIAS} --container {NEW}")
        begun = time.monotonic()
        ending = threading.Timer(1.5, socket.close)
        ending.start()
        host.check_output(f"skerry alias drain {ALIAS} --within 60")
        assert 1 < time.monotonic() - begun < 20
        ending.join()


def test_while_a_drain_waits_the_name_can_be_led_back(host: Host, door: Door, alias: str) -> None:
    with door.connect(alias) as socket:
        socket.sendall(websocket_request(alias))
        assert read_answer(socket).status == 101
        host.check_output(f"skerry alias set {ALIAS} --container {NEW}")
        drain = f"systemd-run --quiet --unit=alias-drain skerry alias drain {ALIAS} --within 60"
        host.check_output(drain)
        time.sleep(0.5)
        host.check_output(f"timeout 10 skerry alias set {ALIAS} --container {OLD}")
        deadline = time.monotonic() + 10
        while host.run("systemctl is-active --quiet alias-drain").rc == 0:
            assert time.monotonic() < deadline, "the drain goes on though the name leads back"
            time.sleep(0.2)
        socket.sendall(HELLO)
        assert socket.recv(100) == ECHO


def test_an_alias_survives_the_proxy(host: Host, door: Door, alias: str) -> None:
    for verb in ("reload", "restart"):
        host.check_output(f"systemctl {verb} skerry-proxy.service")
        deadline = time.monotonic() + 20
        while OLD not in door.get(alias).text:
            assert time.monotonic() < deadline


def test_a_stopped_containers_alias_says_so_and_comes_back_with_it(
    host: Host, door: Door, alias: str
) -> None:
    host.check_output(f"skerry stop {OLD}")
    assert door.get(alias).status == 503
    host.check_output(f"skerry start {OLD}")
    assert door.get(alias).status == 200


def test_a_connection_for_one_tenants_name_reaches_no_other_tenant(
    host: Host, door: Door, alias: str, versions: dict[str, Any]
) -> None:
    host.check_output("skerry alias set their-shop --realm other --container theirs")
    theirs = versions["theirs"]["url"].removeprefix("https://").split(":")[0].rstrip("/")
    own = versions[OLD]["url"].removeprefix("https://").split(":")[0].rstrip("/")
    foreign = [theirs, f"their-shop.{DOMAIN}"]
    for sni, names in (
        (alias, foreign),
        (own, foreign),
        (theirs, [alias, own]),
        (f"their-shop.{DOMAIN}", [alias, own]),
    ):
        with Http2(door, sni) as connection:
            assert [connection.get(name, "/").status for name in names] == [421, 421], sni
    with Http2(door, alias) as connection:  # of one's own every name goes over one connection
        assert [connection.get(name, "/").status for name in (alias, own)] == [200, 200]


def test_a_taken_name_is_refused_as_a_reserved_one_is(host: Host, alias: str) -> None:
    taken = host.run(f"skerry alias set {ALIAS} --realm other --container theirs")
    reserved = host.run("skerry alias set www --realm other --container theirs")
    assert taken.rc == reserved.rc == 4
    assert taken.stderr.replace(ALIAS, "www") == reserved.stderr


def test_a_container_that_an_alias_leads_to_is_not_deleted(host: Host, alias: str) -> None:
    refused = host.run(f"skerry delete {OLD}")
    assert (refused.rc, f"alias {ALIAS} leads there" in refused.stderr) == (5, True)
    assert f"https://{NAME}" in host.check_output(f"skerry info {OLD}")


def test_four_beats(lab: str, versions: dict[str, Any], host: Host, tmp_path: Path) -> None:
    host.run(f"skerry alias delete {ALIAS}")
    beats: list[dict[str, Any]] = [
        {"alias": ALIAS, "container": OLD},
        {"alias": ALIAS, "container": NEW, "drain": 1},
        {"alias": ALIAS, "state": "absent"},
    ]
    calls = [Call(one.options, one.check, "skerry_alias") for options in beats for one in four_beats(options)]
    info = Call({"alias": ALIAS}, module="skerry_alias_info")
    answers = call(lab, tmp_path, *calls[:8], info, *calls[8:], info)
    for number, first in enumerate((0, 4, 9)):
        check, do, again, check_again = answers[first : first + 4]
        assert [one["failed"] for one in (check, do, again, check_again)] == [False] * 4, answers
        assert [one["changed"] for one in (check, do, again, check_again)] == [True, True, False, False], (
            number
        )
        assert check["steps"] == do["steps"] != again["steps"] == []
    assert [one["container"] for one in answers[8]["aliases"]] == [NEW]
    assert answers[13]["aliases"] == []


def test_a_call_of_the_command_imports_no_model(host: Host) -> None:
    imported = host.run("python3 -I -X importtime /usr/bin/skerry list").stderr
    assert "argparse" in imported
    assert not any(word in imported for word in ("pydantic", "skerry.model", "skerry.protocol"))
