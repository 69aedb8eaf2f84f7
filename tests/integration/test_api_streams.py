"""What goes on for a while, by the API of a real host: logs, progress, programs, answers ahead of the end, repeats."""

import json
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.integration import tokens
from tests.integration.api import DOMAIN, SHOP, Ask, words
from tests.integration.tokens import ACME, token

WEB = f"{SHOP}/containers/web"
STAYS = ["/bin/sh", "-c", "sleep 61234 & sleep 61235"]
OPEN = "/run/t-open"
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def web(host: Host, hello: str, on_host: Callable[..., CommandResult]) -> Iterator[None]:
    """A container that runs, in a realm of its own."""
    with tokens.two_realms(host):
        host.check_output(f"skerry create web --image hello --project {ACME} --memory 128M")
        yield
        host.run(f"rm --force {OPEN}")


@pytest.fixture
def by(host: Host) -> str:
    """A token that may do all in its realm."""
    host.run("skerry token revoke t-acme/ci")
    return token(host, "t-acme/ci", "--template admin")


@pytest.fixture
def ask(host: Host) -> Ask:
    """Asks the API."""
    return Ask(host)


def program(by: str, case: str, first: object, name: str = "web") -> str:
    url = f"wss://api.{DOMAIN}/api/v1{SHOP}/containers/{name}/exec"
    said = first if isinstance(first, str) else json.dumps(first)
    return shlex.join(["python3", "/run/on_host/exec_by_api.py", by, url, case, said])


@pytest.fixture
def run(host: Host, by: str) -> Run:
    """Runs a program by the token."""

    def runs(case: str, first: object, name: str = "web", by: str = by) -> dict[str, Any]:
        for _ in range(
            6
        ):  # it waits 10 seconds for an answer: too short where another suite's load is in the way
            done = host.run(program(by, case, first, name))
            if "timed out while waiting for handshake" not in done.stderr:
                break
        assert done.rc == 0, done.stderr
        return dict(json.loads(done.stdout.splitlines()[-1]))

    return runs


def test_a_program_with_its_streams(run: Run) -> None:
    command = ["/bin/sh", "-c", 'cat; echo " $HUE $PWD"; id -u >&2; exit 7']
    found = run("given", {"command": command, "env": {"HUE": "blue"}, "user": "33", "workdir": "/tmp"})
    assert (found["out"], found["err"]) == ("given blue /tmp\n", "33\n")
    assert (found["texts"], found["code"]) == ([{"status": 7}], 1000)
    much = run("", {"command": ["head", "-c", "20000000", "/dev/zero"]})
    assert (much["sizes"]["out"], much["texts"]) == (20_000_000, [{"status": 0}])
    assert run("term", {"command": ["sleep", "60"]})["texts"] == [{"status": 128 + 15}]
    assert run("full", {"command": ["sleep", "3"]})["texts"] == [{"status": 0}], "nobody reads what is typed"


def test_a_shell_at_a_terminal_with_a_size(run: Run) -> None:
    found = run("shell", {"terminal": {"rows": 30, "columns": 100}, "env": {"TERM": "dumb"}})
    assert "30 100" in found["out"]
    assert "50 120" in found["out"]
    assert found["texts"] == [{"status": 3}]


@pytest.mark.parametrize(
    ("first", "code", "said"),
    [
        ("[]", "invalid", "the body is not an object"),
        ("{", "invalid", "the body is not JSON"),
        ('{"commandd": []}', "invalid", "commandd: there is no such option"),
        ('{"command": []}', "invalid", "command: "),
        (
            '{"command": ["id"], "container": {"name": "web"}}',
            "invalid",
            "container: there is no such option",
        ),
        ('{"command": ["id"], "name": "web"}', "invalid", "name: there is no such option"),
        ('{"command": ["id"], "terminal": {"rows": 0, "columns": 80}}', "invalid", "terminal, rows"),
    ],
)
def test_wrong_first_messages(run: Run, first: str, code: str, said: str) -> None:
    found = run("", first)
    (problem,) = found["texts"]
    assert (problem["code"], found["code"]) == (code, 1008)
    assert problem["detail"].startswith(said)


