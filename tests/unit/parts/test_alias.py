"""What is told to HAProxy when an alias comes, leads elsewhere, is drained and goes."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from skerry.host import haproxy as haproxy_module
from skerry.model.alias import RESERVED, reserved
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.parts.alias import AliasRoute, Drained
from skerry.parts.base import Part
from tests.unit.parts.master import StandIn

A, B, C = "a" * 24, "b" * 24, "c" * 24
SHOP = "shop.example.org"
OLD = AliasRoute(SHOP, f"{A}-{B}.example.org", "default")
NEW = AliasRoute(SHOP, f"{A}-{C}-web.example.org", "default")
# Three streams through the alias: to the old container, to the new one, to none yet; and one that came by another name.
TABLE = "# table: alias_streams, type: string, size:102400, used:5\n" + "".join(
    f"0x{number}: key={name} use={use} exp=1000 shard=0\n"
    for number, (name, use) in enumerate(
        [(f"{SHOP}/7", 1), (f"{SHOP}/8", 1), (f"{SHOP}/9", 1), (f"{SHOP}/10", 0), ("other.example.org/11", 1)]
    )
)
ADDRESSES = {7: "10.90.1.1:80", 8: "10.90.1.2:80", 9: "", 10: "10.90.1.1:80", 11: "10.90.1.1:80"}
SESSIONS = "".join(
    f"0x{number:x}: [22/Nov/2026:18:07:00.304733] id={number} proto=tcpv4\n"
    f"  server=container (id=1) addr={address}\n"
    * bool(address)
    or f"0x{number:x}: [22/Nov/2026:18:07:00.304733] id={number} proto=tcpv4\n  server=<NONE> (id=-1)\n"
    for number, address in ADDRESSES.items()
)


@pytest.fixture
def host(tmp_path: Path) -> HostConfig:
    run = tmp_path / "run"
    run.mkdir()
    return HostConfig(
        "example.org", state=str(tmp_path), proxy_socket=f"{run}/master.sock", routes_map=f"{run}/routes.map"
    )


@pytest.fixture
def haproxy(host: HostConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr(haproxy_module, "_LOST_SECONDS", 1.0)
    with contextlib.closing(StandIn(Path(host.proxy_socket))) as found:
        found.maps = {11: {NEW.target: f"10.90.1.2|80|default|{A}|{C}"}}
        yield found


def no_streams(haproxy: StandIn, times: int = 1) -> None:
    haproxy.answers += [("show table", "# table: alias_streams, type: string, size:1, used:0\n\n")] * times


def test_an_alias_is_made_led_elsewhere_and_removed(host: HostConfig, haproxy: StandIn) -> None:
    OLD.make(host)
    assert haproxy.maps[11][SHOP] == f"@|{OLD.target}|default"
    assert OLD.exists(host)
    NEW.make(host)
    assert haproxy.maps[11][SHOP] == f"@|{NEW.target}|default"
    assert not OLD.exists(host)
    no_streams(haproxy)
    NEW.remove(host)
    assert SHOP not in haproxy.maps[11]


@pytest.mark.parametrize("part", [OLD, Drained(SHOP, 2.5, 3)])
def test_the_journal_gives_the_same_part_back(part: Part) -> None:
    assert Part.from_json(part.to_json()) == part


def test_only_what_came_by_the_alias_and_leads_elsewhere_is_left(host: HostConfig, haproxy: StandIn) -> None:
    NEW.make(host)
    haproxy.answers = [("show table", TABLE + "\n"), ("show sess all", SESSIONS + "\n")]
    assert [(worker, one.number) for worker, one in Drained(SHOP, 0, 1).open(host)] == [(11, 7)]


def test_a_drain_waits_and_then_closes_what_is_left(host: HostConfig, haproxy: StandIn) -> None:
    NEW.make(host)
    closed: list[str] = []
    others = haproxy.answer

    def answer(command: str) -> str:
        if "show table" in command:
            return f"{TABLE}\n" if not closed else "# table: alias_streams, type: string, size:1, used:0\n\n"
        if "show sess all" in command:
            return f"{SESSIONS}\n"
        if "shutdown" in command:
            closed.append(command)
            return "\n"
        return others(command)

    haproxy.answer = answer  # type: ignore[method-assign]
    begun = time.monotonic()
    Drained(SHOP, 0.1, 1).make(host)
    assert time.monotonic() - begun >= 0.1
    assert closed == ["@!11 shutdown session 0x7\n"]


def test_after_a_switch_back_nothing_is_closed(host: HostConfig, haproxy: StandIn) -> None:
    haproxy.maps[11][OLD.target] = f"10.90.1.1|80|default|{A}|{B}"
    OLD.make(host)
    haproxy.answers = [("show table", TABLE + "\n"), ("show sess all", SESSIONS + "\n")]
    assert [one.number for _, one in Drained(SHOP, 0, 1).open(host)] == [8]


def test_what_came_by_tls_is_compared_with_where_that_port_leads(host: HostConfig, haproxy: StandIn) -> None:
    """8 goes where the alias leads by TLS now, 7 and 11 do not; 10 came by another name that begins alike."""
    haproxy.maps[11][f"{NEW.target}:8883"] = f"10.90.1.2|80|default|{A}|{C}|proxy"
    NEW.make(host)
    names = [(f"{SHOP}:8883", 7), (f"{SHOP}:8883", 8), (f"{SHOP}.net:8883", 10), (f"{SHOP}:6697", 11)]
    table = "# table: alias_streams, type: string, size:102400, used:4\n" + "".join(
        f"0x{number}: key={name}/{number} use=1 exp=1000 shard=0\n" for name, number in names
    )
    haproxy.answers = [("show table", f"{table}\n"), ("show sess all", f"{SESSIONS}\n")]
    assert [one.number for _, one in Drained(SHOP, 0, 1).open(host)] == [7, 11]


def test_of_a_stopped_container_everything_is_left(host: HostConfig, haproxy: StandIn) -> None:
    haproxy.maps[11][NEW.target] = f"stopped|80|default|{A}|{C}"
    NEW.make(host)
    haproxy.answers = [("show table", TABLE + "\n"), ("show sess all", SESSIONS + "\n")]
    assert [one.number for _, one in Drained(SHOP, 0, 1).open(host)] == [7, 8]


def test_a_deleted_alias_closes_what_is_open_through_it(host: HostConfig, haproxy: StandIn) -> None:
    OLD.make(host)
    haproxy.answers = [("show table", TABLE + "\n"), ("show sess all", SESSIONS + "\n")]
    haproxy.answers += [("shutdown session 0x7", "\n"), ("shutdown session 0x8", "\n")]
    no_streams(haproxy)
    OLD.remove(host)
    assert haproxy.answers == []


def test_without_a_proxy_nothing_is_open(host: HostConfig) -> None:
    OLD.remove(host)
    Drained(SHOP, 9, 1).make(host)
    assert Drained(SHOP, 9, 1).exists(host)
    assert not OLD.exists(host)


@pytest.mark.parametrize(
    "wrong",
    [
        AliasRoute("example.org", OLD.target, "default"),
        AliasRoute("x.shop.example.org", OLD.target, "default"),
        AliasRoute("shop.example.net", OLD.target, "default"),
        AliasRoute("www.example.org", OLD.target, "default"),
        AliasRoute(OLD.target, OLD.target, "default"),
        AliasRoute("shop\n.example.org", OLD.target, "default"),
        AliasRoute(SHOP, "blog.example.org", "default"),
        AliasRoute(SHOP, f"{A}-{B}.example.net", "default"),
        AliasRoute(SHOP, SHOP, "default"),
        AliasRoute(SHOP, OLD.target, "a|b"),
    ],
)
def test_what_cannot_be_an_alias_never_reaches_the_proxy(
    host: HostConfig, haproxy: StandIn, wrong: AliasRoute
) -> None:
    with pytest.raises(SkerryError, match="is not allowed"):
        wrong.make(host)
    assert haproxy.commands == []


@pytest.mark.parametrize("name", [*RESERVED, f"{A}-{B}", f"{A}-{B}-web", "xn--shop-abc"])
def test_reserved_names(name: str) -> None:
    assert reserved(name)


@pytest.mark.parametrize("name", ["shop", "api2", "my-api", "0", f"{A}", f"{A}-{B[1:]}", "a--b"])
def test_free_names(name: str) -> None:
    assert not reserved(name)