def test_what_is_no_program(host: Host, ask: Ask, run: Run, by: str) -> None:
    assert run("nonsense", {"command": ["sleep", "60"]})["texts"][0]["detail"] == "this message is no order"
    assert run("", {"command": ["id"]}, name="none")["texts"][0]["code"] == "not_found"
    assert run("", {"command": ["id"]}, by="-")["status"] == 401
    reader = token(host, "t-acme/reader", "--template reader")
    assert run("", {"command": ["id"]}, by=reader)["texts"][0]["code"] == "forbidden"
    plain = ask("GET", f"{WEB}/exec", by)
    assert (plain.status, plain.body["code"]) == (426, "upgrade")


def left(host: Host) -> list[str]:
    """What still runs of STAYS, after a moment."""
    for _ in range(50):
        if not (found := host.run("pgrep --full --list-full '^sleep 6123[45]'").stdout.splitlines()):
            break
        time.sleep(0.1)
    return found


def waiting(host: Host, command: str, for_what: str) -> None:
    """Start something that goes on, and wait for its first words."""
    host.check_output(f"({command} > {OPEN} 2>&1 < /dev/null &)")
    until(host, lambda: for_what in host.check_output(f"cat {OPEN}"))


def until(host: Host, true: Callable[[], bool]) -> None:
    for _ in range(150):
        if true():
            return
        time.sleep(0.1)
    pytest.fail(f"nothing came; only: {host.check_output(f'cat {OPEN}')}")


def test_a_client_that_leaves_ends_all_that_it_started(host: Host, run: Run) -> None:
    run("leave", {"command": STAYS})
    assert left(host) == []


ENDS = ["skerry token revoke t-acme/ci", "systemctl restart skerry-engine.service"]


@pytest.mark.parametrize("ends", [*ENDS, "systemctl kill --signal KILL skerry-api.service"])
def test_a_program_ends_with_its_token_the_engine_and_the_api(host: Host, by: str, ends: str) -> None:
    waiting(host, program(by, "wait", {"command": STAYS}), "open")
    until(host, lambda: host.run("pgrep --full '^sleep 61235'").succeeded)
    host.check_output(ends)
    until(host, lambda: '"code"' in host.check_output(f"cat {OPEN}"))
    assert left(host) == []


def log(by: str, query: str, *headers: str) -> str:
    path = f"https://api.{DOMAIN}/api/v1{WEB}/logs?{query}"
    own = [word for one in (f"Authorization: Bearer {by}", *headers) for word in ("--header", one)]
    return shlex.join(["curl", "-sSN", "--max-time", "60", "--cacert", "/etc/skerry/pki/ca.crt", *own, path])


def test_a_log_in_lines_and_as_events(host: Host, ask: Ask, by: str) -> None:
    plain = ask("GET", f"{WEB}/logs?lines=1", by)
    assert (plain.status, plain.headers["content-type"]) == (200, "application/x-ndjson")
    line = json.loads(plain.raw)
    assert line["text"].startswith("hello")
    waiting(host, log(by, "lines=1&follow=1"), "event: line")
    host.check_output(f"skerry restart web --project {ACME}")
    until(host, lambda: host.check_output(f"cat {OPEN}").count("event: line") >= 2)
    first, *_ = host.check_output(f"cat {OPEN}").split("\n\n")
    number = first.split("\n")[1].removeprefix("id: ")
    again = host.check_output(f"timeout 5 {log(by, 'follow=1', f'Last-Event-ID: {number}')} || true")
    assert number not in again
    assert "event: line" in again
    assert ask("GET", f"{WEB}/logs?follow=perhaps", by).status == 400
    assert ask("GET", f"{WEB}/logs?follow=1", by, None, {"Last-Event-ID": "x"}).status == 400
    assert ask("GET", f"{SHOP}/containers/none/logs?follow=1", by).status == 404


@pytest.mark.parametrize("ends", ENDS)
def test_a_log_that_is_followed_ends_with_its_token_and_with_the_engine(
    host: Host, by: str, ends: str
) -> None:
    waiting(host, log(by, "lines=1&follow=1"), "event: line")
    host.check_output(ends)
    until(host, lambda: "event: problem" in host.check_output(f"cat {OPEN}"))
    until(host, lambda: host.run("pgrep --exact journalctl").rc == 1)


def test_progress_as_events(host: Host, ask: Ask, by: str) -> None:
    events = {"Accept": "text/event-stream"}
    found = ask("POST", f"{WEB}/restart", by, None, events)
    assert (found.status, found.headers["content-type"]) == (200, "text/event-stream")
    names = [part.split("\n")[0] for part in found.raw.split("\n\n") if part]
    assert (names[0], names[-1]) == ("event: plan", "event: result")
    assert names.count("event: step") >= 2
    assert ask("POST", f"{SHOP}/containers/none/restart", by, None, events).status == 404


def test_an_answer_ahead_of_the_end(host: Host, ask: Ask, by: str) -> None:
    ahead = ask("POST", f"{WEB}/restart?wait=ready", by, None, {"Prefer": "respond-async, wait=5"})
    assert (ahead.status, ahead.headers["preference-applied"]) == (202, "respond-async")
    host.check_output("systemctl kill --signal KILL skerry-api.service")
    place = ahead.headers["location"].removeprefix("/api/v1")
    until(host, lambda: ask("GET", place, by).status == 200)
    until(host, lambda: ask("GET", place, by).body["state"] != "open")
    found = ask("GET", place, by).body
    assert (found["verb"], found["state"], found["token"], found["next"]) == (
        "restart",
        "done",
        "t-acme/ci",
        None,
    )


@pytest.mark.parametrize("dies", ["skerry-engine.service", "skerry-api.service"])
def test_the_same_again_after_a_kill_is_done_once(host: Host, ask: Ask, by: str, dies: str) -> None:
    options = {"name": "once", "size": "32M"}
    key = {"Idempotency-Key": f"key-{dies}"}
    restart = words("POST", f"{WEB}/restart?wait=ready", by, None, key)
    waiting(host, f"sh -c {shlex.quote(f'echo begun; {restart}')}", "begun")
    until(host, lambda: '"restart"' in host.check_output("skerry operations --count 1 --json"))
    host.check_output(f"systemctl kill --signal KILL {dies}")
    again = settled(ask, by, f"{WEB}/restart?wait=ready", None, key)
    assert (again.status, again.body["changed"]) == (200, True)
    assert ask("POST", f"{WEB}/restart?wait=ready", by, None, key).raw == again.raw
    assert ask("POST", f"{WEB}/restart?wait=ready", by, {"grace": 7}, key).status == 422
    key = {"Idempotency-Key": f"made-{dies}"}
    made = ask("POST", f"{SHOP}/volumes", by, options, key)
    host.check_output(f"systemctl kill --signal KILL {dies}")
    repeated = settled(ask, by, f"{SHOP}/volumes", options, key)
    assert (made.status, repeated.status, repeated.raw) == (201, 201, made.raw)
    assert ask("DELETE", f"{SHOP}/volumes/once", by, None, {"If-Match": "*"}).status == 200


def settled(ask: Ask, by: str, path: str, body: object, key: dict[str, str]) -> Any:
    """The answer, once the engine and the API are there again, and carry out nothing with that key."""
    for _ in range(100):
        found = ask("POST", path, by, body, key)
        if found.status not in {409, 502, 503}:
            return found
        assert found.headers["retry-after"]
        time.sleep(0.3)
    raise AssertionError(found.raw)


def test_wrong_tokens_are_counted_by_their_network(host: Host, ask: Ask, by: str) -> None:
    wrong = "sk_4lyNXA6OV4pcroynMWZJDiDeiPK4UzXKg"
    v4 = "--ipv4"
    assert ask("GET", "/self", by, extra=v4).status == 200
    found = [ask("GET", "/self", wrong, extra=v4).status for _ in range(21)]
    assert found == [401] * 20 + [429]
    late = ask("GET", "/self", wrong, extra=v4)
    assert (late.headers["retry-after"], late.body["code"]) == ("60", "too_many")
    assert ask("GET", "/self", by, extra=v4).status == 200, "one that is known is not shut out"
    assert ask("GET", "/health", extra=v4).status == 200
    new = token(host, "t-acme/new", "--template reader")
    assert ask("GET", "/self", new, extra=v4).status == 429, "one that nobody has seen yet waits"
    host.check_output("skerry token revoke t-acme/ci")
    assert ask("GET", "/self", by, extra=v4).status == 401
    assert ask("GET", "/self", by, extra=v4).status == 429
    host.check_output("systemctl restart skerry-proxy.service")
